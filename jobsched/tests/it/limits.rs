//! The limit of open files: jobs find it as it was, and a low one costs time but no job.

use std::process::Output;

use nix::sys::resource::{Resource, getrlimit};

use crate::harness::{Text as _, example, host, plain};

fn shell(script: &str) -> Output {
    plain("sh").args(["-c", script]).env("FLOOD", example("flood")).output().unwrap()
}

#[test]
fn with_64_descriptors_500_jobs_at_once_all_run() {
    let output = shell("ulimit -n 64; exec $FLOOD -J -q 500 /bin/true");
    let text = output.text();
    assert!(output.status.success() && output.stderr.is_empty(), "{text}");
    assert!(text.starts_with("500 succeeded in"), "{text}");
}

#[test]
fn with_hardly_any_descriptors_jobs_run_one_after_the_other() {
    let output = shell("ulimit -n 24; exec $FLOOD -J -q 20 /bin/true");
    assert!(output.text().starts_with("20 succeeded in"), "{}", output.text());
}

#[test]
fn five_hundred_jobs_at_once_find_the_soft_limit_as_it_was() {
    let output = shell("ulimit -Sn 200; exec $FLOOD -J 500 sh -c 'ulimit -n'");
    let text = output.text();
    assert_eq!(text.matches("| 200\n").count(), 500, "{text}");
    assert!(output.status.success(), "{text}");
}

#[test]
fn the_limit_of_the_host_is_as_before_after_a_run() {
    let inner = host("limits");
    // It can be raised only if it is less than the hard one.
    let hard = getrlimit(Resource::RLIMIT_NOFILE).unwrap().1;
    let soft = 300.min(hard - 1);
    let output = plain("sh")
        .args(["-c", &format!(r#"ulimit -Sn {soft}; exec "$@""#), "sh"])
        .arg(inner.get_program())
        .args(inner.get_args())
        .env(crate::host::PART, "limits")
        .output()
        .unwrap();
    let text = output.text();
    let has = |what: &str| text.contains(&format!("{what} {soft}\n"));
    assert!(has("before") && has("after"), "{text}");
    assert!(has("job                      |"), "{text}");
    assert!(text.contains("during ") && !has("during"), "{text}");
}

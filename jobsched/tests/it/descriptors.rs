//! What a job inherits besides its three streams: nothing, but for the jobserver that it shares; and
//! what its environment says about jobservers.

use std::path::Path;
use std::process::Command;

use crate::harness::{Program, Test, Text as _, example, fifo, hold, plain};
use crate::host::Host;

const LIST: &str = "ls -l /proc/self/fd | sed -n 's/.* \\([0-9]*\\) -> .*/\\1/p' | tr '\\n' ' '";

#[test]
fn no_descriptor_is_inherited_by_jobs_that_run_together() {
    for limit in ["", "ulimit -Sn 200;"] {
        let script = format!("{limit} exec $FLOOD -J 20 sh -c \"$LIST\"");
        let output = plain("sh")
            .args(["-c", &script])
            .env("FLOOD", example("flood"))
            .env("LIST", LIST)
            .output()
            .unwrap();
        let text = output.text();
        assert_eq!(text.matches("| 0 1 2 3 \n").count(), 20, "{text}");
    }
}

/// A host under the pool of `fifo`, as make 4.3 would have started it.
fn under_pool(host: Host, words: &str) -> Command {
    let flags = format!("{words} -j4 --jobserver-auth=8,9 -- A=b");
    host.makeflags(&flags).under_shell(
        r#"exec 8<>pool 9>pool; export CARGO_MAKEFLAGS="-j --jobserver-fds=8,9" \
            MFLAGS="-k --jobserver-auth=8,9"; exec "$@""#,
    )
}

fn environment(directory: &Path, share: bool, words: &str) -> String {
    let pool = fifo(directory.join("pool"));
    let _held = hold(&pool);
    let script = format!("env | grep MAKEFLAGS; env | grep ^MFLAGS; {LIST}");
    let mut host = Host::new(directory).sh("job", &script);
    if share {
        host = host.share();
    }
    Program::start(under_pool(host, words)).succeeds()
}

#[test]
fn by_default_jobs_hear_of_no_jobserver() {
    let directory = tempfile::tempdir().unwrap();
    let output = environment(directory.path(), false, "k");
    assert!(output.contains("| MAKEFLAGS=k -- A=b\n"), "{output}");
    assert!(output.contains("| MFLAGS=-k\n"), "{output}");
    let cargo = output.lines().find(|line| line.contains("CARGO_MAKEFLAGS=")).unwrap_or("=");
    assert_eq!(cargo.rsplit_once('=').unwrap().1.trim(), "", "{output}");
}

#[test]
fn a_job_that_shares_the_jobserver_gets_its_words_and_descriptors() {
    let directory = tempfile::tempdir().unwrap();
    let output = environment(directory.path(), true, "k");
    assert!(output.contains("| MAKEFLAGS=k --jobserver-auth=8,9 -j4 -- A=b\n"), "{output}");
    assert!(output.contains(" 8 9 \n"), "{output}");
}

#[test]
fn what_a_command_says_about_makeflags_itself_is_respected() {
    let run = |share: bool| {
        let test = Test::new().with(|builder| builder.jobs(jobsched::Jobs::AtMost(3)));
        let mut shell = test.shell("echo $MAKEFLAGS; echo \"$CARGO_MAKEFLAGS\"");
        shell.env("MAKEFLAGS", "mine").env_remove("CARGO_MAKEFLAGS");
        let ran = test.job(jobsched::command("job", shell).share_jobserver(share)).run();
        ran.stdout("job")
    };
    assert_eq!(run(false), "mine");
    assert_eq!(run(true), "mine");
}

#[test]
fn a_run_leaves_no_descriptor_behind() {
    let directory = tempfile::tempdir().unwrap();
    let count = |jobs: usize| {
        let mut host = Host::new(directory.path()).slots(8).logs("log").quiet();
        for number in 0..jobs {
            host = host.sh(&format!("job.{number}"), "echo x");
        }
        let output = Program::start(host.command()).succeeds();
        output.lines().find(|line| line.starts_with("descriptors")).unwrap().to_owned()
    };
    assert_eq!(count(1), count(50));
}

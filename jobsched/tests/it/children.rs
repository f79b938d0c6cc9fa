//! How a job's process finds the world, what is told if there is none, and whose children are
//! waited for.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::rc::Rc;

use jobsched::{Check, Event, Jobs, Scheduler, Work, command};

use crate::harness::{Seen, Test, Text as _, custom, example, host, plain};

#[test]
fn a_job_leads_a_group_of_its_own_and_reads_nothing() {
    let ran = Test::new()
        .sh("job", "read -r pid name state parent group rest </proc/self/stat; echo $pid $group")
        .sh("stdin", "readlink /proc/self/fd/0; wc -c")
        .run()
        .assert_success();
    let Seen::Started { pid, .. } = ran.seen[0] else { panic!("{:?}", ran.seen[0]) };
    assert_eq!(ran.stdout("job"), format!("{pid} {pid}"));
    assert_eq!(ran.stdout("stdin"), "/dev/null\n0");
}

#[test]
fn jobs_find_default_dispositions_even_if_the_host_ignores_signals() {
    for limit in ["", "ulimit -Sn 200;"] {
        let script = format!(
            "{limit} trap '' HUP INT QUIT PIPE USR1 TSTP; exec $FLOOD -J 5 sed -n /^Sig/p /proc/self/status"
        );
        let output =
            plain("sh").args(["-c", &script]).env("FLOOD", example("flood")).output().unwrap();
        let text = output.text();
        for set in ["SigIgn", "SigBlk", "SigCgt"] {
            let lines = text.lines().filter(|line| line.contains(set));
            let sets: Vec<_> = lines
                .map(|line| u64::from_str_radix(line.rsplit_once('\t').unwrap().1, 16).unwrap())
                // Nobody can change the two that the C library has for itself.
                .map(|set| set & !(0b11 << 31))
                .collect();
            assert_eq!(sets, [0; 5], "{text}");
        }
    }
}

#[test]
fn jobs_find_no_signal_blocked_even_if_the_host_has_all() {
    let text = host("blocked").output().unwrap().text();
    assert!(text.contains("| SigBlk:\t0000000000000000\n"), "{text}");
    assert!(text.contains("host fffffffe7ffbfeff\n"), "{text}");
}

#[test]
fn a_job_that_cannot_be_started_fails_alone_and_says_what_was_tried() {
    let test = Test::new().logged();
    let script = test.path("script");
    fs::write(&script, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o644)).unwrap();
    let mut elsewhere = Command::new("true");
    elsewhere.current_dir("/no/such/place");
    let ran = test
        .command("missing", Command::new("/no/such/program"))
        .command("denied", Command::new(&script))
        .command("elsewhere", elsewhere)
        .job(custom("undecided", |_| Check::ready(), || Work::impossible("no idea what")))
        .job(custom("panics", |_| Check::ready(), || panic!("in run")))
        .sh("fine", "echo ok")
        .run();
    assert_eq!((ran.summary.failed, ran.summary.succeeded), (5, 1));
    let not = |job, what: &str| {
        assert_eq!(ran.outcome(job), format!("could not be started: {what}"));
    };
    not("missing", "failed to run `/no/such/program': No such file or directory (os error 2)");
    not(
        "denied",
        &format!("failed to run `{}': Permission denied (os error 13)", script.display()),
    );
    not(
        "elsewhere",
        "failed to run `true' in /no/such/place: No such file or directory (os error 2)",
    );
    not("undecided", "no idea what");
    not("panics", "it panicked when asked what to run: in run");
    assert_eq!(fs::read_dir(ran.path("log")).unwrap().count(), 1, "only of the one that ran");
}

#[test]
fn children_of_the_host_are_left_to_it() {
    let mut child = plain("sh").args(["-c", "exit 7"]).spawn().unwrap();
    // It has ended by the time when the run does, as this one waits for it to become a zombie.
    let wait = format!("until grep -q 'State:.Z' /proc/{}/status; do :; done", child.id());
    Test::new().sh("waits", &wait).sh("other", "true").run().assert_success();
    assert_eq!(child.wait().unwrap().code(), Some(7));
}

#[test]
fn a_status_taken_by_somebody_else_is_an_honest_failure() {
    let output = plain("sh")
        .args(["-c", "exec env --ignore-signal=CHLD $FLOOD -j2 30 /bin/true"])
        .env("FLOOD", example("flood"))
        .output()
        .unwrap();
    let text = output.text();
    assert_eq!(output.status.code(), Some(2), "{text}");
    // Some have ended before they could be watched.
    let said = "ended, but its exit status was taken by somebody else)";
    assert_eq!(text.matches(said).count(), 30, "{text}");
}

#[test]
fn a_run_within_an_observer_of_another_run() {
    let inner = Rc::new(RefCell::new(Vec::new()));
    let sink = Rc::clone(&inner);
    let ran = Test::new()
        .with(|builder| {
            builder.jobs(Jobs::AtMost(3)).observer(move |event: &Event<'_>| {
                if let Event::Started { job, .. } = event {
                    let ran = Test::new().sh("inner", &format!("echo within {}", job.name)).run();
                    sink.borrow_mut().push(ran.stdout("inner"));
                }
            })
        })
        .sh("a", "echo a")
        .sh("b", "echo b")
        .run()
        .assert_success();
    assert_eq!(inner.take(), ["within a", "within b"]);
    assert_eq!((ran.stdout("a"), ran.stdout("b")), ("a".into(), "b".into()));
}

#[test]
fn runs_on_several_threads_do_not_disturb_each_other() {
    let run = |number: usize| {
        let mut test = Test::new().with(|builder| builder.jobs(Jobs::AtMost(4)));
        for job in 0..100 {
            let mut echo = Command::new("echo");
            echo.arg(format!("{number}.{job}"));
            test = test.job(command(format!("echo.{job}"), echo));
        }
        let ran = test.run().assert_success();
        for job in 0..100 {
            let name = format!("echo.{job}");
            assert_eq!(ran.stdout(&name), format!("{number}.{job}"));
            assert_eq!(ran.leaks(&name), [] as [&[_]; 0], "{name} of run {number}");
        }
    };
    std::thread::scope(|scope| {
        for number in 0..4 {
            scope.spawn(move || run(number));
        }
    });
}

#[test]
fn a_closure_is_refused_where_there_are_other_threads() {
    let ran = Test::new()
        .job(custom("closure", |_| Check::ready(), || Work::closure(|| 0)))
        .sh("fine", "true")
        .run();
    // libtest has a thread besides this one.
    assert_eq!(
        ran.outcome("closure"),
        "could not be started: a closure can only be run while this process has a single thread, \
         and it has several; run a command instead, such as this program itself with other arguments"
    );
    assert_eq!(ran.summary.succeeded, 1);
}

#[test]
fn what_a_process_used_is_told() {
    let ran = Test::new().sh("busy", "head -c 100000000 /dev/zero | sha256sum").run();
    let info = ran.info("busy");
    assert!(info.user + info.system > std::time::Duration::from_millis(5), "{info:?}");
    assert!(info.peak_memory > 500_000, "{info:?}");
    assert!(info.elapsed <= ran.summary.wall);
}

#[test]
fn a_scheduler_runs_again_with_the_jobs_that_came_later() {
    let ran = Test::new().sh("first", "echo 1").run_with(|scheduler: &mut Scheduler| {
        assert_eq!(scheduler.run().unwrap().succeeded, 1);
        scheduler.ensure(command("later", Command::new("true"))).unwrap();
        scheduler.run().unwrap()
    });
    assert_eq!((ran.summary.succeeded, ran.started().as_slice()), (1, &["first", "later"][..]));
}

//! Closures as job bodies, which are run in a forked copy of this process. That is allowed only
//! while it has a single thread, and libtest has several: so this program has a `main` of its own.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::cell::{Cell, RefCell};
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;

use jobsched::{Event, Job, Jobs, Outcome, Scheduler, Summary, Work};

/// A job that runs a closure.
struct Closure {
    name: &'static str,
    body: Option<Box<dyn FnOnce() -> i32>>,
    share: bool,
}

impl Job for Closure {
    fn name(&self) -> String {
        self.name.into()
    }

    fn run(&mut self) -> Work {
        Work::closure(self.body.take().unwrap()).share_jobserver(self.share)
    }
}

fn closure(name: &'static str, body: impl FnOnce() -> i32 + 'static) -> Closure {
    Closure { name, body: Some(Box::new(body)), share: false }
}

/// Runs jobs, and returns each one's outcome and output, by number.
fn run(jobs: Vec<Closure>) -> (Summary, Vec<(String, String)>) {
    let count = jobs.len();
    let results = Rc::new(RefCell::new(vec![(String::new(), String::new()); count]));
    let sink = Rc::clone(&results);
    let mut scheduler = Scheduler::builder()
        .keep_going(true)
        .jobs(Jobs::AtMost(3))
        .observer(move |event: &Event<'_>| {
            let mut results = sink.borrow_mut();
            match *event {
                Event::Output { job, stream, text } => {
                    let (_, output) = &mut results[job.id.index()];
                    output.push(stream.marker());
                    output.push_str(std::str::from_utf8(text).unwrap());
                }
                Event::Finished { job, outcome, .. } => {
                    results[job.id.index()].0 = match outcome {
                        Outcome::Succeeded { .. } => "succeeded".into(),
                        other => other.to_string(),
                    };
                }
                Event::Leaked { job, holders } => panic!("{}: {holders:?}", job.name),
                _ => {}
            }
        })
        .build()
        .unwrap();
    for job in jobs {
        scheduler.ensure(job).unwrap();
    }
    let summary = scheduler.run().unwrap();
    drop(scheduler);
    (summary, results.take())
}

fn the_answer_is_the_exit_status() {
    let (_, results) = run(vec![
        closure("zero", || 0),
        closure("seven", || 7),
        closure("low eight bits", || 256 + 3),
    ]);
    let outcomes: Vec<_> = results.iter().map(|(outcome, _)| outcome.as_str()).collect();
    assert_eq!(outcomes, ["succeeded", "exit status 7", "exit status 3"]);
}

fn a_panic_is_exit_status_101_and_says_why() {
    let (summary, results) = run(vec![closure("panics", || panic!("out of luck"))]);
    assert_eq!(results[0].0, "exit status 101");
    assert!(results[0].1.starts_with('*') && results[0].1.contains("out of luck"), "{results:?}");
    assert_eq!(summary.failed, 1);
}

fn output_is_captured_and_nothing_is_written_twice() {
    print!("test forked");
    let (_, results) = run(vec![closure("writer", || {
        println!("out");
        eprintln!("err");
        print!("rest");
        0
    })]);
    println!(" ... ok");
    let (outcome, output) = &results[0];
    assert_eq!(outcome, "succeeded");
    for part in ["|out\n", "*err\n", "rest"] {
        assert!(output.contains(part), "{output}");
    }
    assert!(!output.contains("forked"), "{output}");
}

fn the_copy_has_its_own_memory_group_and_input() {
    let touched = Rc::new(Cell::new(false));
    let inner = Rc::clone(&touched);
    let (_, results) = run(vec![closure("copy", move || {
        inner.set(true);
        let stat = fs::read_to_string("/proc/self/stat").unwrap();
        let group = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(2).unwrap().to_owned();
        let input = fs::read_link("/proc/self/fd/0").unwrap();
        println!("{} {}", group == std::process::id().to_string(), input.display());
        0
    })]);
    assert_eq!(results[0].1, "|true /dev/null\n");
    assert!(!touched.get());
}

fn a_process_started_by_a_closure_inherits_nothing_else() {
    let list = || {
        let mut list = std::process::Command::new("sh");
        list.args(["-c", "ls -l /proc/self/fd | sed -n 's/.* \\([0-9]*\\) -> .*/\\1/p'"]);
        list
    };
    let outside = String::from_utf8(list().output().unwrap().stdout).unwrap();
    let (_, results) = run(vec![
        closure("first", move || list().status().unwrap().code().unwrap()),
        closure("second", move || list().status().unwrap().code().unwrap()),
    ]);
    for (outcome, output) in results {
        assert_eq!(outcome, "succeeded");
        assert_eq!(output.trim_start_matches('|'), outside);
    }
}

fn a_closure_hears_of_no_jobserver_unless_it_shares_one() {
    let print = || {
        println!("{}", std::env::var("MAKEFLAGS").unwrap_or_default());
        0
    };
    let mut sharing = closure("sharing", print);
    sharing.share = true;
    let (_, results) = run(vec![closure("alone", print), sharing]);
    assert_eq!(results[0].1, "|\n");
    assert!(results[1].1.contains("-j3") && results[1].1.contains("--jobserver-auth="));
}

fn a_leak_of_one_job_is_not_blamed_on_the_copies_beside_it() {
    let directory = tempfile::tempdir().unwrap();
    let go: PathBuf = directory.path().join("go");
    nix::unistd::mkfifo(&go, nix::sys::stat::Mode::S_IRWXU).unwrap();
    // The second one is a copy that has the first one's pipes in it, when that one ends.
    let other = go.clone();
    let (summary, _) = run(vec![
        closure("first", move || i32::from(fs::read_to_string(&go).is_err())),
        closure("second", move || i32::from(fs::write(&other, "").is_err())),
    ]);
    assert_eq!(summary.succeeded, 2);
}

fn main() {
    let tests: [(&str, fn()); 7] = [
        ("the_answer_is_the_exit_status", the_answer_is_the_exit_status),
        ("a_panic_is_exit_status_101", a_panic_is_exit_status_101_and_says_why),
        ("output_is_captured", output_is_captured_and_nothing_is_written_twice),
        ("the_copy_has_its_own_memory", the_copy_has_its_own_memory_group_and_input),
        ("nothing_else_is_inherited", a_process_started_by_a_closure_inherits_nothing_else),
        ("no_jobserver_unless_shared", a_closure_hears_of_no_jobserver_unless_it_shares_one),
        ("leaks_and_copies", a_leak_of_one_job_is_not_blamed_on_the_copies_beside_it),
    ];
    for (name, test) in tests {
        test();
        println!("test {name} ... ok");
    }
}

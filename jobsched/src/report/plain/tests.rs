//! Every line of the plain report, word for word.

use std::borrow::Cow;
use std::io::Read as _;
use std::time::Duration;

use Stream::{Stderr, Stdout};

use super::*;
use crate::event::Process;
use crate::job::{Cancellation, Failure};
use crate::report::testing::{Counting, feed, finished, finished_after, job, output, run, summary};
use crate::testing::{close, pipe};

static FAILED: Outcome = Outcome::Failed { failure: Failure::Exit(2), tries: 1 };
static NOTHING_NEW: Outcome = Outcome::UpToDate(Some(Cow::Borrowed("nothing new")));
static REFUSED: Outcome = Outcome::Refused(Cow::Borrowed("dependent on failed job `e'"));

/// What is written of these events.
fn report<'a>(plain: Plain<Vec<u8>>, events: impl IntoIterator<Item = Event<'a>>) -> String {
    let mut plain = plain;
    feed(&mut plain, events);
    assert!(!plain.output_lost());
    String::from_utf8(plain.into_inner()).unwrap()
}

fn plain() -> Plain<Vec<u8>> {
    Plain::new(Vec::new())
}

#[test]
fn each_line_has_the_padded_name_and_the_marker_of_its_stream() {
    let events = [output("a", Stdout, "one\n\ntwo\n"), output("b", Stderr, "three\n")];
    assert_eq!(
        report(plain(), events),
        "a                        | one\n\
         a                        | \n\
         a                        | two\n\
         b                        * three\n"
    );
}

#[test]
fn names_are_padded_by_characters_and_defused_but_not_cut() {
    let events = [
        output("größe", Stdout, "x\n"),
        output("a\n\u{1b}[2Jb", Stdout, "x\n"),
        output("a.name.of.more.than.24.characters", Stdout, "x\n"),
    ];
    assert_eq!(
        report(plain(), events),
        "größe                    | x\n\
         a^J^[[2Jb                | x\n\
         a.name.of.more.than.24.characters | x\n"
    );
}

#[test]
fn output_is_defused_line_by_line() {
    let text = "\u{1b}[31mred\u{1b}[0m\r\n10%\r100%\n\u{1b}[2J\tü\n";
    assert_eq!(
        report(plain(), [output("a", Stdout, text)]),
        "a                        | red\n\
         a                        | 100%\n\
         a                        | ^[[2J\tü\n"
    );
}

#[test]
fn a_piece_of_a_line_goes_on_until_something_else_is_written() {
    let events = [
        output("a", Stdout, "lo"),
        output("a", Stdout, "ng\nun"),
        output("b", Stdout, "b\n"),
        output("a", Stdout, "finished"),
        output("a", Stderr, "rest"),
        finished("a", &Outcome::Succeeded { tries: 1 }),
    ];
    assert_eq!(
        report(plain(), events),
        "a                        | long\n\
         a                        | un\n\
         b                        | b\n\
         a                        | finished\n\
         a                        * rest\n"
    );
}

#[test]
fn every_outcome_but_a_plain_success_has_a_line() {
    let events = [
        finished("a", &Outcome::Succeeded { tries: 1 }),
        finished("b", &Outcome::UpToDate(None)),
        finished("c", &NOTHING_NEW),
        finished("d", &Outcome::WouldRun(None)),
        finished("e", &FAILED),
        finished("f", &Outcome::Failed { failure: Failure::Signal(9), tries: 1 }),
        finished("g", &REFUSED),
        finished("h", &Outcome::Cancelled(Cancellation::OtherFailed)),
    ];
    assert_eq!(
        report(plain(), events),
        "c                        | (nothing new)\n\
         d                        | (would run)\n\
         e                        * (exit status 2)\n\
         f                        * (killed by signal 9 (SIGKILL))\n\
         g                        * (dependent on failed job `e')\n\
         h                        * (cancelled: another job failed)\n"
    );
}

#[test]
fn a_failure_names_the_log_and_ends_with_the_outcome() {
    let run = run("log/a-2025-11-22#1");
    let events = [output("a", Stdout, "x\n"), finished_after("a", &FAILED, &run)];
    assert_eq!(
        report(plain(), events),
        "a                        | x\n\
         a                        * (log: log/a-2025-11-22#1)\n\
         a                        * (exit status 2)\n"
    );
    let won = [finished_after("a", &Outcome::Succeeded { tries: 1 }, &run)];
    assert_eq!(report(plain(), won), "");
}

#[test]
fn silent_leaves_out_progress_and_keeps_what_went_wrong() {
    let process = [Process { pid: 7, name: "sleep".to_owned() }];
    let summary = summary();
    let events = [
        output("a", Stdout, "output"),
        Event::Leaked { job: job("a"), holders: &process },
        finished("c", &NOTHING_NEW),
        finished("d", &Outcome::WouldRun(None)),
        finished("h", &Outcome::Cancelled(Cancellation::OtherFailed)),
        finished("e", &FAILED),
        finished("g", &REFUSED),
        Event::Warning { message: "beware" },
        output("a", Stdout, "end"),
        Event::RunFinished { summary: &summary },
    ];
    assert_eq!(
        report(plain().silent(true), events),
        "a                        | output\n\
         e                        * (exit status 2)\n\
         g                        * (dependent on failed job `e')\n\
         warning: beware\n\
         a                        | end\n"
    );
}

#[test]
fn quiet_shows_the_last_lines_of_a_job_that_fails() {
    let many: String = (1..=30).map(|number| number.to_string() + "\n").collect();
    let run = run("log/a-2025-11-22#1");
    let events = [
        output("a", Stdout, &many),
        output("won", Stdout, "not shown\n"),
        output("few", Stdout, "out\n"),
        output("a", Stderr, "\u{1b}[1moops\r\n"),
        output("few", Stderr, "err"),
        finished("won", &Outcome::Succeeded { tries: 1 }),
        finished_after("a", &FAILED, &run),
        finished("few", &FAILED),
        finished("mute", &FAILED),
    ];
    let lines: String = (12..=30)
        .map(|number| ["a                        | ", &number.to_string(), "\n"].concat())
        .collect();
    assert_eq!(
        report(plain().quiet(true), events),
        ["[...]\n", &lines].concat()
            + "a                        * oops\n\
               a                        * (log: log/a-2025-11-22#1)\n\
               a                        * (exit status 2)\n\
               few                      | out\n\
               few                      * err\n\
               few                      * (exit status 2)\n\
               mute                     * (exit status 2)\n"
    );
}

#[test]
fn quiet_forgets_the_output_of_finished_jobs() {
    let mut plain = plain().quiet(true);
    feed(&mut plain, [output("a", Stdout, "x\n"), output("b", Stdout, "x\n")]);
    assert_eq!(plain.tails.len(), 2);
    feed(&mut plain, [finished("a", &Outcome::Succeeded { tries: 1 }), finished("b", &FAILED)]);
    assert!(plain.tails.is_empty());
}

#[test]
fn messages_about_the_run_begin_with_the_program_if_it_is_known() {
    let interrupted = || Event::Interrupted { signal: 2, running: 1, grace: Duration::ZERO };
    assert_eq!(
        report(plain(), [Event::Warning { message: "no\nslots" }, interrupted()]),
        "warning: no^Jslots\n\
         interrupted by SIGINT: 1 running job is killed\n"
    );
    assert_eq!(
        report(plain().program("prog"), [Event::Warning { message: "no slots" }, interrupted()]),
        "prog: warning: no slots\n\
         prog: interrupted by SIGINT: 1 running job is killed\n"
    );
}

#[test]
fn a_leak_is_a_line_of_the_job() {
    let holders = [Process { pid: 7, name: "a\u{7}b".to_owned() }];
    assert_eq!(
        report(plain(), [Event::Leaked { job: job("a"), holders: &holders }]),
        "a                        * (output still held open by process 7 (a^Gb); \
         what it writes from now on is lost)\n"
    );
}

#[test]
fn texts_of_several_lines_keep_them_and_the_summary_comes_last() {
    let mut plain = plain();
    feed(&mut plain, [output("a", Stdout, "unfinished")]);
    plain.paragraph("first\n  sec\u{1b}ond\n");
    let summary = summary();
    assert_eq!(
        report(plain, [Event::RunFinished { summary: &summary }]),
        format!("a                        | unfinished\nfirst\n  sec^[ond\n{summary}\n")
    );
}

#[test]
fn an_event_is_written_in_one_call() {
    let mut plain = Plain::new(Counting::default());
    feed(&mut plain, [output("a", Stdout, &"x\n".repeat(1000)), finished("a", &FAILED)]);
    let counting = plain.into_inner();
    assert_eq!((counting.calls, counting.bytes.len()), (2, 1000 * 29 + 43));
}

#[test]
fn a_big_event_is_written_in_parts_of_limited_size() {
    let mut plain = Plain::new(Counting::default());
    feed(&mut plain, [output("a", Stdout, &"\n".repeat(64 * 1024))]);
    assert!(plain.sink.buffer().capacity() <= 256 * 1024);
    assert_eq!(plain.into_inner().calls, 28);
}

#[test]
fn a_closed_pipe_loses_the_report_and_nothing_else() {
    let (mut reader, writer) = pipe();
    let mut plain = Plain::new(Unbuffered::new(writer.try_clone().unwrap())).quiet(true);
    feed(&mut plain, [output("a", Stdout, "x\n"), finished("b", &FAILED)]);
    let mut received = [0; 100];
    assert_eq!(reader.read(&mut received).unwrap(), 43);
    close(reader, &writer);
    feed(&mut plain, [finished("a", &FAILED)]);
    assert!(plain.output_lost());
    feed(&mut plain, [output("a", Stdout, "x\n"), finished("b", &FAILED)]);
    assert!(plain.tails.is_empty());
}

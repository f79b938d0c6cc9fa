//! Every line of the JSON report, word for word.

use std::borrow::Cow;
use std::ffi::OsStr;

use Stream::{Stderr, Stdout};

use super::*;
use crate::event::Why;
use crate::report::testing::{Counting, feed, finished, finished_after, job, output, run, summary};
use crate::testing::{close, pipe};

fn report<'a>(events: impl IntoIterator<Item = Event<'a>>) -> String {
    let clock = Clock {
        since: |_| Duration::from_micros(1_500_002),
        time: || Timestamp::from_second(1_763_833_200).unwrap(),
    };
    let mut json = JsonLines::with_clock(Vec::new(), clock);
    feed(&mut json, events);
    let text = String::from_utf8(json.into_inner()).unwrap();
    for line in text.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).unwrap().is_object(), "{line}");
    }
    text
}

/// One event without the beginning that all have, and without the newline.
fn one(event: Event<'_>) -> String {
    let text = report([event]);
    text.strip_prefix("{\"t\":1.500002,\"event\":").unwrap().trim_end().to_owned()
}

#[test]
fn a_run_begins_with_the_time_of_the_day() {
    assert_eq!(
        report([Event::RunStarted { slots: "4 slots" }]),
        r#"{"t":1.500002,"event":"run-started","time":"2025-11-22T17:40:00Z","slots":"4 slots"}"#
            .to_owned()
            + "\n"
    );
}

#[test]
fn the_life_of_a_job_is_told_in_full() {
    let log = Path::new("log/a#1");
    assert_eq!(
        one(Event::Sleeping { job: job("a\"b"), why: Why::new(&"waiting for job `c'") }),
        r#""sleeping","job":"a\"b","why":"waiting for job `c'"}"#
    );
    assert_eq!(
        one(Event::Started { job: job("a"), pid: 42, log: Some(log) }),
        r#""started","job":"a","pid":42,"log":"log/a#1"}"#
    );
    assert_eq!(
        one(Event::Started { job: job("a"), pid: 42, log: None }),
        r#""started","job":"a","pid":42}"#
    );
    assert_eq!(
        one(finished_after(
            "a",
            &Outcome::Failed { failure: Failure::Exit(2), tries: 1 },
            &run("log/a#1")
        )),
        r#""finished","job":"a","outcome":"failed","reason":"exit status 2","failure":"exit","exit":2,"seconds":61.250000,"user_seconds":1.500000,"system_seconds":0.250001,"peak_memory_bytes":12582912,"log":"log/a#1"}"#
    );
}

#[test]
fn every_outcome_can_be_told_from_the_others() {
    let not_started = |errno| Outcome::Failed {
        failure: Failure::NotStarted { errno, message: Cow::Borrowed("no such file") },
        tries: 1,
    };
    for (outcome, expected) in [
        (Outcome::Succeeded { tries: 1 }, r#""succeeded""#),
        (Outcome::WouldRun(None), r#""would-run""#),
        (Outcome::WouldRun(Some("old".into())), r#""would-run","reason":"old""#),
        (Outcome::UpToDate(None), r#""up-to-date""#),
        (Outcome::UpToDate(Some(Cow::Borrowed("old"))), r#""up-to-date","reason":"old""#),
        (Outcome::Refused(Cow::Borrowed("no")), r#""refused","reason":"no""#),
        (
            Outcome::Failed { failure: Failure::Signal(9), tries: 1 },
            r#""failed","reason":"killed by signal 9 (SIGKILL)","failure":"signal","signal":9"#,
        ),
        (
            not_started(Some(2)),
            r#""failed","reason":"could not be started: no such file","failure":"not-started","errno":2"#,
        ),
        (
            not_started(None),
            r#""failed","reason":"could not be started: no such file","failure":"not-started""#,
        ),
        (
            Outcome::Cancelled(Cancellation::Interrupted(2)),
            r#""cancelled","reason":"interrupted by SIGINT","cancellation":"interrupted","signal":2"#,
        ),
        (
            Outcome::Cancelled(Cancellation::OtherFailed),
            r#""cancelled","reason":"another job failed","cancellation":"other-failed""#,
        ),
    ] {
        assert_eq!(
            one(finished("a", &outcome)),
            format!(r#""finished","job":"a","outcome":{expected}}}"#)
        );
    }
}

#[test]
fn each_line_of_output_is_an_object() {
    assert_eq!(
        report([output("a", Stderr, "one\n\u{1b}[1m\"two\"\n")]),
        concat!(
            r#"{"t":1.500002,"event":"output","job":"a","stream":"stderr","text":"one"}"#,
            "\n",
            r#"{"t":1.500002,"event":"output","job":"a","stream":"stderr","text":"\u001b[1m\"two\""}"#,
            "\n"
        )
    );
}

#[test]
fn a_line_without_newline_is_partial() {
    assert_eq!(
        one(output("a", Stdout, "piece")),
        r#""output","job":"a","stream":"stdout","text":"piece","partial":true}"#
    );
}

#[test]
fn bytes_that_are_no_utf8_are_there_in_base64_too() {
    assert_eq!(
        one(Event::Output { job: job("a"), stream: Stdout, text: b"a\xff\n" }),
        "\"output\",\"job\":\"a\",\"stream\":\"stdout\",\"text\":\"a\u{fffd}\",\"text_base64\":\"Yf8=\"}"
    );
    let log = Path::new(OsStr::from_bytes(b"\xff"));
    assert_eq!(
        one(Event::Started { job: job("a"), pid: 1, log: Some(log) }),
        "\"started\",\"job\":\"a\",\"pid\":1,\"log\":\"\u{fffd}\",\"log_base64\":\"/w==\"}"
    );
}

#[test]
fn what_concerns_the_run_has_its_objects() {
    let holders =
        [(7, "sleep"), (8, "c\"at")].map(|(pid, name)| Process { pid, name: name.to_owned() });
    assert_eq!(
        one(Event::Leaked { job: job("a"), holders: &holders }),
        r#""leaked","job":"a","holders":[{"pid":7,"name":"sleep"},{"pid":8,"name":"c\"at"}]}"#
    );
    assert_eq!(
        one(Event::Leaked { job: job("a"), holders: &[] }),
        r#""leaked","job":"a","holders":[]}"#
    );
    assert_eq!(one(Event::Warning { message: "beware" }), r#""warning","message":"beware"}"#);
    assert_eq!(
        one(Event::Interrupted { signal: 2, running: 3, grace: Duration::from_secs(10) }),
        r#""interrupted","signal":2,"running":3,"grace_seconds":10.000000}"#
    );
    let summary = summary();
    assert_eq!(
        one(Event::RunFinished { summary: &summary }),
        r#""run-finished","succeeded":3,"up_to_date":0,"would_run":0,"failed":1,"refused":0,"cancelled":0,"seconds":1.500000}"#
    );
}

#[test]
fn an_event_is_written_when_it_happens_and_in_one_call() {
    let mut json = JsonLines::new(Counting::default());
    feed(&mut json, [output("a", Stdout, &"x\n".repeat(500))]);
    assert_eq!(json.into_inner().calls, 1);
}

#[test]
fn a_report_that_cannot_be_written_is_given_up() {
    let (reader, writer) = pipe();
    close(reader, &writer);
    let mut json = JsonLines::new(writer);
    feed(&mut json, [output("a", Stdout, "x\n"), output("a", Stdout, "x\n")]);
    assert!(json.output_lost());
}

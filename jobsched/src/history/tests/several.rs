//! Several processes with one file, and processes that are killed.

use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use nix::fcntl::{Flock, FlockArg};

use super::*;

/// Every batch is one record, and the file is rewritten as often as possible.
const BUSY: Bounds = Bounds { records: 1000, bytes: 1 << 20, slack: 1, batch: 1 };

fn open_busy(place: &Place) -> History {
    let (history, note) = History::with_bounds(&place.path, BUSY);
    assert_eq!(note, None);
    history
}

#[test]
fn two_at_once_lose_nothing_of_each_other() {
    let place = Place::new();
    let rewrites = AtomicUsize::new(0);
    thread::scope(|scope| {
        for writer in ["a", "b", "c"] {
            let (place, rewrites) = (&place, &rewrites);
            scope.spawn(move || {
                let mut history = open_busy(place);
                for round in 0..60 {
                    for job in 0..5 {
                        // Each job once, so that its estimate is what was recorded.
                        history.record(&format!("{writer} {round} {job}"), seconds(round), 0);
                        history.record("shared", seconds(5), 0);
                        history.flush().unwrap();
                    }
                    // An eager rewriter beside the writers.
                    if file::rewrite(&place.path, 1000, 1 << 20, 1 << 22).unwrap().is_some() {
                        rewrites.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let history = open_busy(&place);
    for writer in ["a", "b", "c"] {
        for (round, job) in (0..60).flat_map(|round| (0..5).map(move |job| (round, job))) {
            let name = format!("{writer} {round} {job}");
            assert_eq!(history.expected(&name), Some(seconds(round)), "{name}");
        }
    }
    assert_knows(&history, &[("shared", 5)]);
    assert!(rewrites.into_inner() > 0);
    assert_eq!(place.files(), ["history"]);
}

#[test]
fn nobody_waits_for_who_rewrites() {
    let place = Place::with(&[("a", 1)]);
    let lock = fs::File::open(&place.path).unwrap();
    let lock = Flock::lock(lock, FlockArg::LockExclusive).unwrap();
    assert!(lock.as_raw_fd() >= 0);
    assert_eq!(file::rewrite(&place.path, 10, 1000, 1000).unwrap(), None);
    let mut history = open_busy(&place);
    for wall in 0..50 {
        history.record("b", seconds(wall), 0);
    }
    history.flush().unwrap();
    drop(lock);
    assert_knows(&place.open(), &[("a", 1)]);
    assert_eq!(place.open().expected("b"), history.expected("b"));
}

#[test]
fn what_was_left_by_a_rewriter_that_was_killed_is_in_nobodys_way() {
    let place = Place::with(&[("a", 1), ("b", 2)]);
    let before = place.text();
    fs::write(place.directory.path().join("history.rewriting"), &before[..before.len() / 2])
        .unwrap();
    assert_knows(&place.open(), &[("a", 1), ("b", 2)]);
    file::rewrite(&place.path, 10, 1000, 1000).unwrap().unwrap();
    assert_eq!(place.text(), before);
    assert_eq!(place.files(), ["history"]);
}

#[test]
fn a_rewriter_killed_between_keeping_the_damaged_file_and_the_rename_loses_nothing() {
    let place = Place::with(&[("a", 1)]);
    let mut text = place.text();
    text.extend(b"bad line\n");
    fs::write(&place.path, &text).unwrap();
    fs::hard_link(&place.path, place.path.with_extension("damaged")).unwrap();
    let (mut history, note) = History::open(&place.path);
    assert!(note.is_some());
    history.record("b", seconds(2), 0);
    history.flush().unwrap();
    assert_knows(&place.open(), &[("a", 1), ("b", 2)]);
    assert_eq!(fs::read(place.path.with_extension("damaged")).unwrap(), text);
}

#[test]
fn a_file_that_was_removed_begins_anew() {
    let place = Place::with(&[("a", 1)]);
    let mut history = place.open();
    fs::remove_file(&place.path).unwrap();
    history.record("b", seconds(2), 0);
    history.flush().unwrap();
    assert_knows(&place.open(), &[("b", 2)]);
}

#[test]
fn two_that_begin_a_file_at_once_may_both_write_its_header() {
    let first = Place::with(&[("a", 1)]);
    let second = Place::with(&[("b", 2)]);
    let place = Place::holding([first.text(), second.text()].concat());
    assert_knows(&place.open(), &[("a", 1), ("b", 2)]);
}

//! What is remembered, and what becomes of the file, as a scheduler sees it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use tempfile::TempDir;

use super::*;
use crate::output::testing::Random;

mod damage;
mod several;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A directory for a history.
struct Place {
    directory: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("history");
        Self { directory, path }
    }

    fn holding(text: impl AsRef<[u8]>) -> Self {
        let place = Self::new();
        fs::write(&place.path, text).unwrap();
        place
    }

    /// A history of jobs that ran for so many seconds, written in one batch.
    fn with(jobs: &[(&str, u64)]) -> Self {
        let place = Self::new();
        place.add(jobs);
        place
    }

    fn add(&self, jobs: &[(&str, u64)]) {
        let mut history = self.open();
        for &(name, wall) in jobs {
            history.record(name, seconds(wall), 1000);
        }
        history.flush().unwrap();
    }

    /// Opens what nothing is wrong with.
    fn open(&self) -> History {
        let (history, note) = History::open(&self.path);
        assert_eq!(note, None);
        history
    }

    fn text(&self) -> Vec<u8> {
        fs::read(&self.path).unwrap()
    }

    fn size(&self) -> u64 {
        fs::metadata(&self.path).unwrap().len()
    }

    /// The names of all files.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn assert_knows(history: &History, jobs: &[(&str, u64)]) {
    for &(name, wall) in jobs {
        assert_eq!(history.expected(name), Some(seconds(wall)), "{name:?}");
    }
}

#[test]
fn what_one_run_records_the_next_one_expects() {
    let place = Place::new();
    let mut history = place.open();
    assert_eq!(history.expected("a"), None);
    history.record("a", seconds(8), 4096);
    history.record("b", seconds(2), 0);
    assert_eq!(history.expected("a"), Some(seconds(8)));
    assert!(place.files().is_empty(), "nothing is written until it has to be");
    history.flush().unwrap();

    let mut history = place.open();
    assert_eq!(history.expected("a"), Some(seconds(8)));
    assert_eq!(history.peak_memory("a"), Some(4096));
    assert_eq!(history.expected("b"), Some(seconds(2)));
    assert_eq!(history.peak_memory("b"), None);
    history.record("a", seconds(16), 1024);
    history.flush().unwrap();
    assert_eq!(place.open().expected("a"), Some(seconds(10)));
    assert_eq!(place.open().peak_memory("a"), Some(3328));
    assert_eq!(place.files(), ["history"]);
}

#[test]
fn reading_and_a_run_without_a_success_change_nothing() {
    let place = Place::new();
    place.open().flush().unwrap();
    assert!(place.files().is_empty());
    let place = Place::with(&[("a", 1)]);
    let before = fs::metadata(&place.path).unwrap();
    place.open().flush().unwrap();
    let after = fs::metadata(&place.path).unwrap();
    assert_eq!((before.ino(), before.len()), (after.ino(), after.len()));
}

#[test]
fn any_name_comes_back() {
    let mut random = Random::new(11);
    let alphabet: Vec<char> = "\t\n\\\r\0\u{1b}\u{85}u{}~é𝄞 a0".chars().collect();
    let place = Place::new();
    let mut expected = BTreeMap::new();
    for round in 0..20 {
        let mut history = place.open();
        for _ in 0..50 {
            let length =
                if random.below(10) == 0 { 200 + random.below(500) } else { random.below(6) };
            let name: String =
                (0..length).map(|_| alphabet[random.below(alphabet.len())]).collect();
            history.record(&name, Duration::from_micros(random.next() >> 30), random.next() >> 20);
            expected.insert(name.clone(), (history.expected(&name), history.peak_memory(&name)));
        }
        history.flush().unwrap();
        let history = place.open();
        for (name, expected) in &expected {
            let found = (history.expected(name), history.peak_memory(name));
            assert_eq!(found, *expected, "round {round}: {name:?}");
        }
    }
}

#[test]
fn file_and_memory_are_bounded_within_a_run_and_from_run_to_run() {
    let place = Place::new();
    let bounds = Bounds { records: 100, bytes: 8000, slack: 500, batch: 200 };
    let mut largest = 0;
    for run in 0..3 {
        let (mut history, note) = History::with_bounds(&place.path, bounds);
        assert_eq!(note, None);
        for number in 0..1_500 {
            history.record(&format!("run {run} job {number}"), seconds(number), 0);
            history.record("every time", seconds(9), 0);
            if run > 0 {
                largest = largest.max(place.size());
            }
            assert!(history.table.len() <= 200);
        }
        history.flush().unwrap();
        let (history, _) = History::with_bounds(&place.path, bounds);
        assert_knows(&history, &[("every time", 9)]);
        for number in 1_401..1_500 {
            assert_eq!(history.expected(&format!("run {run} job {number}")), Some(seconds(number)));
        }
    }
    assert!(largest <= 2 * bounds.bytes + 300, "{largest}");
    assert_eq!(place.files(), ["history"]);
}

#[test]
fn long_names_are_bounded_by_bytes() {
    let place = Place::new();
    let bounds = Bounds { records: 1000, bytes: 8000, slack: 500, batch: 200 };
    let (mut history, _) = History::with_bounds(&place.path, bounds);
    for number in 0..200 {
        history.record(&format!("{number}{}", "\u{1}".repeat(10_000)), seconds(1), 0);
        assert!(history.flush().is_ok());
        assert!(place.size() <= 2 * bounds.bytes + 1500);
    }
}

#[test]
fn rewriting_keeps_mode_and_owner() {
    let place = Place::with(&[("a", 1)]);
    fs::set_permissions(&place.path, fs::Permissions::from_mode(0o640)).unwrap();
    let before = fs::metadata(&place.path).unwrap();
    file::rewrite(&place.path, 10, 1000, 1000).unwrap().unwrap();
    let after = fs::metadata(&place.path).unwrap();
    assert_ne!(before.ino(), after.ino());
    assert_eq!(
        (before.mode(), before.uid(), before.gid()),
        (after.mode(), after.uid(), after.gid())
    );
}

#[test]
fn directories_of_the_file_are_made() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("state/of/jobs/history");
    let (mut history, note) = History::open(&path);
    assert_eq!(note, None);
    history.record("a", seconds(1), 0);
    history.flush().unwrap();
    assert_knows(&History::open(&path).0, &[("a", 1)]);
}

#[test]
fn a_place_that_can_not_be_written_is_told_once_and_the_run_goes_on() {
    let path = Path::new("/proc/no such directory/history");
    let (mut history, note) = History::open(path);
    assert_eq!(note, None);
    history.record("a", seconds(1), 0);
    let error = history.flush().unwrap_err().to_string();
    assert!(error.starts_with("failed to write the job history `/proc/no such"), "{error}");
    history.record("b", seconds(2), 0);
    history.flush().unwrap();
    assert_knows(&history, &[("a", 1), ("b", 2)]);
    assert!(history.batch.is_empty());
}

#[test]
fn an_error_of_a_batch_in_between_is_told_at_the_next_flush() {
    let bounds = Bounds { batch: 1, ..BOUNDS };
    let (mut history, _) = History::with_bounds(Path::new("/proc/none/history"), bounds);
    history.record("a", seconds(1), 0);
    history.record("b", seconds(1), 0);
    assert!(history.flush().is_err());
    assert!(history.flush().is_ok());
}

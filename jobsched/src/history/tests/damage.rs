//! Whatever is in the file, what can be read of it is used, nothing is lost, and the user is told.

use std::os::unix::fs::symlink;
use std::process::Command;

use memchr::memchr_iter;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::*;

const JOBS: [(&str, u64); 4] = [("alpha", 1), ("beta\n", 2), ("gamma", 3), ("delta~", 4)];

/// One in so many cases is taken further than the others.
const SOME: usize = 7;

/// The history of `JOBS` in two batches.
fn sound() -> Vec<u8> {
    let place = Place::with(&JOBS[..2]);
    place.add(&JOBS[2..]);
    place.text()
}

/// Opens a damaged file; returns what is known, and the note.
fn open_damaged(place: &Place) -> (History, String) {
    let (history, note) = History::open(&place.path);
    (history, note.unwrap())
}

#[test]
fn a_file_cut_off_anywhere_says_nothing_of_it_and_goes_on() {
    let sound = sound();
    for length in 0..=sound.len() {
        let cut = &sound[..length];
        let place = Place::holding(cut);
        let whole_lines = memchr_iter(b'\n', cut).count();
        let known = &JOBS[..whole_lines.saturating_sub(1)];
        let history = place.open();
        assert_knows(&history, known);
        assert_eq!(history.table.len(), known.len(), "{length}");

        place.add(&[("next", 9)]);
        place.add(&[("last", 8)]);
        let history = place.open();
        assert_knows(&history, known);
        assert_knows(&history, &[("next", 9), ("last", 8)]);
        assert_eq!(history.table.len(), known.len() + 2, "{length}");
        // Each waits for the disk.
        if length % SOME != 0 {
            continue;
        }
        file::rewrite(&place.path, 10, 10_000, 10_000).unwrap().unwrap();
        assert_eq!(place.open().table.len(), known.len() + 2, "{length}");
        assert_eq!(place.files(), ["history"]);
    }
}

#[test]
fn a_flipped_byte_costs_the_lines_that_it_is_in() {
    let sound = sound();
    for (at, flip) in (0..sound.len()).zip([1, 0x10, 0x80, 0xff].into_iter().cycle()) {
        let mut bytes = sound.clone();
        bytes[at] ^= flip;
        let place = Place::holding(&bytes);
        let (mut history, note) = History::open(&place.path);
        let known = |history: &History| {
            let known: Vec<_> = JOBS
                .iter()
                .map(|&(name, wall)| history.expected(name) == Some(seconds(wall)))
                .collect();
            assert_eq!(history.table.len(), known.iter().filter(|&&known| known).count());
            known
        };
        // The line that the byte is in, and the one after it if it was the newline.
        let line = memchr_iter(b'\n', &sound[..at]).count();
        let expected: Vec<_> = (1..=JOBS.len())
            .map(|job| job != line && !(sound[at] == b'\n' && job == line + 1))
            .collect();
        let before = known(&history);
        assert_eq!(before, expected, "byte {at} ^ {flip:#x}");

        // Without its newline the last line is one of a torn batch.
        let is_torn = at == sound.len() - 1;
        assert_eq!(note.is_none(), is_torn, "byte {at} ^ {flip:#x}: {note:?}");
        // Each waits for the disk.
        if !is_torn && at % SOME != 0 {
            continue;
        }
        history.record("new", seconds(7), 0);
        history.flush().unwrap();
        let history = place.open();
        assert_knows(&history, &[("new", 7)]);
        assert_eq!(history.table.len(), 1 + before.iter().filter(|&&known| known).count());
        if is_torn {
            assert_eq!(place.files(), ["history"]);
        } else {
            assert_eq!(fs::read(place.path.with_extension("damaged")).unwrap(), bytes);
        }
    }
}

#[test]
fn damage_is_told_with_what_becomes_of_the_file_and_reading_leaves_it_as_it_is() {
    let mut bytes = sound();
    // A newline, so that two lines become one.
    let at =
        bytes.len() / 2 + bytes[bytes.len() / 2..].iter().position(|&byte| byte == b'\n').unwrap();
    bytes[at] ^= 1;
    let place = Place::holding(&bytes);
    let (_, note) = open_damaged(&place);
    let path = place.path.display();
    assert_eq!(
        note,
        format!(
            "the job history `{path}' is damaged (1 bad lines, 2 good ones); a new one gets what is \
             good of it, and the old one will be kept as `{path}.damaged'"
        )
    );
    assert_eq!(place.text(), bytes);
    assert_eq!(place.files(), ["history"]);
}

#[test]
fn junk_is_set_aside_whatever_it_is() {
    let mut random = Random::new(5);
    for length in [1, 2, 10, 1000, 300_000] {
        let mut bytes: Vec<u8> = (0..length).map(|_| random.next().to_le_bytes()[0]).collect();
        bytes[0] = b'x';
        let place = Place::holding(&bytes);
        let (mut history, _) = open_damaged(&place);
        history.record("a", seconds(1), 0);
        history.flush().unwrap();
        assert_knows(&place.open(), &[("a", 1)]);
        assert_eq!(fs::read(place.path.with_extension("damaged")).unwrap(), bytes);
    }
}

#[test]
fn another_version_is_set_aside() {
    let place = Place::holding("jobsched history 7: who knows\nwhat this is\n");
    let (mut history, note) = open_damaged(&place);
    assert!(note.contains("is of another version; "), "{note}");
    history.record("a", seconds(1), 0);
    history.flush().unwrap();
    assert_knows(&place.open(), &[("a", 1)]);
    assert_eq!(place.files(), ["history", "history.damaged"]);
}

#[test]
fn no_damaged_file_is_overwritten_and_nine_are_enough() {
    let place = Place::new();
    for round in 1..=11 {
        fs::write(&place.path, format!("junk {round}\n")).unwrap();
        let (mut history, note) = open_damaged(&place);
        assert_eq!(note.contains("will not be kept"), round > 9, "{note}");
        history.record("a", seconds(1), 0);
        history.flush().unwrap();
        assert_knows(&place.open(), &[("a", 1)]);
    }
    assert_eq!(place.files().len(), 10);
    let kept =
        |suffix: &str| fs::read(place.directory.path().join(format!("history.damaged{suffix}")));
    assert_eq!(kept("").unwrap(), b"junk 1\n");
    assert_eq!(kept(".2").unwrap(), b"junk 2\n");
    assert_eq!(kept(".9").unwrap(), b"junk 9\n");
}

#[test]
fn a_file_of_absurd_size_is_read_from_its_end_and_set_aside() {
    let place = Place::with(&JOBS);
    let bounds = Bounds { bytes: 40, ..BOUNDS };
    let (mut history, note) = History::with_bounds(&place.path, bounds);
    assert!(note.unwrap().contains("(1 bad lines, 3 good ones)"));
    assert_knows(&history, &JOBS[1..]);
    history.record("new", seconds(5), 0);
    history.flush().unwrap();
    assert_eq!(place.files(), ["history", "history.damaged"]);
}

#[test]
fn what_is_no_regular_file_is_left_alone() {
    let place = Place::new();
    let target = place.directory.path().join("target");
    fs::write(&target, "precious").unwrap();
    let make: [&dyn Fn(&Path); 3] = [
        &|path| fs::create_dir(path).unwrap(),
        &|path| mkfifo(path, Mode::S_IRWXU).unwrap(),
        &|path| symlink(&target, path).unwrap(),
    ];
    for (round, make) in make.iter().enumerate() {
        let path = place.directory.path().join(round.to_string());
        make(&path);
        let before = fs::symlink_metadata(&path).unwrap();
        let (mut history, note) = History::open(&path);
        assert_eq!(
            note.unwrap(),
            format!(
                "the run goes without the job history `{}': it is not a regular file",
                path.display()
            )
        );
        history.record("a", seconds(1), 0);
        history.flush().unwrap();
        assert_knows(&history, &[("a", 1)]);
        let after = fs::symlink_metadata(&path).unwrap();
        assert_eq!((before.ino(), before.file_type()), (after.ino(), after.file_type()));
        assert!(file::append(&path, b"x\n").is_err());
    }
    assert_eq!(fs::read(&target).unwrap(), b"precious");
    assert_eq!(place.files().len(), 4);
}

/// Says to this program, started anew, where to put a history.
const PLACE: &str = "JOBSCHED_TEST_HISTORY";

#[test]
fn a_limit_of_file_size_kills_nobody_and_costs_only_what_does_not_fit() {
    let place = Place::with(&JOBS);
    let output = Command::new("sh")
        .args(["-c", "ulimit -f 1; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "history::tests::damage::part", "--include-ignored"])
        .env(PLACE, &place.path)
        // Through pipes: what it says may not fit into a file either.
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(place.size() <= 1024);
    let history = place.open();
    assert_knows(&history, &JOBS);
    assert_knows(&history, &[("fits", 1)]);
    place.add(&[("next", 5)]);
    assert_knows(&place.open(), &[("next", 5)]);
}

/// The other process of the test before.
#[test]
fn part() {
    let Some(path) = std::env::var_os(PLACE) else { return };
    let (mut history, _) = History::open(Path::new(&path));
    history.record("fits", seconds(1), 0);
    history.flush().unwrap();
    for number in 0..100 {
        history.record(&format!("does not fit {number}"), seconds(1), 0);
    }
    assert!(history.flush().is_err());
    history.record("more", seconds(1), 0);
    history.flush().unwrap();
}

#[test]
fn what_did_not_fit_on_the_disk_is_dropped_and_nothing_is_glued_to_it() {
    let place = Place::with(&JOBS);
    // As `write` leaves it on a full disk, twice.
    for _ in 0..2 {
        let mut text = place.text();
        text.extend(b"01234567\t1.0000");
        fs::write(&place.path, text).unwrap();
        place.add(&[("later", 6)]);
    }
    let history = place.open();
    assert_knows(&history, &JOBS);
    assert_knows(&history, &[("later", 6)]);
    assert_eq!(place.files(), ["history"]);
}

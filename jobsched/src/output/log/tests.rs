//! How logs are named, numbered and written, and what becomes of errors.

use std::cell::Cell;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;
use crate::output::testing::Random;
use crate::output::{Assembler, Tail};

thread_local! {
    static NOW: Cell<&'static str> = const { Cell::new("2025-11-22T23:59:59Z") };
}

fn clock() -> Timestamp {
    NOW.get().parse().unwrap()
}

fn logs() -> (TempDir, LogDir) {
    let temporary = tempfile::tempdir().unwrap();
    let logs = LogDir::with_clock(temporary.path().join("made/when/needed"), clock);
    (temporary, logs)
}

/// What a job's log holds after these texts.
fn written(texts: &[(Stream, &[u8])]) -> String {
    let (_temporary, mut logs) = logs();
    let mut log = logs.open("job").unwrap();
    for (stream, text) in texts {
        log.lines(&mut logs, *stream, text);
    }
    let path = log.finish(&mut logs);
    assert!(logs.take_complaint().is_none());
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}

use Stream::{Stderr, Stdout};

#[test]
fn each_line_is_marked_with_its_stream() {
    assert_eq!(written(&[(Stdout, b"a\n\nb\n"), (Stderr, b"c\n")]), "| a\n| \n| b\n* c\n");
}

#[test]
fn bytes_stay_as_they_are() {
    let (_temporary, mut logs) = logs();
    let mut log = logs.open("job").unwrap();
    log.lines(&mut logs, Stdout, b"\xff\x00\x1b[2J\r\n");
    assert_eq!(std::fs::read(log.path()).unwrap(), b"| \xff\x00\x1b[2J\r\n");
}

#[test]
fn a_piece_of_a_line_goes_on_without_a_marker() {
    let pieces: [(Stream, &[u8]); 3] = [(Stdout, b"a\nlo"), (Stdout, b"ng"), (Stdout, b"er\nb\n")];
    assert_eq!(written(&pieces), "| a\n| longer\n| b\n");
}

#[test]
fn the_other_stream_ends_an_unfinished_line() {
    let pieces: [(Stream, &[u8]); 3] = [(Stdout, b"lo"), (Stderr, b"oops\n"), (Stdout, b"ng\n")];
    assert_eq!(written(&pieces), "| lo\n* oops\n| ng\n");
}

#[test]
fn a_last_line_without_newline_is_a_line() {
    assert_eq!(written(&[(Stdout, b"a\nb")]), "| a\n| b\n");
    assert_eq!(written(&[(Stdout, b"a"), (Stderr, b"b")]), "| a\n* b\n");
}

#[test]
fn a_text_of_any_size_is_written_and_the_scratch_buffer_stays_small() {
    let (_temporary, mut logs) = logs();
    let mut log = logs.open("job").unwrap();
    log.lines(&mut logs, Stdout, &b"\n".repeat(1_000_000));
    assert_eq!(std::fs::metadata(log.path()).unwrap().len(), 3_000_000);
    assert!(logs.scratch.capacity() <= 2 * MAX_WRITE);
}

#[test]
fn names_have_the_date_and_the_first_free_number() {
    let (_temporary, mut logs) = logs();
    let names: Vec<_> = ["src/a", "src/a", "b", "src/a"]
        .map(|job| logs.open(job).unwrap().path().strip_prefix(&logs.path).unwrap().to_owned())
        .into();
    let day = "2025-11-22";
    assert_eq!(
        names.iter().map(|name| name.to_str().unwrap()).collect::<Vec<_>>(),
        ["src%2Fa", "src%2Fa", "b", "src%2Fa"]
            .iter()
            .zip([1, 2, 1, 3])
            .map(|(job, number)| format!("{job}-{day}#{number}"))
            .collect::<Vec<_>>()
    );
}

#[test]
fn the_date_changes_at_midnight_utc() {
    let (_temporary, mut logs) = logs();
    logs.open("job").unwrap();
    NOW.set("2025-11-23T00:00:00Z");
    assert!(logs.open("job").unwrap().path().ends_with("job-2025-11-23#1"));
    NOW.set("1969-12-31T23:59:59Z");
    assert!(logs.open("job").unwrap().path().ends_with("job-1969-12-31#1"));
}

#[test]
fn the_longest_name_fits_into_the_file_system() {
    let (_temporary, mut logs) = logs();
    assert!(logs.open(&"/".repeat(10_000)).is_ok());
}

#[test]
fn the_next_number_is_found_whatever_number_of_logs_there_is() {
    let (_temporary, mut logs) = logs();
    for expected in 1..=70 {
        let log = logs.open("job").unwrap();
        assert!(log.path().ends_with(format!("job-2025-11-22#{expected}")), "{:?}", log.path());
    }
}

#[test]
fn what_exists_is_neither_overwritten_nor_followed() {
    let (temporary, mut logs) = logs();
    let directory = logs.path.clone();
    std::fs::create_dir_all(&directory).unwrap();
    let outside = temporary.path().join("outside");
    symlink(&outside, directory.join("job-2025-11-22#1")).unwrap();
    std::fs::create_dir(directory.join("job-2025-11-22#2")).unwrap();
    assert!(logs.open("job").unwrap().path().ends_with("job-2025-11-22#3"));
    assert!(!outside.exists());
}

#[test]
fn the_directory_is_made_at_first_use_only_and_again_if_it_was_removed() {
    let (temporary, mut logs) = logs();
    assert!(!temporary.path().join("made").exists());
    logs.open("a").unwrap();
    std::fs::remove_dir_all(temporary.path().join("made")).unwrap();
    assert!(logs.open("b").unwrap().path().exists());
}

#[test]
fn a_file_has_the_mode_that_the_umask_leaves() {
    let (temporary, mut logs) = logs();
    let plain = File::create(temporary.path().join("plain")).unwrap();
    let log = logs.open("job").unwrap();
    let mode = std::fs::metadata(log.path()).unwrap().permissions().mode();
    assert_eq!(mode, plain.metadata().unwrap().mode());
}

#[test]
fn the_complaint_about_a_log_that_cannot_be_made_has_its_number() {
    let (_temporary, mut logs) = logs();
    let log = logs.open("job").unwrap();
    // Nothing can be made in a file, whoever we are.
    let file = OFlag::O_PATH | OFlag::O_CLOEXEC;
    logs.directory = Some(nix::fcntl::open(log.path(), file, Mode::empty()).unwrap());
    assert_eq!(
        logs.open("job").unwrap_err().to_string(),
        format!(
            "cannot create the log `{}/job-2025-11-22#1': Not a directory (os error 20)",
            logs.path.display()
        )
    );
}

#[test]
fn a_directory_that_cannot_be_made_is_complained_about_once() {
    let temporary = tempfile::tempdir().unwrap();
    let file = temporary.path().join("file");
    File::create(&file).unwrap();
    let mut logs = LogDir::new(file.join("log"));
    for _ in 0..2 {
        let error = logs.open("job").unwrap_err();
        assert!(!error.is_shortage());
        logs.complain(error);
    }
    let complaint = logs.take_complaint().unwrap().to_string();
    let path = file.join("log");
    assert_eq!(
        complaint,
        format!(
            "cannot create the log directory `{}': Not a directory (os error 20)",
            path.display()
        )
    );
    assert!(logs.take_complaint().is_none());
    std::fs::remove_file(&file).unwrap();
    assert!(logs.open("job").is_ok(), "a later job tries again");
}

#[test]
fn a_full_disk_ends_the_log_of_this_job_and_is_complained_about_once() {
    let (_temporary, mut logs) = logs();
    let full = || LogFile {
        file: Some(File::options().write(true).open("/dev/full").unwrap()),
        path: "log/job-2025-11-22#1".into(),
        unfinished: None,
    };
    for _ in 0..2 {
        let mut log = full();
        log.lines(&mut logs, Stdout, b"a\n");
        log.lines(&mut logs, Stdout, b"b");
        assert!(log.file.is_none() && logs.scratch.is_empty());
        assert_eq!(log.finish(&mut logs), Path::new("log/job-2025-11-22#1"));
    }
    assert_eq!(
        logs.take_complaint().unwrap().to_string(),
        "cannot write to the log `log/job-2025-11-22#1', which ends here: \
         No space left on device (os error 28)"
    );
    assert!(logs.take_complaint().is_none());
    let mut log = logs.open("later").unwrap();
    log.lines(&mut logs, Stdout, b"a\n");
    assert_eq!(std::fs::read(log.path()).unwrap(), b"| a\n");
}

#[test]
fn a_shortage_of_descriptors_is_told_apart() {
    let error = |errno: Errno| LogError::Create { path: "x".into(), source: errno.into() };
    assert!(error(Errno::EMFILE).is_shortage());
    assert!(!error(Errno::EACCES).is_shortage());
}

#[test]
fn any_cut_of_the_same_bytes_gives_the_same_log_and_the_tail_is_its_end() {
    let (_temporary, mut logs) = logs();
    let mut random = Random::new(3);
    let bytes: Vec<u8> = (0..400)
        .flat_map(|line| {
            let length = if line % 97 == 5 { 150_000 } else { random.below(100) };
            let mut line = vec![b'a' + u8::try_from(line % 26).unwrap(); length];
            line.push(b'\n');
            line
        })
        .collect();
    let mut reference = None;
    for scale in [10_000_000, 1000, 70_000, 200_000] {
        let mut log = logs.open("job").unwrap();
        let mut tail = Tail::default();
        let mut assembler = Assembler::default();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (chunk, others) = rest.split_at(rest.len().min(random.below(scale)));
            assembler.push(chunk, |text| {
                log.lines(&mut logs, Stdout, text);
                tail.push(Stdout, text);
            });
            rest = others;
        }
        let content = std::fs::read(log.finish(&mut logs)).unwrap();
        assert_eq!(*reference.get_or_insert(content.clone()), content);
        let end: Vec<&[u8]> = lines(&content).collect();
        let tail: Vec<Vec<u8>> =
            tail.lines().map(|(_, line)| [b"| ", line, b"\n"].concat()).collect();
        assert_eq!(end[end.len() - 20..], tail);
    }
}

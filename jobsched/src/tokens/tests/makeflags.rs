//! What `MAKEFLAGS` says. The values are those that make 4.3 was seen to write and to accept.

use std::ffi::{OsStr, OsString};
use std::io::{Seek as _, Write as _};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::process::{Command, Stdio};

use super::super::makeflags::{Place, with_jobserver};
use super::super::{Auth, JobsWord, MakeFlags, without_jobserver};
use super::{Random, slots};

fn parse(value: &str) -> MakeFlags {
    MakeFlags::parse(OsStr::new(value))
}

fn stripped(value: &str) -> Option<String> {
    without_jobserver(OsStr::new(value)).map(|rest| rest.into_string().unwrap())
}

fn place(value: &str) -> Option<Place> {
    parse(value).auth.map(|auth| auth.place().clone())
}

fn at_most(number: usize) -> JobsWord {
    JobsWord::AtMost(slots(number))
}

#[test]
fn nothing_says_nothing() {
    for value in
        ["", " ", "\t \t", "-- -k -j3", "X=k", "X=1 k", "- k", "w", "-w --no-print-directory"]
    {
        assert_eq!(parse(value), MakeFlags::default(), "{value:?}");
    }
}

#[test]
fn first_word_without_dash_is_the_cluster() {
    let all = MakeFlags {
        ignore_errors: true,
        keep_going: true,
        dry_run: true,
        silent: true,
        ..MakeFlags::default()
    };
    for value in
        ["ikns", "swkBin -- X=j3", " ikns", "-ikns", "-i -k -n -s", "i -k --dry-run --silent"]
    {
        assert_eq!(parse(value), all, "{value:?}");
    }
    assert!(!parse("w k").keep_going);
    assert!(!parse("kS").keep_going);
    assert!(parse("Sk").keep_going);
}

#[test]
fn last_acceptable_number_of_jobs_wins() {
    let table = [
        (" -j", Some(JobsWord::Unlimited)),
        ("k -j", Some(JobsWord::Unlimited)),
        (" -j2 -l3 -Oline --jobserver-auth=3,4", Some(at_most(2))),
        ("-j 3", Some(at_most(3))),
        ("-j k", Some(JobsWord::Unlimited)),
        ("-j 3x", Some(JobsWord::Unlimited)),
        ("--jobs", Some(JobsWord::Unlimited)),
        ("--jobs=3", Some(at_most(3))),
        ("--jobs 3", Some(at_most(3))),
        ("kj3", Some(at_most(3))),
        ("-kj3 n", Some(at_most(3))),
        ("-j2 -j", Some(JobsWord::Unlimited)),
        ("-j -j2", Some(at_most(2))),
        ("-j2 -j0", Some(at_most(2))),
        ("-j2 -j3k", Some(at_most(2))),
        ("-j0", None),
        ("--jobs=", None),
        ("--job=3", None),
        ("-j99999999999999999999999999", Some(at_most(usize::MAX))),
    ];
    for (value, jobs) in table {
        assert_eq!(parse(value).jobs, jobs, "{value:?}");
    }
}

#[test]
fn last_load_limit_wins_and_one_without_a_number_takes_it_back() {
    let table = [
        // As make 4.3 writes them: for `-l2.5 -j2 -k`, `-l 1e10`, `--max-load=4 X=1`.
        ("k -j2 -l2.5 --jobserver-auth=3,4", Some(2.5)),
        (" -l1e+10", Some(1e10)),
        (" -l4 -- X=1", Some(4.0)),
        // As make 4.3 takes them from others.
        ("-l 3", Some(3.0)),
        ("--load-average=3", Some(3.0)),
        ("--load-average 3", Some(3.0)),
        ("--max-load=3", Some(3.0)),
        ("--max-load 3", Some(3.0)),
        ("l3", Some(3.0)),
        ("kl3", Some(3.0)),
        ("kl 3 -s", Some(3.0)),
        ("-l2 -l5", Some(5.0)),
        ("-l3 -l", None),
        ("-l3 --load-average -k", None),
        ("-l -l3", Some(3.0)),
        ("-l3 k", Some(3.0)),
        ("-l k", None),
        ("-l .5", Some(0.5)),
        ("-l .k", Some(0.0)),
        ("-l 3x", Some(3.0)),
        ("-lk", Some(0.0)),
        ("--load-average=", Some(0.0)),
        ("-l3 -l-1", None),
        ("-linf", None),
        ("-lnan", None),
        ("-l1e999", None),
        ("-l3 -l1e-999", Some(0.0)),
        ("-- -l3", None),
        ("-I -l3", None),
        ("", None),
    ];
    for (value, load) in table {
        assert_eq!(parse(value).load, load, "{value:?}");
    }
}

#[test]
fn make_hands_its_load_limit_on_in_a_form_that_is_understood() {
    let table: [(&[&str], Option<f64>); 9] = [
        (&["-l2.5", "-j2", "-k"], Some(2.5)),
        (&["-l", "3"], Some(3.0)),
        (&["--load-average=0.75"], Some(0.75)),
        (&["--max-load", "12"], Some(12.0)),
        (&["-l12345678"], Some(12_345_700.0)),
        (&["-l2", "-l5"], Some(5.0)),
        (&["-l3", "-l"], None),
        (&["-l", "-j2"], None),
        (&[], None),
    ];
    for (arguments, load) in table {
        let output = Command::new("make")
            .args(["-s", "-f", "-"])
            .args(arguments)
            .env_remove("MAKEFLAGS")
            .stdin(makefile())
            .output()
            .unwrap();
        let flags = parse(std::str::from_utf8(&output.stdout).unwrap().trim_end_matches('\n'));
        assert_eq!(flags.load, load, "{arguments:?}: {output:?}");
        assert!(flags.silent);
    }
}

/// A makefile whose recipe says what is in `MAKEFLAGS`.
fn makefile() -> Stdio {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"all:\n\t@printf '%s\\n' \"$$MAKEFLAGS\"\n").unwrap();
    file.rewind().unwrap();
    file.into()
}

#[test]
fn arguments_of_other_options_are_not_options() {
    let keeps_going = MakeFlags { keep_going: true, ..MakeFlags::default() };
    for (value, load) in [("-l 3 -k", 3.0), ("--load-average .5 -k", 0.5)] {
        assert_eq!(
            parse(value),
            MakeFlags { load: Some(load), ..keeps_going.clone() },
            "{value:?}"
        );
    }
    for value in ["-I -j3 -k", "-kW -j2", "-E n -k", "--file --jobs -k", "-fj3 -k", "-Oj -k"] {
        assert_eq!(parse(value), keeps_going, "{value:?}");
    }
    assert_eq!(parse("-I --  -j3").jobs, Some(at_most(3)));
    assert_eq!(parse("-l -- -k"), MakeFlags::default());
    assert_eq!(parse("-l -j2").jobs, Some(at_most(2)));
}

#[test]
fn last_jobserver_word_of_any_kind_wins() {
    let pipe = |read, write| Some(Place::Pipe { read, write });
    let fifo = |path: &str| Some(Place::Fifo(Path::new(path).to_owned()));
    let table = [
        (" -j3 --jobserver-auth=3,4", pipe(3, 4)),
        (" -j3 --jobserver-fds=3,4 -- X=1", pipe(3, 4)),
        (" --jobserver-fds=3,4 -j --jobserver-auth=5,6", pipe(5, 6)),
        (" --jobserver-auth=5,6 --jobserver-fds=3,4", pipe(3, 4)),
        (" --jobserver-auth=5,6 --jobserver-auth=fifo:/tmp/GMfifo1", fifo("/tmp/GMfifo1")),
        (" --jobserver-auth=3,4 --jobserver-auth=-2,-2", Some(Place::Disabled)),
        ("--jobserver-auth 7,8", pipe(7, 8)),
        (r" --jobserver-auth=fifo:/a\ b\\c=", fifo(r"/a b\c=")),
        ("--jobserver-auth=3,-1", Some(Place::Disabled)),
        ("--jobserver-auth=fifo:", Some(Place::Unknown)),
        ("--jobserver-auth=gmake_semaphore_1", Some(Place::Unknown)),
        ("--jobserver-auth=3,4,5", Some(Place::Unknown)),
        ("--jobserver-auth=3", Some(Place::Unknown)),
        ("--jobserver-auth=3,99999999999", Some(Place::Unknown)),
        ("--jobserver-auth=", Some(Place::Unknown)),
        ("--jobserver-auth", None),
        ("-- --jobserver-auth=3,4", None),
        (r"k -- X=a\ --jobserver-auth=3,4", None),
        ("--jobserver-authority=3,4", None),
    ];
    for (value, expected) in table {
        assert_eq!(place(value), expected, "{value:?}");
    }
}

#[test]
fn path_of_a_fifo_need_not_be_utf_8() {
    let value = OsStr::from_bytes(b" -j2 --jobserver-auth=fifo:/\xff\xfe");
    let auth = MakeFlags::parse(value).auth.unwrap();
    assert_eq!(*auth.place(), Place::Fifo(Path::new(OsStr::from_bytes(b"/\xff\xfe")).to_owned()));
    assert_eq!(auth.word().as_bytes(), b"--jobserver-auth=fifo:/\xff\xfe");
}

#[test]
fn stripping_keeps_all_else_byte_for_byte() {
    let table = [
        ("k -j", "k"),
        (" -j3 --jobserver-auth=3,4", ""),
        (r" -j4 --jobserver-auth=3,4 -- X=a\ -j3 Y=-j", r" -- X=a\ -j3 Y=-j"),
        (
            r"k  -I/x\ y  -j2 -l3 -Otarget --jobserver-fds=3,4  --jobserver-auth=3,4  -- X=1 ",
            r"k  -I/x\ y -l3 -Otarget  -- X=1 ",
        ),
        ("kj3 -l2", "k -l2"),
        ("-kj 3 -l2", "-k -l2"),
        ("j3 -k", " -k"),
        ("--jobs=2 --jobs 3 --jobserver-auth fifo:x -k", " -k"),
        (r"k -\j3 -s", "k -s"),
        (r"k\j3 -s", "k -s"),
    ];
    for (value, rest) in table {
        assert_eq!(stripped(value).as_deref(), Some(rest), "{value:?}");
    }
    for value in ["", "k", " -l3 -- X=1", "-- -j3", "-I -j3", r"X=a\ -j3"] {
        assert_eq!(stripped(value), None, "{value:?}");
    }
}

#[test]
fn stripping_makes_no_cluster_out_of_a_word_that_was_none() {
    for value in ["-j3 n", "j n", "--jobserver-auth=3,4 -j k"] {
        let rest = stripped(value).unwrap();
        assert_eq!(parse(&rest), MakeFlags::default(), "{value:?} -> {rest:?}");
    }
    assert_eq!(stripped("-j3 n").unwrap(), "- n");
}

#[test]
fn stripping_leaves_no_number_to_a_load_limit_that_had_none() {
    for value in ["-l -j2 3", "-l -j2 -j3 3", "-kl --jobserver-auth=3,4 .5", "l -j 3"] {
        let rest = stripped(value).unwrap();
        assert_eq!(parse(&rest).load, None, "{value:?} -> {rest:?}");
    }
    assert_eq!(stripped("-l -j2 3").unwrap(), "-l - 3");
    assert_eq!(stripped("-l -j2 -k").unwrap(), "-l -k");
}

#[test]
fn sharing_puts_our_words_behind_the_cluster() {
    let auth = Auth::pipe(7, 8);
    let shared = |value| {
        with_jobserver(OsStr::new(value), Some(at_most(4)), Some(&auth)).into_string().unwrap()
    };
    assert_eq!(shared(""), " -j4 --jobserver-auth=7,8");
    assert_eq!(shared("ks"), "ks -j4 --jobserver-auth=7,8");
    assert_eq!(shared("-l3"), " -j4 --jobserver-auth=7,8 -l3");
    assert_eq!(shared("-- X=1"), " -j4 --jobserver-auth=7,8 -- X=1");
    assert_eq!(shared("X=1"), " -j4 --jobserver-auth=7,8 X=1");
    assert_eq!(
        shared(r"k -j2 -l3 --jobserver-fds=3,4 --jobserver-auth=3,4 -- X=a\ -j3"),
        r"k -j4 --jobserver-auth=7,8 -l3 -- X=a\ -j3"
    );
    assert_eq!(shared("kj 3 -s"), "k -j4 --jobserver-auth=7,8 -s");
    assert_eq!(shared(r"k\"), r"k\\ -j4 --jobserver-auth=7,8");
    assert_eq!(shared("j3 -s"), " -j4 --jobserver-auth=7,8 -s");
}

#[test]
fn sharing_without_a_number_leaves_the_number_that_is_there() {
    let word = r"--jobserver-fds=fifo:/a\ b";
    let auth = parse(word).auth.unwrap();
    let shared = with_jobserver(OsStr::new("k -j5 --jobserver-auth=3,4 -- X=1"), None, Some(&auth));
    assert_eq!(shared, r"k --jobserver-fds=fifo:/a\ b -j5 -- X=1");

    let at_the_end = parse(r"--jobserver-auth=fifo:/a\").auth.unwrap();
    let shared = with_jobserver(OsStr::new("-j5"), None, Some(&at_the_end));
    assert_eq!(shared, r" --jobserver-auth=fifo:/a\\ -j5");

    let unlimited = with_jobserver(OsStr::new("k -j5 -s"), Some(JobsWord::Unlimited), None);
    assert_eq!(unlimited, "k -j -s");
}

/// Words that matter, and scraps of them in any order.
fn random_value(random: &mut Random) -> OsString {
    const SCRAPS: [&[u8]; 32] = [
        b" ",
        b" ",
        b" ",
        b"\t",
        b"-",
        b"--",
        b"j",
        b"k",
        b"n",
        b"3",
        b"0",
        b",",
        b"=",
        b"\\",
        b"-j",
        b" -j3",
        b" --jobs",
        b" --jobs=2",
        b" --jobserver-auth=3,4",
        b" --jobserver-fds=",
        b"--jobserver-auth",
        b"fifo:/x",
        b" -- ",
        b"X=1",
        b"l",
        b" -l",
        b"O",
        b" -I x",
        b"\xff",
        b"\n",
        b" --load-average",
        b" --file",
    ];
    let count = random.below(12);
    OsString::from_vec((0..count).flat_map(|_| random.pick(&SCRAPS).to_vec()).collect())
}

#[test]
fn any_value_can_be_parsed_stripped_and_shared() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let ours = Auth::pipe(70, 80);
    for _ in 0..20_000 {
        let value = random_value(&mut random);
        let before = MakeFlags::parse(&value);

        let rest = without_jobserver(&value);
        let after = MakeFlags::parse(rest.as_deref().unwrap_or(&value));
        assert_eq!(after, MakeFlags { jobs: None, auth: None, ..before.clone() }, "{value:?}");
        if let Some(rest) = rest {
            assert_eq!(without_jobserver(&rest), None, "{value:?} -> {rest:?}");
        }

        let shared = with_jobserver(&value, Some(at_most(9)), Some(&ours));
        let after = MakeFlags::parse(&shared);
        let expected = MakeFlags { jobs: Some(at_most(9)), auth: Some(ours.clone()), ..before };
        assert_eq!(after, expected, "{value:?} -> {shared:?}");
        assert_eq!(with_jobserver(&shared, Some(at_most(9)), Some(&ours)), shared, "{value:?}");
    }
}

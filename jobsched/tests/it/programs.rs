//! Jobs that are a [`Program`]: they mean what a `Command` would, find the world as any job does, and
//! get nothing else of their host, whatever that does meanwhile.

use std::fs::{self, File};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use jobsched::{Jobs, Program, command};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::pipe2;

use crate::harness::{Seen, Test, Text as _, host};

/// Lists the descriptors, the one for listing among them, which is the lowest free one.
const LIST: &str =
    "ls -l /proc/self/fd | sed -n 's/.* \\([0-9]*\\) -> .*/\\1/p' | sort -n | tr '\\n' ' '";

fn shell(script: &str) -> Program {
    Program::new("sh").args(["-c", script])
}

/// Has another process write a script: what is started by other tests meanwhile would have it open,
/// too, if this one had, and what is open to be written to can't be run.
fn script(path: &Path, text: &str, mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let status = Command::new("sh")
        .args(["-c", r#"printf %s "$2" >"$1" && chmod "$3" "$1""#, "sh"])
        .args([path.as_os_str(), text.as_ref(), format!("{mode:o}").as_ref()])
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn a_program_gets_the_arguments_environment_and_directory_that_a_command_would() {
    let script =
        "pwd; printf '<%s>' \"$@\"; env | grep -v '^\\(_\\|PWD\\|OLDPWD\\|SHLVL\\)=' | sort";
    let args = ["-c", script, "sh", "a b", "", "*"];
    let both = |clear: bool| {
        let mut old = Command::new("/bin/sh");
        let mut new = Program::new("/bin/sh");
        if clear {
            old.env_clear();
            new = new.env_clear();
        }
        old.args(args).env("SET", "1=2").env("HOME", "/x").env_remove("USER").current_dir("/usr");
        new = new.args(args).env("SET", "1=2").env("HOME", "/x").env_remove("USER");
        let test =
            Test::new().job(command("old", old)).job(command("new", new.current_dir("/usr")));
        let ran = test.run().assert_success();
        assert_eq!(ran.stdout("new"), ran.stdout("old"));
        ran.stdout("new")
    };
    assert!(both(false).contains("\nPATH="));
    assert!(both(true).starts_with("/usr\n<a b><><*>"));
}

#[test]
fn a_program_is_looked_for_as_execvp_does() {
    let test = Test::new();
    let path = |name: &str| test.path(name);
    script(&path("denied/tool"), "#!/bin/sh\necho denied", 0o644);
    script(&path("second/tool"), "#!/bin/sh\necho second", 0o755);
    script(&path("file"), "", 0o644);
    script(&path("here/tool"), "#!/bin/sh\necho here", 0o755);
    let in_path = |names: &str| {
        let directories = names.split(' ').map(|name| path(name).display().to_string());
        let value = directories.collect::<Vec<_>>().join(":");
        Program::new("tool").env("PATH", value + ":/bin:/usr/bin")
    };
    let found = in_path("none denied file second here");
    let only_denied = in_path("none denied");
    let relative = Program::new("./tool").current_dir(path("here"));
    let ran = test
        .job(command("found", found))
        .job(command("denied", only_denied))
        .job(command("relative", relative))
        .run();
    assert_eq!(ran.stdout("found"), "second");
    assert_eq!(ran.stdout("relative"), "here");
    assert_eq!(
        ran.outcome("denied"),
        "could not be started: failed to run `tool': Permission denied (os error 13)"
    );
}

#[test]
fn a_program_that_cannot_be_started_says_what_was_tried() {
    let test = Test::new().logged();
    let no_program = test.path("no-program");
    script(&no_program, "echo it is a script without a first line\n", 0o755);
    let ran = test
        .job(command("missing", Program::new("/no/such/program")))
        .job(command("nowhere", Program::new("no-such-program").env("PATH", "/bin:/usr/bin")))
        .job(command("nameless", Program::new("")))
        .job(command("elsewhere", Program::new("true").current_dir("/no/such/place")))
        .job(command("missing there", Program::new("./true").current_dir("/")))
        .job(command("no program", Program::new(&no_program)))
        .job(command("zero", Program::new("true").arg("a\0b")))
        .job(command("fine", Program::new("true")))
        .run();
    assert_eq!((ran.summary.failed, ran.summary.succeeded), (7, 1));
    let not = |job, what: &str| {
        assert_eq!(ran.outcome(job), format!("could not be started: failed to {what}"));
    };
    not("missing", "run `/no/such/program': No such file or directory (os error 2)");
    not("nowhere", "run `no-such-program': No such file or directory (os error 2)");
    not("nameless", "run `': No such file or directory (os error 2)");
    not("elsewhere", "change to directory /no/such/place: No such file or directory (os error 2)");
    not("missing there", "run `./true' in /: No such file or directory (os error 2)");
    let format = format!("run `{}': Exec format error (os error 8)", no_program.display());
    not("no program", &format);
    not("zero", "run `true': there is a byte 0 in an argument");
    assert_eq!(fs::read_dir(ran.path("log")).unwrap().count(), 1, "only of the one that ran");
}

#[test]
fn a_program_leads_a_group_of_its_own_and_reads_nothing() {
    let stat = "read -r pid name state parent group rest </proc/self/stat; echo $pid $group";
    let ran = Test::new()
        .job(command("job", shell(stat)))
        .job(command("stdin", shell("readlink /proc/self/fd/0; wc -c")))
        .run()
        .assert_success();
    let Seen::Started { pid, .. } = ran.seen[0] else { panic!("{:?}", ran.seen[0]) };
    assert_eq!(ran.stdout("job"), format!("{pid} {pid}"));
    assert_eq!(ran.stdout("stdin"), "/dev/null\n0");
}

#[test]
fn a_program_hears_of_the_jobserver_as_it_is_told_and_a_cleared_environment_stays_empty() {
    let echo = || shell("echo $MAKEFLAGS");
    let ran = Test::new()
        .with(|builder| builder.jobs(Jobs::AtMost(3)).makeflags("k"))
        .job(command("alone", echo()))
        .job(command("shared", echo()).share_jobserver(true))
        .job(command("own words", echo().env("MAKEFLAGS", "mine")).share_jobserver(true))
        .job(command("none", Program::new("/usr/bin/env").env_clear()))
        .run()
        .assert_success();
    assert!(!ran.stdout("alone").contains("jobserver"));
    assert!(ran.stdout("shared").contains("--jobserver-auth="), "{}", ran.stdout("shared"));
    assert_eq!(ran.stdout("own words"), "mine");
    assert_eq!(ran.stdout("none"), "");
}

#[test]
fn a_jobserver_whose_descriptors_have_high_numbers_is_handed_on_and_nothing_else() {
    let (read, write) = pipe2(OFlag::O_CLOEXEC).unwrap();
    nix::unistd::write(&write, b"abcd").unwrap();
    let high = |fd: &OwnedFd, from| owned(fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(from)).unwrap());
    // More than the first hundreds, if there may be more.
    let limit = i32::try_from(getrlimit(Resource::RLIMIT_NOFILE).unwrap().0).unwrap_or(i32::MAX);
    let most = limit.min(2000);
    let (read, write) = (high(&read, most / 2), high(&write, most / 4 * 3));
    let (read_number, write_number) = (read.as_raw_fd(), write.as_raw_fd());
    let auth = format!("-j5 --jobserver-auth={read_number},{write_number}");
    // A redirection of the shell takes one digit only.
    let take =
        format!("{LIST}; head -c1 /proc/self/fd/{read_number} >/proc/self/fd/{write_number}");
    let ran = Test::new()
        .with(|builder| builder.makeflags(auth))
        .job(command("shared", shell(&take)).share_jobserver(true))
        .job(command("alone", shell(LIST)))
        .run()
        .assert_success();
    assert_eq!(ran.stdout("shared"), format!("0 1 2 3 {read_number} {write_number}"));
    assert_eq!(ran.stdout("alone"), "0 1 2 3");
    assert!(ran.warnings().is_empty(), "{:?}", ran.warnings());
    let mut tokens = [0; 8];
    assert_eq!(nix::unistd::read(&read, &mut tokens).unwrap(), 4);
}

#[expect(unsafe_code)]
fn owned(fd: i32) -> OwnedFd {
    // SAFETY: it was just made, and nobody else knows of it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

#[test]
fn programs_get_nothing_of_a_host_whose_threads_open_and_close_inheritable_files() {
    let text = host("busy").output().unwrap().text();
    assert_eq!(text.matches("| 0 1 2 3 \n").count(), 60, "{text}");
}

#[test]
fn signals_meant_for_the_group_of_the_host_neither_run_its_handlers_in_programs_nor_end_them() {
    let text = host("storm").process_group(0).output().unwrap().text();
    assert!(text.contains("succeeded 200\n"), "{text}");
    assert!(text.contains("handled here only\n"), "{text}");
}

#[test]
fn where_a_filter_forbids_calls_programs_are_started_in_an_older_way() {
    for part in ["without clone3", "without close_range"] {
        let text = host(part).output().unwrap().text();
        assert!(
            text.contains("| started\n") && text.contains("| SigCgt:\t0000000000000000\n"),
            "{text}"
        );
        // The C library's own way leaves two signals ignored that nobody else can change.
        let ignored = text.lines().find_map(|line| line.split_once("SigIgn:\t")).unwrap().1;
        assert_eq!(u64::from_str_radix(ignored, 16).unwrap() & !(0b11 << 31), 0, "{text}");
        assert!(text.contains("| SigBlk:\t0000000000000000\n"), "{text}");
        let refused = "(could not be started: failed to run `/no/such': No such file or directory";
        assert!(text.contains(refused), "{text}");
    }
}

#[test]
fn the_output_of_programs_whose_pipes_have_high_numbers_is_theirs_and_ends_with_them() {
    let held: Vec<_> = (0..100).map(|_| File::open("/dev/null").unwrap()).collect();
    let mut test = Test::new().with(|builder| builder.jobs(Jobs::AtMost(8)));
    for number in 0..40 {
        let name = format!("job.{number}");
        test = test.job(command(&name, shell(&format!("echo {name}; echo {number} >&2"))));
    }
    let ran = test.run().assert_success();
    drop(held);
    for number in 0..40 {
        let name = format!("job.{number}");
        assert_eq!(ran.stdout(&name), name);
        assert_eq!(ran.leaks(&name), [] as [&[_]; 0], "{name}");
    }
}

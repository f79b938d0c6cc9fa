//! Together with GNU make and with the crate `jobserver`, each as our parent and as our child.
//!
//! Where a program of ours has to be started by make, or by us, it is this test binary itself with
//! the name of one of its tests, and with an environment variable that makes it do something.
#![allow(unsafe_code)]

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use super::super::{Imbalance, Shared};
use super::*;

/// Set in the processes that play a part: which part, and how many jobs or tokens to expect.
const PART: &str = "TOKENS_TEST_PART";

/// This very program, to run nothing but [`part`].
fn this_program() -> String {
    let (_, module) = module_path!().split_once("::").unwrap();
    let program = env::current_exe().unwrap();
    format!("{} --exact {module}::part --nocapture -q", program.to_str().unwrap())
}

/// A command that knows nothing of a jobserver under which the tests themselves may run.
fn command(program: &str) -> Command {
    let mut words = program.split(' ');
    let mut command = Command::new(words.next().unwrap());
    command.args(words);
    for variable in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CARGO_MAKEFLAGS"] {
        command.env_remove(variable);
    }
    command
}

/// What the process module will do for a job that shares the pool.
fn share(command: &mut Command, shared: &Shared) {
    let descriptors = shared.descriptors().to_vec();
    command.env("MAKEFLAGS", shared.makeflags(OsStr::new("")));
    let keep_open = move || {
        for &fd in &descriptors {
            // SAFETY: fcntl with F_SETFD touches no memory.
            if unsafe { nix::libc::fcntl(fd, nix::libc::F_SETFD, 0) } == -1 {
                return Err(std::io::Error::last_os_error());
            }
        }
        Ok(())
    };
    // SAFETY: the closure calls fcntl and nothing else.
    unsafe { command.pre_exec(keep_open) };
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let (out, err) = (output.stdout.escape_ascii(), output.stderr.escape_ascii());
    assert!(output.status.success() && output.stderr.is_empty(), "{out}\n{err}");
    output
}

fn write_makefile(directory: &Path, text: &str) -> String {
    fs::write(directory.join("Makefile"), text).unwrap();
    format!("timeout 600 make -r --no-print-directory -C {}", directory.display())
}

/// Not a test by itself: what the other processes do.
#[test]
fn part() {
    let Ok(part) = env::var(PART) else { return };
    let (role, expected) = part.rsplit_once(' ').unwrap();
    let expected: usize = expected.parse().unwrap();
    let makeflags = MakeFlags::parse(&env::var_os("MAKEFLAGS").unwrap());
    match role {
        "greedy" => {
            let pool = Inherited::open(&makeflags.auth.unwrap()).unwrap();
            let mut tokens = Tokens::inherited(pool, None);
            acquire_all(&mut tokens);
            assert_eq!(tokens.running(), expected);
            for _ in 0..expected / 2 {
                assert_released(&mut tokens);
            }
            tokens.give_back_all().unwrap();
        }
        "plain recipe" => {
            let auth = makeflags.auth.unwrap();
            println!("{:?}", auth.place());
            if let Err(error) = Inherited::open(&auth) {
                println!("{}", error.warning());
            }
        }
        "crate" | "killer" => {
            // SAFETY: the descriptors in MAKEFLAGS are those of the pool; nobody else owns them.
            let client = unsafe { jobserver::Client::from_env_ext(true) }.client.unwrap();
            let mut taken = Vec::new();
            while let Some(token) = client.try_acquire().unwrap() {
                taken.push(token);
            }
            assert_eq!(taken.len(), expected);
            if role == "killer" {
                taken.into_iter().for_each(jobserver::Acquired::drop_without_releasing);
            }
        }
        role => panic!("{role}"),
    }
}

#[test]
fn under_make_we_get_every_token_and_make_misses_none() {
    let directory = tempfile::tempdir().unwrap();
    let make = write_makefile(directory.path(), "all:\n\t+@$(PROGRAM)\n\t+@$(PROGRAM)\n");
    run(command(&make).arg("-j4").env("PROGRAM", this_program()).env(PART, "greedy 4"));
}

#[test]
fn under_make_without_plus_we_are_refused_with_a_warning() {
    let directory = tempfile::tempdir().unwrap();
    let make = write_makefile(directory.path(), "all:\n\t@$(PROGRAM)\n");
    let output =
        run(command(&make).arg("-j4").env("PROGRAM", this_program()).env(PART, "plain recipe 0"));
    let text = String::from_utf8(output.stdout).unwrap();
    // Nothing keeps the fifo of make 4.4 from anybody.
    assert!(text.contains("Fifo") || text.contains("put `+' before the command"), "{text}");
}

/// Two targets that end only if they run at the same time.
const RENDEZVOUS: &str = "all: a b\n\
    a: ; @echo > to_b; read x < to_a\n\
    b: ; @read x < to_b; echo > to_a\n";

#[test]
fn make_as_a_job_runs_in_parallel_on_our_tokens_and_returns_them() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["to_a", "to_b"] {
        nix::unistd::mkfifo(&directory.path().join(name), nix::sys::stat::Mode::S_IRWXU).unwrap();
    }
    let make = write_makefile(directory.path(), RENDEZVOUS);
    let mut tokens = Tokens::own(slots(3));
    assert_granted(&mut tokens);
    let mut job = command(&make);
    share(&mut job, &tokens.share().unwrap().unwrap());
    run(&mut job);
    assert_released(&mut tokens);
    assert_eq!(tokens.audit().unwrap(), None);
    acquire_all(&mut tokens);
    assert_eq!(tokens.running(), 3);
}

#[test]
fn our_pool_reaches_through_make_to_ourselves() {
    let directory = tempfile::tempdir().unwrap();
    let make = write_makefile(directory.path(), "all:\n\t+@$(PROGRAM)\n");
    let mut tokens = Tokens::own(slots(5));
    assert_granted(&mut tokens);
    assert_granted(&mut tokens);
    let mut job = command(&make);
    job.env("PROGRAM", this_program()).env(PART, "greedy 4");
    share(&mut job, &tokens.share().unwrap().unwrap());
    run(&mut job);
    assert_released(&mut tokens);
    assert_released(&mut tokens);
    assert_eq!(tokens.audit().unwrap(), None);
}

#[test]
fn client_of_the_crate_finds_our_pool() {
    let mut tokens = Tokens::own(slots(5));
    assert_granted(&mut tokens);
    let mut job = command(&this_program());
    share(job.env(PART, "crate 4"), &tokens.share().unwrap().unwrap());
    run(&mut job);
    assert_released(&mut tokens);
    assert_eq!(tokens.audit().unwrap(), None);
}

#[test]
fn tokens_that_died_with_a_job_are_found_missing_and_replaced() {
    let mut tokens = Tokens::own(slots(5));
    assert_granted(&mut tokens);
    let mut job = command(&this_program());
    share(job.env(PART, "killer 4"), &tokens.share().unwrap().unwrap());
    run(&mut job);
    assert_waits(&mut tokens);
    assert_released(&mut tokens);
    assert_eq!(tokens.audit().unwrap(), Some(Imbalance { expected: 4, found: 0 }));
    acquire_all(&mut tokens);
    assert_eq!(tokens.running(), 5);
}

#[test]
fn pool_of_the_crate_is_one_that_we_can_use() {
    let client = jobserver::Client::new(4).unwrap();
    let mut configured = Command::new("true");
    client.configure(&mut configured);
    let value: OsString =
        configured.get_envs().find_map(|(_, value)| value).map(OsStr::to_owned).unwrap();
    let auth = MakeFlags::parse(&value).auth.unwrap();

    let mut tokens = Tokens::inherited(Inherited::open(&auth).unwrap(), None);
    acquire_all(&mut tokens);
    assert_eq!((tokens.running(), client.available().unwrap()), (5, 0));
    assert_waits(&mut tokens);
    client.release_raw().unwrap();
    assert_granted(&mut tokens);
    drop(tokens);
    assert_eq!(client.available().unwrap(), 5);
}

//! Under GNU make, beside it and above it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread::JoinHandle;

use jobsched::{Jobs, command};

use crate::harness::{Test, Text as _, example, fifo, hold, plain, watch};
use crate::host::Host;

/// Counts itself while it runs, in a file under a lock, and meets the others.
const THING: &str = "\
exec 9>>lock
flock 9
n=$(($(cat now) + 1)); echo $n >now; [ $n -le $(cat most) ] || echo $n >most
flock -u 9
echo here >arrivals; read go <go
flock 9
echo $(($(cat now) - 1)) >now
";

/// Where the scripts `thing` meet.
pub(crate) struct Meeting {
    directory: PathBuf,
    host: JoinHandle<()>,
    /// What was written into a fifo is lost when nobody holds it open.
    _fifos: [File; 2],
}

impl Meeting {
    /// Makes the script `thing`, and lets the first `together` of them wait until so many are there.
    pub(crate) fn new(directory: &Path, together: usize, all: usize) -> Self {
        watch();
        fs::write(directory.join("thing"), THING).unwrap();
        fs::write(directory.join("now"), "0\n").unwrap();
        fs::write(directory.join("most"), "0\n").unwrap();
        let arrivals = hold(&fifo(directory.join("arrivals")));
        let go = hold(&fifo(directory.join("go")));
        let fifos = [arrivals.try_clone().unwrap(), go.try_clone().unwrap()];
        let host = std::thread::spawn(move || {
            let mut go = go;
            let mut arrivals = BufReader::new(arrivals).lines();
            for _ in 0..together {
                arrivals.next().unwrap().unwrap();
            }
            go.write_all(&b"go\n".repeat(all)).unwrap();
            for _ in together..all {
                arrivals.next().unwrap().unwrap();
            }
        });
        Self { directory: directory.to_owned(), host, _fifos: fifos }
    }

    /// How many ever ran at once, when all have been there and gone.
    pub(crate) fn most(self) -> usize {
        self.host.join().unwrap();
        let number = |file| fs::read_to_string(self.directory.join(file)).unwrap();
        assert_eq!(number("now"), "0\n");
        number("most").trim().parse().unwrap()
    }
}

/// Runs make on this text, in which `$(FLOOD)` is the example and `$(HOST)` the host.
fn make(directory: &Path, makefile: &str, arguments: &[&str]) -> Output {
    fs::write(directory.join("Makefile"), makefile).unwrap();
    make_command(directory, arguments).output().unwrap()
}

fn make_command(directory: &Path, arguments: &[&str]) -> Command {
    let mut make = plain("make");
    make.args(["-r", "--no-print-directory"]).args(arguments).current_dir(directory);
    make.env("FLOOD", example("flood"));
    make
}

const BESIDE: &str = "\
all: a b c d scheduled
a b c d: ; @sh ./thing
scheduled: ; +@$(FLOOD) -q 8 sh ./thing
";

#[test]
fn jobs_and_recipes_share_the_slots_of_make() {
    let directory = tempfile::tempdir().unwrap();
    let met = Meeting::new(directory.path(), 4, 12);
    let output = make(directory.path(), BESIDE, &["-j4"]);
    let text = output.text();
    assert!(output.status.success() && output.stderr.is_empty(), "{text}");
    assert!(text.contains("8 succeeded"), "{text}");
    assert!(!text.contains("jobserver") && !text.contains("token"), "{text}");
    assert_eq!(met.most(), 4);
}

#[test]
fn a_recipe_without_plus_is_warned_and_runs_one_job_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let met = Meeting::new(directory.path(), 1, 5);
    // make 4.4 keeps its fifo from nobody, but a pipe.
    let help = plain("make").arg("--help").output().unwrap().stdout;
    let has_styles = String::from_utf8_lossy(&help).contains("--jobserver-style");
    let options: &[&str] = if has_styles { &["-j4", "--jobserver-style=pipe"] } else { &["-j4"] };
    let output = make(directory.path(), "all: ; @$(FLOOD) 5 sh ./thing\n", options);
    let text = output.text();
    assert!(output.status.success(), "{text}");
    let warnings: Vec<_> = text.lines().filter(|line| line.contains("warning")).collect();
    assert_eq!(warnings.len(), 1, "{text}");
    assert!(warnings[0].starts_with("warning: jobserver unavailable: "), "{text}");
    let advice = "; running one job at a time; put `+' before the command in the make recipe";
    assert!(warnings[0].ends_with(advice), "{text}");
    assert_eq!(met.most(), 1);
}

#[test]
fn a_fifo_is_as_good_as_a_pipe() {
    let directory = tempfile::tempdir().unwrap();
    let met = Meeting::new(directory.path(), 3, 9);
    let mut pool = hold(&fifo(directory.path().join("pool")));
    pool.write_all(b"+-").unwrap();
    let auth = format!("fifo:{}", directory.path().join("pool").display());
    let output = plain(example("flood"))
        .args(["-q", "9", "sh", "./thing"])
        .current_dir(directory.path())
        .env("MAKEFLAGS", format!(" -j3 --jobserver-auth={auth}"))
        .output()
        .unwrap();
    assert!(output.text().starts_with("9 succeeded"), "{}", output.text());
    assert_eq!(met.most(), 3);
}

#[test]
fn a_pool_of_our_own_is_shared_with_a_make_below() {
    let test = Test::new().with(|builder| builder.jobs(Jobs::AtMost(3)));
    let directory = test.path("");
    let met = Meeting::new(&directory, 3, 6);
    fs::write(test.path("Makefile"), "all: a b c d\na b c d: ; @sh ./thing\n").unwrap();
    let make = make_command(&directory, &[]);
    let ran = test
        .job(command("make", make).share_jobserver(true))
        .sh("beside.1", "sh ./thing")
        .sh("beside.2", "sh ./thing")
        .run()
        .assert_success();
    assert_eq!(met.most(), 3);
    assert!(ran.warnings().is_empty(), "{:?}", ran.warnings());
    assert_eq!(ran.screen.lines().count(), 1, "{}", ran.screen);
}

#[test]
fn the_pool_of_make_reaches_through_us_to_a_make_below() {
    let directory = tempfile::tempdir().unwrap();
    let met = Meeting::new(directory.path(), 4, 8);
    fs::write(directory.path().join("below"), "all: a b c d\na b c d: ; @sh ./thing\n").unwrap();
    let host = Host::new(directory.path())
        .share()
        .sh("below", "make -r --no-print-directory -f below")
        .sh("thing.1", "sh ./thing")
        .sh("thing.2", "sh ./thing");
    let host = host.command();
    let mut make = make_command(directory.path(), &["-j4"]);
    let program: Vec<_> = host.get_args().map(|word| word.to_str().unwrap()).collect();
    let program = format!("{} {}", host.get_program().to_str().unwrap(), program.join(" "));
    fs::write(
        directory.path().join("Makefile"),
        format!("all: a b scheduled\na b: ; @sh ./thing\nscheduled: ; +@{program}\n"),
    )
    .unwrap();
    make.envs(host.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = make.output().unwrap();
    let text = output.text();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("3 succeeded") && !text.contains("jobserver"), "{text}");
    assert_eq!(met.most(), 4);
}

/// One job that fails and two that don't, under make with an option.
fn under_option(option: &str) -> (Option<i32>, String) {
    let directory = tempfile::tempdir().unwrap();
    let host = Host::new(directory.path()).sh("bad", "exit 1").sh("one", ":").sh("two", ":");
    let host = host.command();
    let program: Vec<_> = host.get_args().map(|word| word.to_str().unwrap()).collect();
    let program = format!("{} {}", host.get_program().to_str().unwrap(), program.join(" "));
    let makefile = format!("all: ; +@{program}; echo status $$?\n");
    fs::write(directory.path().join("Makefile"), makefile).unwrap();
    let mut make = make_command(directory.path(), &[option]);
    make.envs(host.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let text = make.output().unwrap().text();
    let status = text.lines().find_map(|line| line.strip_prefix("status ")?.parse().ok());
    (status, text)
}

#[test]
fn options_of_make_reach_the_scheduler() {
    let (status, text) = under_option("-r");
    assert!(status == Some(2) && text.contains("1 failed, 2 cancelled"), "{text}");
    let (status, text) = under_option("-k");
    assert!(status == Some(2) && text.contains("2 succeeded, 1 failed"), "{text}");
    let (status, text) = under_option("-i");
    assert!(status == Some(0) && text.contains("2 succeeded, 1 failed"), "{text}");
    let (status, text) = under_option("-n");
    assert!(status == Some(0) && text.contains("3 would run"), "{text}");
    assert!(!text.contains("started "), "{text}");
    let (_, text) = under_option("-s");
    assert!(text.contains("silent\n"), "{text}");
}

//! Shows that a scheduler and the `make` that starts it share one `-j`.
//!
//! ```text
//! cargo run -p jobsched --example under_make
//! ```
//!
//! Without arguments it writes a Makefile with two goals to a temporary directory and runs
//! `make -j3` on it. The recipe of one goal sleeps a few times by itself; that of the other, which
//! begins with `+`, runs this same program again, with a scheduler for six jobs. Each sleeper says
//! how many of all are asleep at that moment: never more than three.
//!
//! Take the `+` away in `MAKEFILE` and see what happens: a warning, and one job at a time.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

use jobsched::report::Plain;
use jobsched::{Scheduler, command};

const MAKEFILE: &str = "\
all: alone.1 alone.2 alone.3 scheduled
alone.%:
\t@$(SLEEPER) make.$*
scheduled:
\t+@$(PROGRAM) scheduler
";

/// Makes a file for the time that it sleeps, so that the others can count it.
const SLEEPER: &str = "\
touch asleep.$1; set -- $1 asleep.*; \
echo $1 sleeps, $(($# - 1)) of 3 slots are taken; sleep 0.3; rm asleep.$1";

/// What the recipe with the `+` runs: six jobs, in slots that make grants.
fn scheduler() -> Result<(), Box<dyn Error>> {
    let mut scheduler =
        Scheduler::builder().inherit_jobserver(true).observer(Plain::stdout()).build()?;
    for number in 1..=6 {
        let mut sleeper = Command::new("sh");
        sleeper.args(["sleeper", &format!("scheduler.{number}")]);
        scheduler.ensure(command(format!("job.{number}"), sleeper))?;
    }
    scheduler.run()?.exit()
}

/// Runs make in that directory.
fn make(directory: &Path) -> Result<(), Box<dyn Error>> {
    fs::write(directory.join("Makefile"), MAKEFILE)?;
    fs::write(directory.join("sleeper"), SLEEPER)?;
    let status = Command::new("make")
        .current_dir(directory)
        .arg("-j3")
        .arg(format!("PROGRAM={}", std::env::current_exe()?.display()))
        .arg("SLEEPER=sh sleeper")
        .env_remove("MAKEFLAGS")
        .status()?;
    if status.success() { Ok(()) } else { Err(format!("make failed: {status}").into()) }
}

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1).as_deref() {
        Some("scheduler") => scheduler(),
        _ => make(tempfile::tempdir()?.path()),
    }
}

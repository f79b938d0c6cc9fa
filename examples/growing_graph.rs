//! A graph that grows as the run goes on: a job finds out only when it is checked what it needs.
//!
//! ```text
//! cargo run -p jobsched --example growing_graph -- examples
//! ```
//!
//! Counts the lines of all files below a folder. `folder.PATH` looks into its folder when it is
//! checked, and needs a job for each entry that it finds there: folders again, or `lines.PATH`,
//! which runs `wc -l`. Nobody knows at the start how many jobs there will be.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use jobsched::report::Plain;
use jobsched::{Check, Checking, Job, Jobs, Scheduler, Work};

/// Everything in a folder is counted.
struct Folder {
    path: PathBuf,
    seen: bool,
}

/// The lines of a file are counted.
struct Lines {
    path: PathBuf,
}

impl Folder {
    fn new(path: PathBuf) -> Self {
        Self { path, seen: false }
    }

    /// Needs a job for each entry.
    fn look(&self, cx: &mut Checking<'_>) -> Result<(), Box<dyn std::error::Error>> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                cx.needs(Folder::new(entry.path()))?;
            } else {
                cx.needs(Lines { path: entry.path() })?;
            }
        }
        Ok(())
    }
}

impl Job for Folder {
    fn name(&self) -> String {
        format!("folder.{}", self.path.display())
    }

    fn check(&mut self, cx: &mut Checking<'_>) -> Check {
        // The second time everything that was found the first time has been counted.
        if !std::mem::replace(&mut self.seen, true) {
            if let Err(error) = self.look(cx) {
                return Check::failed(format!("can't look into it: {error}"));
            }
        }
        Check::done_because("all of it is counted")
    }

    fn run(&mut self) -> Work {
        Work::impossible("a folder is never run")
    }
}

impl Job for Lines {
    fn name(&self) -> String {
        format!("lines.{}", self.path.display())
    }

    fn run(&mut self) -> Work {
        let mut wc = Command::new("wc");
        wc.arg("-l").arg(&self.path);
        wc.into()
    }
}

fn main() -> Result<(), jobsched::Error> {
    let path = std::env::args_os().nth(1).unwrap_or_else(|| ".".into());
    let mut scheduler =
        Scheduler::builder().jobs(Jobs::AtMost(4)).observer(Plain::stdout()).build()?;
    scheduler.ensure(Folder::new(path.into()))?;
    scheduler.run()?.exit()
}

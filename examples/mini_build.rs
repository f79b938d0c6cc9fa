//! A small build tool: compiles the C files of a folder and links them into one program. A second
//! run does nothing; after a change it does what the change makes necessary.
//!
//! ```text
//! cargo run -p jobsched --example mini_build -- -j4 FOLDER
//! ```
//!
//! Each `compile.NAME` needs nothing and is up to date if `NAME.o` is newer than `NAME.c` and all
//! headers of the folder. `link` needs all of them and makes `FOLDER/program`. Started from a
//! recipe of a Makefile that begins with `+`, it takes part in make's jobserver.

use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use jobsched::report::Plain;
use jobsched::{Check, Checking, Job, Jobs, Plan, Scheduler, Work};

struct Compile {
    source: PathBuf,
    headers: Vec<PathBuf>,
}

struct Link {
    folder: PathBuf,
    sources: Vec<PathBuf>,
    headers: Vec<PathBuf>,
}

/// When a file was last changed; `None` if it isn't there.
fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// Whether a target is there and nothing that it is made from is newer.
fn up_to_date<'a>(target: &Path, mut from: impl Iterator<Item = &'a PathBuf>) -> bool {
    let Some(made) = changed(target) else {
        return false;
    };
    from.all(|source| changed(source).is_some_and(|changed| changed <= made))
}

fn name_of(path: &Path) -> String {
    path.file_stem().unwrap_or(OsStr::new("")).to_string_lossy().into_owned()
}

impl Job for Compile {
    fn name(&self) -> String {
        format!("compile.{}", name_of(&self.source))
    }

    fn check(&mut self, _: &mut Checking<'_>) -> Check {
        let from = self.headers.iter().chain([&self.source]);
        if up_to_date(&self.source.with_extension("o"), from) {
            Check::done()
        } else {
            Check::ready()
        }
    }

    fn run(&mut self) -> Work {
        let mut cc = Command::new("cc");
        cc.args(["-O2", "-Wall", "-c", "-o"]);
        cc.arg(self.source.with_extension("o")).arg(&self.source);
        cc.into()
    }
}

impl Link {
    fn objects(&self) -> Vec<PathBuf> {
        self.sources.iter().map(|source| source.with_extension("o")).collect()
    }

    fn program(&self) -> PathBuf {
        self.folder.join("program")
    }
}

impl Job for Link {
    fn name(&self) -> String {
        "link".into()
    }

    fn plan(&mut self, plan: &mut Plan<'_>) -> Result<(), jobsched::Error> {
        for source in &self.sources {
            plan.needs(Compile { source: source.clone(), headers: self.headers.clone() })?;
        }
        Ok(())
    }

    fn check(&mut self, _: &mut Checking<'_>) -> Check {
        if self.sources.is_empty() {
            return Check::failed(format!("there are no C files in {}", self.folder.display()));
        }
        if up_to_date(&self.program(), self.objects().iter()) {
            Check::done()
        } else {
            Check::ready()
        }
    }

    fn run(&mut self) -> Work {
        let mut cc = Command::new("cc");
        cc.arg("-o").arg(self.program()).args(self.objects());
        cc.into()
    }
}

/// The files of a folder with this extension, in the order of their names.
fn files(folder: &Path, extension: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new(extension)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut builder =
        Scheduler::builder().inherit_jobserver(true).handle_signals(true).observer(Plain::stdout());
    let mut folder = None;
    for arg in std::env::args_os().skip(1) {
        match arg.to_str().and_then(|arg| arg.strip_prefix("-j")) {
            Some(jobs) => builder = builder.jobs(Jobs::AtMost(jobs.parse()?)),
            None => folder = Some(PathBuf::from(arg)),
        }
    }
    let folder = folder.ok_or("usage: mini_build [-jN] FOLDER")?;

    // What took longest is started first the next time.
    let mut scheduler = builder.history(folder.join(".mini_build-history")).build()?;
    let sources = files(&folder, "c")?;
    let headers = files(&folder, "h")?;
    scheduler.ensure(Link { folder, sources, headers })?;
    scheduler.run()?.exit()
}

//! Starting many short jobs: this library beside programs that do the same.
//!
//! ```text
//! make bench                                   everything, with the rivals installed
//! cargo bench -p jobsched --bench rivals -- 10000 5
//! ```
//!
//! `rivals [COUNT [ROUNDS]]`: each program runs COUNT times `/bin/true`, two at a time; all in turn,
//! ROUNDS times over, so that a machine that changes its speed does so for all. The table shows the
//! median of the whole process' wall time, and of its ratio to that of the first line, round by round.
//! Rivals that are not installed are named and left out. Without arguments the count is small: that
//! only shows that everything works.
//!
//! Whether the work was done is looked up with the kernel: it has to have counted at least COUNT new
//! processes. GNU parallel gets a tenth of the count, for it takes ten times as long; its line is
//! scaled. make, ninja, samurai and n2 pass output on or throw it away, but keep no logs; the last
//! three start a shell for each job, and can't do without.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A program, and how it is made to run so many jobs.
struct Rival {
    name: &'static str,
    program: PathBuf,
    /// `COUNT` and `DIR` stand for what they say.
    args: &'static [&'static str],
    /// What to read the jobs from.
    stdin: Option<&'static str>,
    /// What makes it say its version.
    version: &'static [&'static str],
    /// By how much fewer jobs it gets.
    fewer: u32,
    times: Vec<Duration>,
}

fn rival(name: &'static str, program: PathBuf, args: &'static [&'static str]) -> Rival {
    Rival { name, program, args, stdin: None, version: &[], fewer: 1, times: Vec::new() }
}

/// A program that cargo has built: benches are beside this one, examples in their directory.
fn built(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let own = std::env::current_exe()?;
    let beside = own.parent().ok_or("no directory")?;
    let example = beside.with_file_name("examples").join(name);
    if example.exists() {
        return Ok(example);
    }
    let entries = fs::read_dir(beside)?.flatten().map(|entry| entry.path());
    let newest = entries
        .filter(|path| path.extension().is_none())
        .filter(|path| {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            file.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
        })
        .max_by_key(|path| path.metadata().and_then(|data| data.modified()).ok());
    newest.ok_or_else(|| format!("{name} is not built; run `make bench'").into())
}

/// A program on the PATH.
fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|path| path.is_file())
}

/// What is measured against each other: this library, loops that do without it, other programs.
fn ours() -> Result<Vec<Rival>, Box<dyn Error>> {
    let (scheduler, baseline) = (built("flood")?, built("floor")?);
    let quiet = &["-j2", "-q", "--no-logs", "COUNT", "/bin/true"];
    Ok(vec![
        rival("jobsched, with logs", scheduler.clone(), &["-j2", "-q", "COUNT", "/bin/true"]),
        rival("jobsched, no logs", scheduler, quiet),
        rival("loop with the same calls", baseline.clone(), &["full", "COUNT", "2", "/bin/true"]),
        rival("loop with pipes", baseline.clone(), &["pipes", "COUNT", "2", "/bin/true"]),
        rival("bare posix_spawn loop", baseline, &["bare", "COUNT", "2", "/bin/true"]),
    ])
}

/// Other programs, and how each is told.
const OTHERS: [(&str, &[&str]); 6] = [
    ("make", &["-j2", "-s", "-f", "DIR/makefile"]),
    ("xargs", &["-P2", "-n1", "/bin/true"]),
    ("ninja", &["-j2", "--quiet", "-C", "DIR"]),
    ("samu", &["-j2", "-C", "DIR"]),
    ("n2", &["-j2", "-C", "DIR"]),
    ("parallel", &["-j2", "-n1", "/bin/true"]),
];

/// Those of them that are installed.
fn others() -> impl Iterator<Item = Rival> {
    OTHERS.into_iter().filter_map(|(name, args)| {
        let program = installed(name)?;
        let reads_lines = matches!(name, "xargs" | "parallel");
        Some(Rival {
            stdin: reads_lines.then_some("lines"),
            // It has no option for that.
            version: if name == "n2" { &[] } else { &["--version"] },
            fewer: if name == "parallel" { 10 } else { 1 },
            ..rival(name, program, args)
        })
    })
}

impl Rival {
    /// Writes down its jobs, runs them, and makes sure that they were run.
    fn run(&mut self, count: u32, directory: &Path) -> Result<(), Box<dyn Error>> {
        let count = count / self.fewer;
        write_jobs(directory, count)?;
        let mut command = Command::new(&self.program);
        for arg in self.args {
            let place = directory.display().to_string();
            command.arg(arg.replace("COUNT", &count.to_string()).replace("DIR", &place));
        }
        for variable in ["MAKEFLAGS", "MFLAGS", "CARGO_MAKEFLAGS", "MAKELEVEL"] {
            command.env_remove(variable);
        }
        // GNU parallel asks for a citation, and keeps that in mind in a home directory.
        command.env("HOME", directory).stdout(Stdio::null()).stderr(Stdio::null());
        command.stdin(match self.stdin {
            Some(file) => fs::File::open(directory.join(file))?.into(),
            None => Stdio::null(),
        });
        let before = processes()?;
        let start = Instant::now();
        let status = command.status()?;
        let time = start.elapsed();
        let new = processes()? - before;
        if !status.success() || new < u64::from(count) {
            let name = self.name;
            return Err(format!("{name}: {status}, {new} processes for {count} jobs").into());
        }
        self.times.push(time * self.fewer);
        Ok(())
    }

    fn version(&self) -> String {
        if self.version.is_empty() {
            return String::new();
        }
        let output = Command::new(&self.program).args(self.version).output();
        let output = output.map(|output| output.stdout).unwrap_or_default();
        let text = String::from_utf8_lossy(&output);
        let words = text.lines().next().unwrap_or_default().split_whitespace();
        words.last().unwrap_or_default().to_owned()
    }
}

/// As many jobs as a makefile, a ninja file and lines.
fn write_jobs(directory: &Path, count: u32) -> std::io::Result<()> {
    let mut makefile = "MAKEFLAGS += -r\n.PHONY: all\nall:".to_owned();
    let mut ninja = "rule true\n  command = /bin/true\n".to_owned();
    let mut lines = String::new();
    for number in 0..count {
        let _ = write!(makefile, " t{number}");
        let _ = writeln!(ninja, "build t{number}: true");
        let _ = writeln!(lines, "{number}");
    }
    makefile.push('\n');
    for number in 0..count {
        let _ = writeln!(makefile, ".PHONY: t{number}\nt{number}: ; @/bin/true");
    }
    for leftover in [".ninja_log", ".ninja_deps", ".n2_db"] {
        let _ = fs::remove_file(directory.join(leftover));
    }
    fs::write(directory.join("makefile"), makefile)?;
    fs::write(directory.join("build.ninja"), ninja)?;
    fs::write(directory.join("lines"), lines)
}

/// How many processes and threads this machine has ever started.
fn processes() -> Result<u64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().find_map(|line| line.strip_prefix("processes "));
    Ok(line.ok_or("no count of processes in /proc/stat")?.parse()?)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let count: u32 = args.first().map_or(Ok(100), |count| count.parse())?;
    let rounds: usize = args.get(1).map_or(Ok(1), |rounds| rounds.parse())?;

    let parent = Path::new("/dev/shm");
    let parent = if parent.is_dir() { parent.to_owned() } else { std::env::temp_dir() };
    let directory = tempfile::tempdir_in(parent)?;
    let at_terminal = std::io::stderr().is_terminal();
    let mut rivals = ours()?;
    rivals.extend(others());
    for round in 0..rounds {
        for rival in &mut rivals {
            if at_terminal {
                eprint!("\rround {} of {rounds}: {:<30}", round + 1, rival.name);
            }
            rival.run(count, directory.path())?;
        }
    }
    if at_terminal {
        eprint!("\r{:60}\r", "");
    }

    println!("{count} × `/bin/true`, two at a time, {rounds} rounds:\n");
    println!("| | version | seconds | per job | ratio | from … to |");
    println!("|---|---|--:|--:|--:|---|");
    let first: Vec<f64> = rivals[0].times.iter().map(Duration::as_secs_f64).collect();
    for rival in &rivals {
        let times: Vec<f64> = rival.times.iter().map(Duration::as_secs_f64).collect();
        let ratios: Vec<f64> = times.iter().zip(&first).map(|(time, first)| time / first).collect();
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = ratios.iter().copied().fold(0.0, f64::max);
        let seconds = median(times);
        println!(
            "| {} | {} | {seconds:.2} | {:.0} µs | {:.2} | {least:.2} … {greatest:.2} |",
            rival.name,
            rival.version(),
            seconds / f64::from(count) * 1e6,
            median(ratios),
        );
    }
    let missing = OTHERS.iter().map(|(name, _)| *name).filter(|name| installed(name).is_none());
    let missing: Vec<&str> = missing.collect();
    if !missing.is_empty() {
        println!("\nNot installed: {}.", missing.join(", "));
    }
    Ok(())
}

//! What cross-tools are worth: builds in a foreign chroot that has them, beside the same builds all emulated and beside a
//! native chroot; and how long it takes to make such a chroot.
//!
//! ```text
//! make bench                                   this among others
//! cargo bench -p chroot-maint --bench cross_tools -- [hello] [sqlite] [bootstrap] [--rounds N] [--emulated N]
//! ```
//!
//! All ways of doing the same are measured in turn, as often as there are rounds (what is emulated, less often if `--emulated`
//! says so): so a machine that changes its speed does so
//! for all. Tables show medians of seconds, and of ratios round by round. What a build has made is looked at before
//! its time counts: it has to be of the right architecture, it has to run, and what the host's programs have made has to be
//! what emulated ones make, byte by byte.
//!
//! Needs root, the archive's mirror, the registry of crates, and an emulator, which need not be registered. Whatever of these is
//! missing is an error; nothing is left out. Everything that is made is in a directory below /var/tmp that is deleted at
//! the end, or in the one of `--dir`, which is kept: there a second run finds its chroots. A round takes some 25 minutes on
//! two cores, most of it emulated.

mod bootstrap;
mod chroots;
mod cross_compiler;
mod hello;
mod outcome;
mod sources;
mod sqlite;
mod table;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use chroots::Chroots;
use table::Rounds;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Configure and make GNU hello
    Hello,
    /// Compile `sqlite3.c`
    Sqlite,
    /// Making a chroot
    Bootstrap,
}

#[derive(Debug, Parser)]
#[command(name = "cross_tools", about = "Measure what cross-tools are worth")]
struct Args {
    /// What to measure; everything if nothing is named
    parts: Vec<Part>,

    /// How often everything is measured in turn
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,

    /// How often at most what is all emulated is measured, in the first rounds
    #[arg(long, value_name = "ROUNDS", value_parser = clap::value_parser!(u32).range(1..))]
    emulated: Option<u32>,

    /// The distribution of the chroots
    #[arg(long, default_value = "trixie")]
    dist: String,

    /// The foreign architecture
    #[arg(long, default_value = "arm64")]
    arch: String,

    /// Keep everything in DIR, and use what is there
    #[arg(long)]
    dir: Option<PathBuf>,

    /// What cargo says
    #[arg(long, hide = true)]
    bench: bool,
}

/// What failed is said as it is: the end of a session's output has lines.
fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\ncross_tools: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let args = Args::parse();
    if !nix::unistd::geteuid().is_root() {
        return Err("this makes chroots and enters them: run it as root".into());
    }
    let temporary = match args.dir {
        Some(_) => None,
        None => Some(tempfile::tempdir_in("/var/tmp")?),
    };
    let dir = args.dir.as_deref().or(temporary.as_ref().map(tempfile::TempDir::path));
    let dir = dir.ok_or("no directory")?;
    fs::create_dir_all(dir)?;
    let chroots = Chroots::new(&dir.canonicalize()?, &args.dist, &args.arch)?;
    let rounds = Rounds { all: args.rounds, emulated: args.emulated.unwrap_or(args.rounds) };
    let all = [Part::Hello, Part::Sqlite, Part::Bootstrap];
    for part in all.into_iter().filter(|part| args.parts.is_empty() || args.parts.contains(part)) {
        let table = match part {
            Part::Hello => hello::measure(&chroots, rounds)?,
            Part::Sqlite => sqlite::measure(&chroots, rounds)?,
            Part::Bootstrap => bootstrap::measure(&chroots, rounds)?,
        };
        println!("\n{table}");
    }
    Ok(())
}

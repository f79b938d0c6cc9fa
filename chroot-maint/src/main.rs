//! Creates, upgrades and maintains a set of Debian chroots.
//!
//! The layers, each of which knows only those below it: the commands `jobs` (what the scheduler runs), `manage`, `enter`,
//! `verify`, `status`, `doctor` and `manual`; `error`; `cli`, the words of a call; `body` (what runs in a job's process, and the
//! upkeep that commands share with it); `outputs`; `config`; `store`, `archive`, `sandbox` (which knows `foreign` and
//! `tools`), `host`, which know nothing of each other; `temporary`; `spec`, the names of things.

mod archive;
mod body;
mod cli;
mod config;
mod cross;
mod doctor;
mod enter;
mod error;
mod foreign;
mod host;
mod jobs;
mod manage;
mod manual;
mod outputs;
mod sandbox;
mod spec;
mod status;
mod store;
mod temporary;
mod tools;
#[cfg(test)]
#[path = "../tests/toy/mod.rs"]
mod toy;
mod verify;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, error::ContextKind};

use cli::{Cli, Command, Options};
use config::Config;
use error::Error;
use jobs::Wanted;
use spec::{JobName, Nap};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(mut error) => {
            // A list of commands would name those too that are for the program's own use.
            error.remove(ContextKind::ValidSubcommand);
            // Help and version are errors to clap, with an output of their own.
            let status = if error.use_stderr() { error::USAGE } else { 0 };
            let shown = error.print();
            return ExitCode::from(if shown.is_ok() { status } else { error::IO_ERROR });
        }
    };
    run(&cli).unwrap_or_else(|error| {
        if !error.is_broken_pipe() {
            // Where even this can't be said, the exit status says it.
            let _ = writeln!(io::stderr(), "chroot-maint: {error}");
        }
        error.exit_code()
    })
}

fn run(cli: &Cli) -> Result<ExitCode, Error> {
    let options = &cli.options;
    match &cli.command {
        Command::All => jobs::run(&Wanted::Chroots(&[]), options, load(options)),
        Command::Chroot { which } => jobs::run(&Wanted::Chroots(which), options, load(options)),
        Command::CrossTools { verify: true, which } => {
            Ok(verify::run(&load(options)?, which, options)?)
        }
        Command::CrossTools { verify: false, which } => {
            jobs::run(&Wanted::CrossTools(which), options, load(options))
        }
        Command::Sleep { seconds, label } => {
            let nap = Nap::new(seconds, label)?;
            jobs::run(&Wanted::Sleep(nap), options, load(options))
        }
        Command::Test { seed } => jobs::run(&Wanted::Test { seed: *seed }, options, load(options)),
        Command::List => list(options),
        Command::Job { name } => body::run(&JobName::parse(name)?, || load(options)),
        Command::Enter { chroot, user, bind, command } => {
            Ok(enter::enter(&load(options)?, chroot, user, bind, command)?)
        }
        Command::Rollback { chroot } => manage::rollback(&load(options)?, chroot, options),
        Command::Remove { chroot } => manage::remove(&load(options)?, chroot, options),
        Command::Gc => manage::gc(&load(options)?, options),
        Command::Status { json, which } => status::run(&load(options)?, which, *json),
        Command::Man { dir } => manual::write_pages(dir),
        Command::Completions { shell } => manual::write_completions(*shell),
        Command::Doctor => doctor::run(load(options)),
        Command::InSandbox { words } => Ok(ExitCode::from(sandbox::run(words))),
        Command::InCache { words } => {
            outputs::run(words).map_err(body::BodyError::from)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::RemoveTree { path } => {
            let freed = store::remove_tree(path)?;
            writeln!(io::stdout(), "{freed}").map_err(Error::Output)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn load(options: &Options) -> Result<Config, Error> {
    let is_root = nix::unistd::geteuid().is_root();
    let mut config = Config::load(options.config.as_deref(), is_root)?;
    if let Some(fresh) = options.fresh {
        config.chroots.values_mut().for_each(|chroot| chroot.fresh = fresh);
    }
    config.no_wait = options.no_wait;
    Ok(config)
}

fn list(options: &Options) -> Result<ExitCode, Error> {
    let config = load(options)?;
    let mut stdout = io::stdout().lock();
    for id in config.chroots.keys() {
        writeln!(stdout, "{id}").map_err(Error::Output)?;
    }
    // After all of the chroots, and told from them by their names: scripts read this, those of shells among them.
    for (id, _) in config.chroots.iter().filter(|(_, chroot)| !chroot.cross_tools.is_empty()) {
        writeln!(stdout, "{}", JobName::CrossTools(id.clone())).map_err(Error::Output)?;
    }
    Ok(ExitCode::SUCCESS)
}

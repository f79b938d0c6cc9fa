//! What runs in a job's own process: `chroot-maint job NAME`.
//!
//! Knows nothing of the scheduler that may have started it, nor of other jobs.

mod archive;
mod bad;
mod bootstrap;
mod chroot;
mod clone;
mod cross_tools;
mod devices;
mod donor;
mod download;
mod dpkg_fault;
mod error;
mod failure;
mod from_source;
mod guard;
pub(crate) mod hand_out;
mod install;
mod installable;
mod interrupt;
mod make;
mod outcome;
mod packages;
mod place_tools;
mod process;
mod quote;
mod seal;
mod simulate;
mod sleep;
mod step;
mod tarball;
mod task;
mod upgrade;
pub(crate) mod upkeep;
mod verify;

pub(crate) use cross_tools::tool_list;
pub(crate) use error::BodyError;
pub(crate) use process::settle;

use std::{io, process::ExitCode};

use crate::{config::Config, spec::JobName};

/// Does the job of this name in the foreground; `config` is read only if the job needs it.
pub(crate) fn run<E: From<BodyError>>(
    job: &JobName,
    config: impl FnOnce() -> Result<Config, E>,
) -> Result<ExitCode, E> {
    match job {
        JobName::Archive(id) => {
            let config = config()?;
            process::settle().map_err(BodyError::Settle)?;
            archive::update(&config, id)?;
            Ok(ExitCode::SUCCESS)
        }
        JobName::Chroot(id) => {
            // Its path may be a relative one.
            let config = config()?;
            process::settle().map_err(BodyError::Settle)?;
            chroot::keep(&config, id)?;
            Ok(ExitCode::SUCCESS)
        }
        JobName::CrossTools(id) => {
            let config = config()?;
            process::settle().map_err(BodyError::Settle)?;
            cross_tools::keep(&config, id)?;
            Ok(ExitCode::SUCCESS)
        }
        JobName::Sleep(nap) => {
            sleep::sleep(nap, &mut io::stdout().lock()).map_err(BodyError::Output)?;
            Ok(ExitCode::SUCCESS)
        }
        JobName::Bad => {
            let (mut stdout, mut stderr) = (io::stdout().lock(), io::stderr().lock());
            bad::fail(&mut stdout, &mut stderr).map_err(BodyError::Output)?;
            Ok(ExitCode::from(bad::STATUS))
        }
    }
}

//! Why a job's body fails.

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

use nix::sys::signal::Signal;
use thiserror::Error;

use super::interrupt::Cause;
use crate::{
    archive::{ArchiveError, FetchFailure, HostAptError, SourcesError},
    cross::{ListError, ManifestError, TreeError},
    outputs::OutputError,
    sandbox::SandboxError,
    spec::{ArchiveId, ChrootId, JobName, Size, show_span},
    store::{Process, StoreError},
    tools::MissingTools,
};

/// A job that came to nothing; what was there before is still there.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum BodyError {
    #[error("`{id}' is not in the config{near}; `chroot-maint list' shows what is")]
    NotConfigured { id: ChrootId, near: String },
    #[error(
        "no chroot in the config uses the archive `{id}'; an archive gets its name from the config"
    )]
    NoSuchArchive { id: ArchiveId },
    #[error(
        "{job} is being worked on by {}; without --no-wait, this waits until that is done",
        holder.as_ref().map_or_else(|| "another process".to_owned(), ToString::to_string)
    )]
    Busy { job: JobName, holder: Option<Process> },
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("{0}")]
    Fetch(FetchFailure),
    #[error(transparent)]
    MissingTools(#[from] MissingTools),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    HostApt(#[from] HostAptError),
    #[error(transparent)]
    Sources(#[from] SourcesError),
    #[error("can't set this process's limits: {0}")]
    Settle(#[source] io::Error),
    #[error("can't write the output: {0}")]
    Output(#[source] io::Error),
    #[error("can't write {what}: {source}")]
    Write { what: &'static str, source: io::Error },
    #[error("{what}: can't be started: {source}")]
    Start { what: &'static str, source: io::Error },
    #[error("{what}: {status}: {said}")]
    Step {
        what: &'static str,
        status: ExitStatus,
        /// The line that tells most.
        said: String,
        /// All that it said, or the end of that if it said much.
        output: String,
    },
    #[error("{what}: the emulator crashed: {said}")]
    Emulator { what: &'static str, said: String, output: String },
    #[error(
        "not done within {}{}",
        show_span(*limit),
        what.map(|what| format!(": {what} took too long")).unwrap_or_default()
    )]
    Overdue {
        limit: Duration,
        /// What was going on then, if a tool ran.
        what: Option<&'static str>,
    },
    #[error("interrupted by {signal}")]
    Interrupted { signal: Signal },
    #[error(
        "the upgrade would remove {}, which the chroot needs: generation {number} stays as it is; \
         wait for the archive to offer them again, or take them out of `include' if they are in there",
        packages.join(", ")
    )]
    WouldRemove { packages: Vec<String>, number: u32 },
    #[error(
        "no room for a copy of the chroot: that takes {needed}, and {} has {free}; free some, or give the config another state-dir",
        path.display()
    )]
    NoRoom { path: PathBuf, free: Size, needed: Size },
    #[error(transparent)]
    HandOut(#[from] OutputError),
    #[error(
        "the tools for `{id}' are not wanted: this host's processor runs its programs itself, or its `cross-tools' in the config are []"
    )]
    NoToolsWanted { id: ChrootId },
    #[error(
        "{donor}, which the tools are taken from, has not been made yet; make it: chroot-maint chroot {donor}"
    )]
    NoDonor { donor: ChrootId },
    #[error(
        "no mirror is known on this host; name one in the config: mirror = 'http://mirror.example/debian'"
    )]
    NoMirror,
    #[error("the source {package} can't be had")]
    NoSource { package: String },
    #[error("can't read `tool-list' {}: {source}; correct it in the config", path.display())]
    ToolList { path: PathBuf, source: io::Error },
    #[error(transparent)]
    List(#[from] ListError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Tools(#[from] TreeError),
    #[error("one of mmdebstrap's processes was killed before the tree was finished")]
    Unfinished,
    #[error("the new tree is not fit for use: {0}")]
    Unfit(String),
}

impl From<Cause> for BodyError {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Overdue(limit, what) => Self::Overdue { limit, what },
            Cause::Signal(signal) => Self::Interrupted { signal },
        }
    }
}

//! Everything that ends this program early, and the exit status that says which kind it was.
//!
//! 0: done. 2: a job failed. 64 and up, as in <sysexits.h>: something was wrong with the call, the config or the host.
//! The body of a job has one for each class of failures, by which the scheduler decides whether to try again; 1 if the
//! class is not known.

use std::{io, path::PathBuf, process::ExitCode};

use thiserror::Error;

use crate::{
    body::BodyError,
    config::ConfigError,
    enter::EnterError,
    host::HostError,
    manage::ManageError,
    sandbox::SandboxError,
    spec::{FailureClass, JobNameError, NapError, SelectionError},
    store::StoreError,
    verify::VerifyError,
};

/// An end before the work was done.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum Error {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Selection(#[from] SelectionError),
    #[error(transparent)]
    JobName(#[from] JobNameError),
    #[error(transparent)]
    Nap(#[from] NapError),
    #[error("{}", .0.failure())]
    Body(#[from] BodyError),
    #[error(transparent)]
    Enter(#[from] EnterError),
    #[error(transparent)]
    Manage(#[from] ManageError),
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Scheduler(#[from] jobsched::Error),
    #[error("can't find out where this program is: {0}")]
    Myself(#[source] io::Error),
    #[error("can't write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("can't write the output: {0}")]
    Output(#[source] io::Error),
}

/// The numbers of <sysexits.h> in use here.
mod status {
    pub(super) const FAILED: u8 = 1;
    pub(super) const USAGE: u8 = 64;
    pub(super) const NO_INPUT: u8 = 66;
    pub(super) const DATA: u8 = 65;
    pub(super) const UNAVAILABLE: u8 = 69;
    pub(super) const SOFTWARE: u8 = 70;
    pub(super) const OS_ERROR: u8 = 71;
    pub(super) const CANT_CREATE: u8 = 73;
    pub(super) const IO_ERROR: u8 = 74;
    pub(super) const TEMPORARY: u8 = 75;
    pub(super) const PROTOCOL: u8 = 76;
    pub(super) const NO_PERMISSION: u8 = 77;
    pub(super) const CONFIG: u8 = 78;
}

/// The exit status for a call that can't be understood.
pub(crate) const USAGE: u8 = status::USAGE;
/// The exit status of a host on which something is missing.
pub(crate) const UNAVAILABLE: u8 = status::UNAVAILABLE;
/// The exit status where help can't be shown.
pub(crate) const IO_ERROR: u8 = status::IO_ERROR;
/// The exit status of a job's body for what may well be better in a while.
pub(crate) const TEMPORARY: u8 = status::TEMPORARY;
/// The exit status of a job's body whose emulator crashed.
pub(crate) const SOFTWARE: u8 = status::SOFTWARE;

impl Error {
    /// The exit status that says what kind of end this is.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Selection(_) | Self::JobName(_) | Self::Nap(_) => status::USAGE,
            Self::Config(error) => of_config(error),
            Self::Body(error) => of_body(error),
            Self::Enter(error) => of_enter(error),
            Self::Manage(error) => of_manage(error),
            Self::Verify(error) => of_verify(error),
            Self::Store(error) => of_store(error),
            Self::Scheduler(_) | Self::Myself(_) => status::OS_ERROR,
            Self::Write { source, .. } => of_io(source, status::CANT_CREATE),
            Self::Output(_) => status::IO_ERROR,
        })
    }
}

impl Error {
    /// Whether it only says that nobody reads the output any more.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        match self {
            Self::Output(error)
            | Self::Manage(ManageError::Output(error))
            | Self::Verify(VerifyError::Output(error))
            | Self::Body(BodyError::Output(error)) => error.kind() == io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }
}

fn of_config(error: &ConfigError) -> u8 {
    match error {
        ConfigError::Read { source, .. } => of_io(source, status::NO_INPUT),
        ConfigError::Pipe { .. } => status::NO_INPUT,
        ConfigError::Host(HostError::NoDpkg(_)) => status::UNAVAILABLE,
        _ => status::CONFIG,
    }
}

fn of_body(error: &BodyError) -> u8 {
    match (error, error.failure().class) {
        (BodyError::NotConfigured { .. } | BodyError::NoSuchArchive { .. }, _) => status::USAGE,
        // Not as a mirror's failure: a job that was not to wait is not to be tried again.
        (BodyError::Busy { .. }, _) => status::UNAVAILABLE,
        (_, FailureClass::Mirror) => status::TEMPORARY,
        (_, FailureClass::Disk) => status::IO_ERROR,
        (_, FailureClass::Emulator) => status::SOFTWARE,
        (_, FailureClass::Package) => status::DATA,
        (_, FailureClass::Policy) => status::PROTOCOL,
        (_, FailureClass::Configuration) => status::CONFIG,
        (BodyError::Sandbox(error), _) => of_sandbox(error),
        // Not EX_TEMPFAIL, as elsewhere: it would be tried again, and somebody has to unmount something.
        (BodyError::Store(StoreError::Mounted { .. }), _) => status::UNAVAILABLE,
        (BodyError::Store(error), _) => of_store(error),
        (BodyError::Output(_), _) => status::IO_ERROR,
        (BodyError::Settle(_), _) => status::OS_ERROR,
        (_, FailureClass::Host) => status::UNAVAILABLE,
        (_, FailureClass::Interrupted | FailureClass::Other) => status::FAILED,
    }
}

fn of_sandbox(error: &SandboxError) -> u8 {
    match error {
        SandboxError::Tools(_) | SandboxError::Foreign(_) => status::UNAVAILABLE,
        SandboxError::Start(_) => status::OS_ERROR,
        _ => status::NO_PERMISSION,
    }
}

fn of_enter(error: &EnterError) -> u8 {
    match error {
        EnterError::Several { .. } | EnterError::Selection(_) => status::USAGE,
        EnterError::NotMade { .. } => status::NO_INPUT,
        EnterError::Store(error) => of_store(error),
        EnterError::Sandbox(error) => of_sandbox(error),
        EnterError::Start(_) => status::OS_ERROR,
    }
}

fn of_manage(error: &ManageError) -> u8 {
    match error {
        ManageError::Name(_) | ManageError::Unknown { .. } => status::USAGE,
        ManageError::NotMade { .. } | ManageError::NothingBefore { .. } => status::NO_INPUT,
        ManageError::Body(error) => of_body(error),
        ManageError::Store(error) => of_store(error),
        ManageError::Sandbox(error) => of_sandbox(error),
        ManageError::Archive(_) | ManageError::Output(_) => status::IO_ERROR,
        ManageError::Read { source, .. } | ManageError::Delete { source, .. } => {
            of_io(source, status::IO_ERROR)
        }
    }
}

fn of_verify(error: &VerifyError) -> u8 {
    match error {
        VerifyError::Selection(_) | VerifyError::Native { .. } => status::USAGE,
        VerifyError::NotWanted { .. } => status::CONFIG,
        VerifyError::NoTools { .. } => status::NO_INPUT,
        VerifyError::Store(error) => of_store(error),
        VerifyError::Sandbox(error) => of_sandbox(error),
        VerifyError::Start { .. } => status::OS_ERROR,
        VerifyError::Ended { .. } => status::FAILED,
        VerifyError::Results { .. } => status::DATA,
        VerifyError::Output(_) => status::IO_ERROR,
    }
}

fn of_store(error: &StoreError) -> u8 {
    match error {
        StoreError::Create { source, .. } => of_io(source, status::CANT_CREATE),
        StoreError::Read { source, .. }
        | StoreError::Write { source, .. }
        | StoreError::Rename { source, .. }
        | StoreError::Lock { source, .. }
        | StoreError::Delete { source, .. }
        | StoreError::Users { source, .. } => of_io(source, status::IO_ERROR),
        StoreError::Mounted { .. } => status::TEMPORARY,
        StoreError::NotWork(_) => status::USAGE,
        _ => status::CONFIG,
    }
}

fn of_io(error: &io::Error, otherwise: u8) -> u8 {
    match error.kind() {
        io::ErrorKind::PermissionDenied => status::NO_PERMISSION,
        _ => otherwise,
    }
}

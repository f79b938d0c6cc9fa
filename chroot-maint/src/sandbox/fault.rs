//! What stops a sandbox from being built. Said on the standard error by the process that finds it.

use std::fmt::Display;

/// A reason, as a line.
#[derive(Debug, thiserror::Error)]
#[error("sandbox: {0}")]
pub(super) struct Fault(String);

impl Fault {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    pub(super) fn no_command() -> Self {
        Self::new("no command is named")
    }
}

/// Says what was tried when an error came.
pub(super) trait Told<T> {
    fn told(self, what: &str) -> Result<T, Fault>;
}

impl<T, E: Display> Told<T> for Result<T, E> {
    fn told(self, what: &str) -> Result<T, Fault> {
        self.map_err(|error| Fault(format!("{what}: {error}")))
    }
}

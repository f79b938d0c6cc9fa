//! What can be wrong with a configuration, and where in its file. Knows neither form of file.

use std::{fmt, io, path::PathBuf};

use thiserror::Error;

use crate::host::HostError;

/// Why there is no configuration to work with.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum ConfigError {
    #[error("can't read the config {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error(
        "the config {} is a pipe, which the jobs could not read again; give it as a file",
        path.display()
    )]
    Pipe { path: PathBuf },
    #[error("{}:{problem}", path.display())]
    Bad { path: PathBuf, problem: Problem },
    #[error("{}: {message}", path.display())]
    Whole { path: PathBuf, message: String },
    #[error(
        "no place for the state: neither XDG_STATE_HOME nor HOME is set to an absolute path; \
         set state-dir in the config"
    )]
    NoStateDir,
    #[error(transparent)]
    Host(#[from] HostError),
}

/// One fault in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) place: Place,
    pub(crate) message: String,
}

/// A place in a text, both counted from 1; the column is left out where the line says enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: Option<usize>,
}

impl Place {
    /// The place of a byte offset.
    pub(crate) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: Some(before[line_start..].chars().count() + 1),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // FILE:LINE:COLUMN: is what editors jump to.
        match self.place.column {
            Some(column) => write!(f, "{}:{column}: {}", self.place.line, self.message),
            None => write!(f, "{}: {}", self.place.line, self.message),
        }
    }
}

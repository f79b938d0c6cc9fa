//! The failure of the last look at an archive, for those who were not there: without it nobody would know why the chroots
//! that use the archive are as they were. Does not know how failures are classed.

use std::{fs, io, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{ArchiveError, ArchiveState};
use crate::spec::OutcomeFailure;

/// A look that came to nothing. `outcome.json` beside the lists holds it as JSON, until a look goes well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Failed {
    /// When it ended, in seconds since 1970.
    pub(crate) at: u64,
    /// How long it took, in seconds.
    pub(crate) took: u64,
    pub(crate) failure: OutcomeFailure,
}

impl ArchiveState {
    /// The failure of the last look, if it was one that can be read. Needs no lock.
    pub(crate) fn failed(&self) -> Option<Failed> {
        serde_json::from_slice(&fs::read(self.outcome_path()).ok()?).ok()
    }

    /// Keeps a failure; the archive's lock must be held. Not synced: it is a report, and nothing is decided by it.
    pub(crate) fn put_failed(&self, failed: &Failed) -> Result<(), ArchiveError> {
        let path = self.outcome_path();
        let write = || -> io::Result<()> {
            // Where whoever comes next deletes what a killed process has left.
            fs::create_dir_all(self.next())?;
            let new = self.next().join("outcome.json");
            fs::write(&new, serde_json::to_vec_pretty(failed)?)?;
            fs::rename(&new, &path)
        };
        let written = write().map_err(ArchiveError::write(&path));
        self.clear_unfinished()?;
        written
    }

    /// A look went well; the archive's lock must be held.
    pub(crate) fn forget_failed(&self) -> Result<(), ArchiveError> {
        let path = self.outcome_path();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(ArchiveError::write(&path)(error))
            }
            _ => Ok(()),
        }
    }

    fn outcome_path(&self) -> PathBuf {
        self.dir().join("outcome.json")
    }
}

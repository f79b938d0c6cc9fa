//! What is kept of a failure, of a chroot's work as of an archive's. Does not know how failures are classed.

use serde::{Deserialize, Serialize};

use super::FailureClass;

/// A failure, for those who were not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct OutcomeFailure {
    pub(crate) class: FailureClass,
    /// On one line.
    pub(crate) reason: String,
    /// What to do, if that is known.
    pub(crate) advice: Option<String>,
    /// The last lines of what the tool said that failed.
    pub(crate) last_lines: Vec<String>,
}

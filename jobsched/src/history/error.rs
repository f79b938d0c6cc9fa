//! What can go wrong with the history of jobs, none of which stops a run. Doesn't know who says it.

use std::io;
use std::path::PathBuf;

/// Why a run leaves no, or less, history to the next one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum HistoryError {
    /// A batch of records can't be appended.
    #[error("failed to write the job history `{path}': {source}")]
    Append { path: PathBuf, source: io::Error },

    /// The file can't be replaced by a smaller or an undamaged one.
    #[error("failed to rewrite the job history `{path}', which stays as it is: {source}")]
    Rewrite { path: PathBuf, source: io::Error },
}

//! Debian's archive as a chroot sees it: mirrors, suites, keyring, proxy, in apt's own words; what it has, and what
//! was fetched of it, shared by all chroots.
//!
//! Knows nothing of trees and generations. Verifies nothing: that is apt's work. Runs no apt that fetches: it says how
//! that is to be called, and what came of it.

mod debs;
mod error;
mod failure;
mod host_apt;
mod host_memo;
mod outcome;
mod proxy;
mod release;
mod source;
mod sources;
mod stage;
mod state;
mod sums;
mod sweep;
#[cfg(test)]
mod tests;

pub(crate) use debs::{Amount, DebCache};
pub(crate) use error::ArchiveError;
pub(crate) use failure::FetchFailure;
pub(crate) use host_apt::{HostApt, HostAptError};
pub(crate) use outcome::Failed;
pub(crate) use proxy::set_proxy;
pub(crate) use source::SourceFetch;
pub(crate) use sources::{DEFAULT_KEYRING, Sources, SourcesError};
pub(crate) use stage::{ARCHIVES, Stage};
pub(crate) use state::{ArchiveState, Checked};

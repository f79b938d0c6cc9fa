//! What users name: distributions, architectures, chroots, recipes, jobs, and choices among chroots.
//!
//! Pure values and their text forms. Knows nothing of files, processes or of what exists on this host.

mod arch;
mod archive_id;
mod chroot_id;
mod class;
mod dist;
mod fresh;
mod indexes;
mod job_name;
mod nap;
mod nearest;
mod outcome_failure;
mod output;
mod placement;
mod recipe;
mod selection;
mod size;
mod span;
mod tier;

pub(crate) use arch::{Arch, Elf};
pub(crate) use archive_id::ArchiveId;
pub(crate) use chroot_id::{ChrootId, ChrootIdError};
pub(crate) use class::FailureClass;
pub(crate) use dist::Dist;
pub(crate) use fresh::Fresh;
pub(crate) use indexes::{Indexes, Suite};
pub(crate) use job_name::{JobName, JobNameError};
pub(crate) use nap::{Nap, NapError};
pub(crate) use nearest::nearest;
pub(crate) use outcome_failure::OutcomeFailure;
pub(crate) use output::Output;
pub(crate) use placement::{Gain, Placed, Placement};
pub(crate) use recipe::{Recipe, Variant, is_security};
pub(crate) use selection::{Selectable, SelectionError, select};
pub(crate) use size::Size;
pub(crate) use span::{about, parse_span, show_span};
pub(crate) use tier::Tier;

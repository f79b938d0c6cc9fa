//! What every step of the work on one chroot knows, and how it becomes the current generation. Takes none of the steps.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::{BodyError, archive::Seen, process};
use crate::{
    config::{Chroot, Config},
    sandbox::Sandbox,
    spec::{ChrootId, Placement},
    store::{Described, Generation, Package, Place, Record, Work},
};

/// One chroot, under its lock, with room to work in.
pub(super) struct Task<'a> {
    pub(super) config: &'a Config,
    pub(super) id: &'a ChrootId,
    pub(super) chroot: &'a Chroot,
    pub(super) sandbox: Sandbox,
    pub(super) work: &'a Work,
    /// When it was begun, by the calendar and by a clock that is never set.
    pub(super) begun: (SystemTime, Instant),
}

impl Task<'_> {
    /// Makes the tree in the work directory, verified and with these packages, the current generation.
    pub(super) fn commit(
        &self,
        place: &Place,
        old: Option<&Generation>,
        seen: Option<Seen>,
        packages: Vec<Package>,
        cross_tools: Option<Placement>,
    ) -> Result<Generation, BodyError> {
        let (created, begun) = self.begun;
        let record = Record {
            version: Record::VERSION,
            chroot: self.id.clone(),
            parent: old.map(|old| old.number),
            recipe: self.chroot.recipe.clone(),
            created: created.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            took: begun.elapsed().as_secs(),
            size: self.size()?,
            indexes: seen.as_ref().map(|seen| seen.indexes.clone()),
            packages,
            cross_tools,
        };
        let new = place.commit(self.work, &record)?;
        if let Some(seen) = seen {
            stamp(place, new.number, seen);
        }
        Ok(new)
    }

    /// The disk space of the tree; parts of it may be closed to this user outside the sandbox.
    pub(super) fn size(&self) -> Result<u64, BodyError> {
        let mut du = self.sandbox.outside("du");
        du.args(["--summarize", "--one-file-system", "--block-size=1"]).arg(self.work.tree());
        let said = process::output("measuring the tree", du)?;
        let said = String::from_utf8_lossy(&said);
        said.split_whitespace()
            .next()
            .and_then(|size| size.parse().ok())
            .ok_or_else(|| BodyError::Unfit(format!("du said `{}'", said.trim())))
    }
}

/// Keeps in mind that there was nothing to do for a generation. If that fails it costs another look, no more.
pub(super) fn stamp<R: Described>(place: &Place<R>, generation: u32, Seen { indexes, at }: Seen) {
    if let Err(error) = place.note_checked(generation, at, Some(indexes)) {
        eprintln!("that it was looked at is not kept for the next time: {error}");
    }
}

//! The facts about the host's tools for one chroot: what the config wants of them, what the chroot has, and what came of the
//! job that makes them. Judges little, and reads no programs: what is in the chroot is what its record says.

use std::path::PathBuf;

use super::{
    logs::{Log, Logs},
    place::{at_work, or_fault},
};
use crate::{
    config::Chroot,
    spec::{ChrootId, JobName, Placement, Tier},
    store::{Generation, Holder, Outcome, Place, Store, ToolsRecord},
};

/// The tools for a chroot that is to have some, or has.
#[derive(Debug)]
pub(super) struct Tools {
    /// What the config wants.
    pub(super) tiers: Vec<Tier>,
    /// What is in the generation in use.
    pub(super) placed: Option<Placement>,
    /// The tree that the next generation would get.
    pub(super) tree: Option<Generation<ToolsRecord>>,
    /// Whether the generation in use counts as having what it would get if it were made now.
    pub(super) is_current: bool,
    /// When the tree was last made or found to be as it should be, in seconds since 1970.
    well_since: Option<u64>,
    pub(super) outcome: Option<Outcome>,
    pub(super) log: Option<Log>,
    /// Who works on them.
    pub(super) holder: Option<Holder>,
    pub(super) unfinished: Vec<PathBuf>,
    /// What could not be read, and why.
    pub(super) faults: Vec<String>,
}

impl Tools {
    /// Nothing where neither the config nor the chroot says anything of tools.
    pub(super) fn look(
        store: &Store,
        logs: &Logs,
        id: &ChrootId,
        chroot: Option<&Chroot>,
        current: Option<&Generation>,
    ) -> Option<Self> {
        let tiers = chroot.map(|chroot| chroot.cross_tools.clone()).unwrap_or_default();
        let placed = current.and_then(|current| current.record.cross_tools.clone());
        if tiers.is_empty() && placed.is_none() {
            return None;
        }
        let place = store.tools(id);
        let job = JobName::CrossTools(id.clone()).to_string();
        let mut faults = Vec::new();
        let (holder, unfinished) = at_work(store, &place, &job, &mut faults);
        let tree = or_fault(place.current(), &mut faults).flatten();
        let wanted = tree.as_ref().filter(|_| !tiers.is_empty());
        let wanted = wanted.map_or("", |tree| tree.record.hash.as_str());
        let has = current.map(|current| store.place(id).tools_of(current));
        Some(Self {
            // What nobody wants has no need to be in the config's chroots.
            is_current: chroot.is_none() || has.is_some_and(|has| has == wanted),
            well_since: tree.as_ref().map(|tree| well_since(&place, tree)),
            outcome: place.outcome(),
            log: logs.of(&job),
            tiers,
            placed,
            tree,
            holder,
            unfinished,
            faults,
        })
    }

    /// The failure of the last work on them, unless they were made or found well since.
    pub(super) fn failed(&self) -> Option<&Outcome> {
        let outcome = self.outcome.as_ref().filter(|outcome| outcome.failure.is_some())?;
        (outcome.at >= self.well_since.unwrap_or(0)).then_some(outcome)
    }

    /// How many groups have this verdict, in one word.
    pub(super) fn count(&self, word: &str) -> usize {
        let groups = self.placed.iter().flat_map(|placed| &placed.groups);
        groups.filter(|group| group.word() == word).count()
    }
}

fn well_since(place: &Place<ToolsRecord>, tree: &Generation<ToolsRecord>) -> u64 {
    let made = tree.record.created + tree.record.took;
    place.stamp(tree.number).map_or(made, |stamp| stamp.at.max(made))
}

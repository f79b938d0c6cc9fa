//! The facts: what the state directory says about each chroot. Judges nothing.

use std::{collections::BTreeSet, path::PathBuf};

use super::{
    logs::{Log, Logs},
    place::{at_work, or_fault},
    tools::Tools,
};
use crate::{
    archive::ArchiveState,
    config::{Chroot, Config},
    outputs,
    spec::{ArchiveId, ChrootId, JobName, Output},
    store::{Action, Generation, Holder, Outcome, Store},
};

/// One chroot.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: ChrootId,
    /// Whether the config has it.
    pub(super) configured: bool,
    /// The number of the generation in use, even if nothing more can be found out about it.
    pub(super) number: Option<u32>,
    pub(super) current: Option<Generation>,
    /// Those that are there, the one in use among them.
    pub(super) generations: Vec<u32>,
    /// How many of them the config keeps.
    pub(super) keep: usize,
    /// When it was last found to be as it should be, in seconds since 1970.
    pub(super) checked: Option<u64>,
    /// What the config has changed since the generation was made.
    pub(super) changes: Vec<&'static str>,
    pub(super) outputs: Vec<Handed>,
    /// The host's tools for it, if there are to be some or are.
    pub(super) tools: Option<Tools>,
    pub(super) outcome: Option<Outcome>,
    pub(super) log: Option<Log>,
    /// Who works on it.
    pub(super) holder: Option<Holder>,
    pub(super) unfinished: Vec<PathBuf>,
    /// What could not be read, and why.
    pub(super) faults: Vec<String>,
}

/// Somebody to hand the chroot to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Handed {
    pub(super) output: Output,
    /// Whether what it has is the generation in use.
    pub(super) is_current: bool,
}

/// Looks at all of them.
pub(super) fn look(config: &Config, store: &Store, chosen: BTreeSet<ChrootId>) -> Vec<Row> {
    let logs = Logs::read(&store.log_dir());
    let keep = usize::try_from(config.keep_generations).unwrap_or(usize::MAX);
    chosen
        .into_iter()
        .map(|id| {
            let chroot = config.chroots.get(&id);
            Row { keep, ..look_at(config, store, &logs, chroot, id) }
        })
        .collect()
}

fn look_at(
    config: &Config,
    store: &Store,
    logs: &Logs,
    chroot: Option<&Chroot>,
    id: ChrootId,
) -> Row {
    let place = store.place(&id);
    let job = JobName::Chroot(id.clone()).to_string();
    let mut faults = Vec::new();

    let (holder, unfinished) = at_work(store, &place, &job, &mut faults);
    let current = or_fault(place.current(), &mut faults).flatten();
    let stamp = current.as_ref().and_then(|current| place.stamp(current.number));
    let checked = current
        .as_ref()
        .map(|current| stamp.map_or(0, |stamp| stamp.at).max(current.record.created));
    let changes = match (chroot, &current) {
        (Some(chroot), Some(current)) => chroot.recipe.changes_since(&place.judged_by(current)),
        _ => Vec::new(),
    };
    let (mut outcome, mut log) = (place.outcome(), logs.of(&job));
    // Its own work has a log of its own, and will have an outcome.
    if holder.is_none() && unfinished.is_empty() {
        let failed = chroot.and_then(|chroot| failed_look(config, chroot));
        let is_newer = |looked: &Outcome| outcome.as_ref().is_none_or(|own| looked.at >= own.at);
        if let Some((id, looked)) = failed.filter(|(_, looked)| is_newer(looked)) {
            (outcome, log) = (Some(looked), logs.of(&JobName::Archive(id).to_string()));
        }
    }
    let handed = chroot.map_or_else(Vec::new, |chroot| {
        let outputs = chroot.outputs.iter();
        outputs.map(|&output| handed(config, &id, chroot, output, current.as_ref())).collect()
    });
    Row {
        configured: chroot.is_some(),
        tools: Tools::look(store, logs, &id, chroot, current.as_ref()),
        number: place.current_number().ok().flatten(),
        generations: or_fault(place.whole(), &mut faults).unwrap_or_default(),
        keep: 0,
        checked,
        changes,
        outputs: handed,
        outcome,
        log,
        current,
        holder,
        unfinished,
        faults,
        id,
    }
}

/// What kept a run from even beginning with a chroot: the last failure of its archives.
fn failed_look(config: &Config, chroot: &Chroot) -> Option<(ArchiveId, Outcome)> {
    let failed = ArchiveId::all_of(&chroot.recipe).into_keys().filter_map(|id| {
        let failed = ArchiveState::new(&config.state_dir, &id).failed()?;
        let failure = Some(failed.failure);
        Some((id, Outcome { at: failed.at, took: failed.took, action: Action::Look, failure }))
    });
    failed.max_by_key(|(_, outcome)| outcome.at)
}

fn handed(
    config: &Config,
    id: &ChrootId,
    chroot: &Chroot,
    output: Output,
    current: Option<&Generation>,
) -> Handed {
    let has = |current| outputs::has(config, id, chroot, current, output);
    Handed { output, is_current: current.is_some_and(has) }
}

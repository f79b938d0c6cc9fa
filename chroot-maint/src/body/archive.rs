//! Looks what a suite has, once for all chroots that use it; and gives a chroot its share of what was found.

use std::{
    path::Path,
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{BodyError, interrupt, process, step, upkeep};
use crate::{
    archive::{
        Amount, ArchiveState, Checked, DebCache, Failed, FetchFailure, HostApt, Sources, Stage,
        set_proxy,
    },
    config::{Chroot, Config},
    sandbox::Sandbox,
    spec::{Arch, ArchiveId, ChrootId, FailureClass, Indexes, JobName, OutcomeFailure, Recipe},
    store::{Lock, Store},
    tools,
};

/// Where a job of its own has not just looked, a chroot is made of lists that are as old as this at most.
const FRESH_ENOUGH: Duration = Duration::from_secs(15 * 60);

/// The body of the job: lets apt fetch what has changed, and says what that is.
pub(super) fn update(config: &Config, id: &ArchiveId) -> Result<(), BodyError> {
    let recipe = config
        .chroots
        .values()
        .find_map(|chroot| ArchiveId::all_of(&chroot.recipe).remove(id))
        .ok_or_else(|| BodyError::NoSuchArchive { id: id.clone() })?;
    let state = ArchiveState::new(&config.state_dir, id);
    let (asked, before) = (seconds_since_1970(), state.checked());
    let _lock = upkeep::lock(config, &JobName::Archive(id.clone()))?;
    interrupt::begin().map_err(BodyError::Settle)?;
    interrupt::limit(config.time_limit).map_err(BodyError::Settle)?;
    // What others have found while this one waited is as good as what it would find; what was there before is not.
    let since = before.as_ref().map_or(asked, |before| asked.max(before.at + 1));
    let done = update_since(config, id, &recipe, before.as_ref(), since);
    // What was ended from outside fails in some way or other; that is not the reason.
    let done = done.map_err(|error| interrupt::cause().map_or(error, BodyError::from));
    keep_outcome(&state, asked, done.as_ref().err());
    interrupt::end().map_err(BodyError::Settle)?;
    done
}

/// For `status`: of the chroots that use the archive, nobody else gets to say why they are as they were.
fn keep_outcome(state: &ArchiveState, began: u64, error: Option<&BodyError>) {
    let kept = match error.map(BodyError::failure) {
        Some(failure) => {
            let at = seconds_since_1970();
            let took = at.saturating_sub(began);
            state.put_failed(&Failed { at, took, failure: OutcomeFailure::from(failure) })
        }
        None => state.forget_failed(),
    };
    // On a full disk it can't be kept, which must not hide what came of the look.
    if let Err(error) = kept {
        eprintln!("what came of this is not kept: {error}");
    }
}

fn update_since(
    config: &Config,
    id: &ArchiveId,
    recipe: &Recipe,
    before: Option<&Checked>,
    since: u64,
) -> Result<(), BodyError> {
    let sandbox = Sandbox::open()?;
    let way = Way::plan(config, recipe)?;
    let Some(sources) = &way.sources else {
        println!("no mirror is known on this host: mmdebstrap will choose one by itself");
        return Ok(());
    };
    let now = bring_up_to_date(config, id, recipe, &way, sources, sandbox, since)?;
    match before.map(|before| now.indexes.changed_since(&before.indexes).is_empty()) {
        None => println!("the lists are here"),
        Some(true) => println!("nothing has changed"),
        Some(false) => println!("there are other packages than before"),
    }
    Ok(())
}

/// What a chroot's suites have, which stays so as long as this is there.
pub(super) struct Archive<'a> {
    config: &'a Config,
    arch: Arch,
    suites: Vec<(ArchiveState, Checked)>,
    _locks: Vec<Lock>,
}

/// What an archive had, and when.
pub(super) struct Seen {
    pub(super) indexes: Indexes,
    /// In seconds since 1970.
    pub(super) at: u64,
}

/// Looks what the suites of a chroot have, unless somebody just did; nothing if no mirror is known.
pub(super) fn look<'a>(
    config: &'a Config,
    chroot: &Chroot,
    arch: Arch,
    way: &Way,
    sandbox: Sandbox,
) -> Result<Option<Archive<'a>>, BodyError> {
    let since = seconds_since_1970().saturating_sub(FRESH_ENOUGH.as_secs()).max(way.since);
    let (mut locks, mut suites) = (Vec::new(), Vec::new());
    // In the order of the names, as locks are taken everywhere.
    for (id, recipe) in ArchiveId::all_of(&chroot.recipe) {
        let Some(sources) = way.sources_of(&recipe)? else {
            return Ok(None);
        };
        // Jobs of the same run take turns here: that is not worth a failure, whatever the command line says.
        locks.push(upkeep::wait_for_lock(config, &JobName::Archive(id.clone()))?);
        let checked = bring_up_to_date(config, &id, &recipe, way, &sources, sandbox, since)?;
        suites.push((ArchiveState::new(&config.state_dir, &id), checked));
    }
    Ok(Some(Archive { config, arch, suites, _locks: locks }))
}

impl Archive<'_> {
    /// As far as the chroot sees it.
    pub(super) fn seen(&self) -> Seen {
        let mut seen = Seen { indexes: Indexes::default(), at: u64::MAX };
        for (_, checked) in &self.suites {
            seen.indexes.suites.extend(checked.indexes.of_arch(self.arch).suites);
            seen.at = seen.at.min(checked.at);
        }
        seen
    }

    /// The chroot's share, in a new directory; the archive itself may change from here on.
    pub(super) fn stage(self, dir: &Path) -> Result<Stage, BodyError> {
        let cache = DebCache::new(&self.config.state_dir);
        Ok(Stage::prepare(&self.suites, &cache, self.arch, dir)?)
    }
}

/// Adds to the cache what a stage has fetched. A cache that can't be written to is no reason to throw a chroot away.
pub(super) fn keep_packages(config: &Config, stage: &Stage, fetched: &Path) -> Amount {
    let cache = DebCache::new(&config.state_dir);
    stage.collect(&cache, fetched).unwrap_or_else(|error| {
        eprintln!("packages are not kept for the next time: {error}");
        Amount::default()
    })
}

/// What apt is told, and how it gets there.
pub(super) struct Way {
    /// Lists that are older than this, in seconds since 1970, are not good enough.
    since: u64,
    /// Nothing if neither config nor host know a mirror.
    pub(super) sources: Option<String>,
    host: HostApt,
}

impl Way {
    pub(super) fn plan(config: &Config, recipe: &Recipe) -> Result<Self, BodyError> {
        let host = HostApt::ask_for(recipe, &config.state_dir)?;
        let mut way = Self { since: 0, sources: None, host };
        way.sources = way.sources_of(recipe)?;
        Ok(way)
    }

    /// For a chroot. If it was a mirror that failed the last time, then the lists from before that may name what the mirror
    /// no longer has, and are not used again.
    pub(super) fn of_chroot(
        config: &Config,
        id: &ChrootId,
        chroot: &Chroot,
    ) -> Result<Self, BodyError> {
        let outcome = Store::new(config.state_dir.clone()).place(id).outcome();
        let failed_at = outcome.and_then(|outcome| match outcome.failure {
            Some(failure) if failure.class == FailureClass::Mirror => Some(outcome.at),
            _ => None,
        });
        Ok(Self { since: failed_at.map_or(0, |at| at + 1), ..Self::plan(config, &chroot.recipe)? })
    }

    /// What apt is told for a part of the recipe.
    fn sources_of(&self, recipe: &Recipe) -> Result<Option<String>, BodyError> {
        Ok(match Sources::plan(recipe, &self.host)? {
            Sources::Written(sources) => Some(sources),
            Sources::Mmdebstraps => None,
        })
    }

    /// Tells a command the proxy.
    pub(super) fn set_proxy(&self, command: &mut Command, config: &Config) {
        set_proxy(command, config.proxy.as_deref(), self.host.proxy.as_deref());
    }

    /// apt's settings for how long a mirror may be silent, in seconds, if the config says it.
    pub(super) fn timeouts(config: &Config) -> impl Iterator<Item = (&'static str, u64)> {
        let names = ["Acquire::http::Timeout", "Acquire::https::Timeout"];
        let seconds = config.mirror_timeout.map(|time| time.as_secs());
        seconds.into_iter().flat_map(move |time| names.map(|name| (name, time)))
    }
}

/// Sees to it that somebody has looked at `since` or later. The archive's lock must be held: it keeps what was found as it is.
fn bring_up_to_date(
    config: &Config,
    id: &ArchiveId,
    recipe: &Recipe,
    way: &Way,
    sources: &str,
    sandbox: Sandbox,
    since: u64,
) -> Result<Checked, BodyError> {
    let state = ArchiveState::new(&config.state_dir, id);
    let archs = archs(config, id);
    // Another run may have looked while this one waited.
    let names: Vec<String> = archs.iter().map(ToString::to_string).collect();
    let known = state.checked().filter(|checked| {
        checked.at >= since && checked.sources == sources && checked.archs == names
    });
    if let Some(checked) = known {
        return Ok(checked);
    }
    tools::require(&["apt-get", "sha256sum"])?;
    let update = state.begin(sources, &archs, seconds_since_1970())?;
    let mut apt_get = sandbox.outside("apt-get");
    update.configure(&mut apt_get, !nix::unistd::geteuid().is_root());
    way.set_proxy(&mut apt_get, config);
    for (name, seconds) in Way::timeouts(config) {
        apt_get.arg("-o").arg(format!("{name}={seconds}"));
    }
    let failure = match process::relay_whole(step::UPDATE, apt_get) {
        Ok(said) => FetchFailure::read_warnings(&said),
        Err(process::Failure::Ended(said)) => Some(FetchFailure::read(&said)),
        Err(process::Failure::Start(error)) => return Err(error),
    };
    if let Some(failure) = failure {
        return Err(BodyError::Fetch(failure));
    }
    let checked = update.finish(recipe)?;
    state.forget_failed()?;
    Ok(checked)
}

/// All architectures that the config wants of a suite, sorted.
fn archs(config: &Config, id: &ArchiveId) -> Vec<Arch> {
    let uses = |chroot: &Chroot| ArchiveId::all_of(&chroot.recipe).contains_key(id);
    let uses = config.chroots.iter().filter(|(_, chroot)| uses(chroot));
    let mut archs: Vec<Arch> = uses.map(|(id, _)| id.arch).collect();
    archs.sort();
    archs.dedup();
    archs
}

pub(super) fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

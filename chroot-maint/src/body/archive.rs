//! Looks what an archive has, once for all chroots that use it; and gives a chroot its share of what was found.

use std::{
    path::Path,
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{BodyError, process, upkeep};
use crate::{
    archive::{
        Amount, ArchiveState, Checked, DebCache, FetchFailure, HostApt, Sources, Stage, set_proxy,
    },
    config::{Chroot, Config},
    sandbox::Sandbox,
    spec::{Arch, ArchiveId, Indexes, JobName, Recipe},
    store::Lock,
    tools,
};

/// Where a job of its own has not just looked, a chroot is made of lists that are as old as this at most.
const FRESH_ENOUGH: Duration = Duration::from_secs(15 * 60);

/// The body of the job: lets apt fetch what has changed, and says what that is.
pub(super) fn update(config: &Config, id: &ArchiveId) -> Result<(), BodyError> {
    let recipe = config
        .chroots
        .values()
        .map(|chroot| &chroot.recipe)
        .find(|recipe| ArchiveId::of(recipe) == *id)
        .ok_or_else(|| BodyError::NoSuchArchive { id: id.clone() })?;
    let sandbox = Sandbox::open()?;
    let way = Way::plan(recipe)?;
    let Some(sources) = &way.sources else {
        println!("no mirror is known on this host: mmdebstrap will choose one by itself");
        return Ok(());
    };
    let before = ArchiveState::new(&config.state_dir, id).checked();
    let _lock = upkeep::lock(config, &JobName::Archive(id.clone()))?;
    let now = bring_up_to_date(config, recipe, &way, sources, sandbox, seconds_since_1970())?;
    match before {
        None => println!("the lists of {} are here", now.indexes.suite_names().join(", ")),
        Some(before) => match &*now.indexes.changed_since(&before.indexes) {
            [] => println!("nothing has changed"),
            changed => println!("changed: {}", changed.join(", ")),
        },
    }
    Ok(())
}

/// What a chroot's archive has, which stays so as long as this is there.
pub(super) struct Archive<'a> {
    config: &'a Config,
    chroot: &'a Chroot,
    arch: Arch,
    checked: Checked,
    _lock: Lock,
}

/// What an archive had, and when.
pub(super) struct Seen {
    pub(super) indexes: Indexes,
    /// In seconds since 1970.
    pub(super) at: u64,
}

/// Looks what the archive of a chroot has, unless somebody just did; nothing if no mirror is known.
pub(super) fn look<'a>(
    config: &'a Config,
    chroot: &'a Chroot,
    arch: Arch,
    way: &Way,
    sandbox: Sandbox,
) -> Result<Option<Archive<'a>>, BodyError> {
    let Some(sources) = &way.sources else {
        return Ok(None);
    };
    let newer_than = seconds_since_1970().saturating_sub(FRESH_ENOUGH.as_secs());
    // Jobs of the same run take turns here: that is not worth a failure, whatever the command line says.
    let lock = upkeep::wait_for_lock(config, &JobName::Archive(ArchiveId::of(&chroot.recipe)))?;
    let checked = bring_up_to_date(config, &chroot.recipe, way, sources, sandbox, newer_than)?;
    Ok(Some(Archive { config, chroot, arch, checked, _lock: lock }))
}

impl Archive<'_> {
    /// As far as the chroot sees it.
    pub(super) fn seen(&self) -> Seen {
        Seen { indexes: self.checked.indexes.of_arch(self.arch), at: self.checked.at }
    }

    /// The chroot's share, in a new directory; the archive itself may change from here on.
    pub(super) fn stage(self, dir: &Path) -> Result<Stage, BodyError> {
        let state_dir = &self.config.state_dir;
        let state = ArchiveState::new(state_dir, &ArchiveId::of(&self.chroot.recipe));
        Ok(Stage::prepare(&state, &self.checked, &DebCache::new(state_dir), self.arch, dir)?)
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
    /// Nothing if neither config nor host know a mirror.
    pub(super) sources: Option<String>,
    host: HostApt,
}

impl Way {
    pub(super) fn plan(recipe: &Recipe) -> Result<Self, BodyError> {
        let host = HostApt::ask_for(recipe)?;
        let sources = match Sources::plan(recipe, &host)? {
            Sources::Written(sources) => Some(sources),
            Sources::Mmdebstraps => None,
        };
        Ok(Self { sources, host })
    }

    /// Tells a command the proxy.
    pub(super) fn set_proxy(&self, command: &mut Command, config: &Config) {
        set_proxy(command, config.proxy.as_deref(), self.host.proxy.as_deref());
    }
}

/// Sees to it that somebody has looked after `newer_than`. The archive's lock must be held: it keeps what was found as it is.
fn bring_up_to_date(
    config: &Config,
    recipe: &Recipe,
    way: &Way,
    sources: &str,
    sandbox: Sandbox,
    newer_than: u64,
) -> Result<Checked, BodyError> {
    let id = ArchiveId::of(recipe);
    let state = ArchiveState::new(&config.state_dir, &id);
    let archs = archs(config, &id);
    // Another run may have looked while this one waited.
    let names: Vec<String> = archs.iter().map(ToString::to_string).collect();
    let known = state.checked().filter(|checked| {
        checked.at > newer_than && checked.sources == sources && checked.archs == names
    });
    if let Some(checked) = known {
        return Ok(checked);
    }
    tools::require(&["apt-get", "sha256sum"])?;
    let update = state.begin(sources, &archs, seconds_since_1970())?;
    let mut apt_get = sandbox.outside("apt-get");
    update.configure(&mut apt_get, !nix::unistd::geteuid().is_root());
    way.set_proxy(&mut apt_get, config);
    let failure = match process::relay_whole("apt-get update", apt_get) {
        Ok(said) => FetchFailure::read_warnings(&said),
        Err(process::Failure::Ended(said)) => Some(FetchFailure::read(&said)),
        Err(process::Failure::Start(error)) => return Err(error),
    };
    if let Some(failure) = failure {
        return Err(BodyError::Fetch(failure));
    }
    Ok(update.finish(recipe)?)
}

/// All architectures that the config wants of an archive, sorted.
fn archs(config: &Config, id: &ArchiveId) -> Vec<Arch> {
    let uses = config.chroots.iter().filter(|(_, chroot)| ArchiveId::of(&chroot.recipe) == *id);
    let mut archs: Vec<Arch> = uses.map(|(id, _)| id.arch).collect();
    archs.sort();
    archs.dedup();
    archs
}

pub(super) fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

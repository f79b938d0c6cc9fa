//! The story of the tools for a foreign chroot: whether they would come out the same, and if not, a new tree of them, taken from a
//! throw-away copy of the native chroot.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use super::{
    BodyError,
    archive::{self, Archive, Way},
    chroot::not_configured,
    donor::{self, Available},
    interrupt,
    outcome::Attempt,
    task::{Task, stamp},
    upkeep,
};
use crate::{
    archive::Stage,
    config::Config,
    cross::{self, Manifest, Names, PRIVATE, ToolList},
    sandbox::Sandbox,
    spec::{ChrootId, Fresh, JobName},
    store::{
        Action, Described, Generation, Place, Record, Store, ToolsRecipe, ToolsRecord, Unmet, Work,
    },
};

/// Makes the tools for the chroot of this name if there are none, or if they would not come out the same.
pub(super) fn keep(config: &Config, id: &ChrootId) -> Result<(), BodyError> {
    let chroot = config.chroots.get(id).ok_or_else(|| not_configured(config, id))?;
    if chroot.cross_tools.is_empty() {
        return Err(BodyError::NoToolsWanted { id: id.clone() });
    }
    let _lock = upkeep::lock(config, &JobName::CrossTools(id.clone()))?;
    let place = Store::new(config.state_dir.clone()).tools(id);
    place.make_dirs()?;
    interrupt::begin().map_err(BodyError::Settle)?;
    interrupt::limit(config.time_limit).map_err(BodyError::Settle)?;
    let mut attempt = Attempt::begin(&place);
    let done = bring_up_to_date(config, id, &place, &mut attempt);
    let done = attempt.end(done);
    if let (None, Ok(sandbox)) = (interrupt::cause(), Sandbox::open()) {
        upkeep::collect(config, sandbox, &place);
    }
    interrupt::end().map_err(BodyError::Settle)?;
    done
}

/// What a tree is made from.
struct Making<'a> {
    /// The chroot that it is for, with what it is to have.
    id: &'a ChrootId,
    recipe: ToolsRecipe,
    list: ToolList,
    names: Names,
    native: Generation<Record>,
}

fn bring_up_to_date(
    config: &Config,
    id: &ChrootId,
    place: &Place<ToolsRecord>,
    attempt: &mut Attempt<'_, ToolsRecord>,
) -> Result<(), BodyError> {
    let sandbox = Sandbox::open()?;
    upkeep::clear_leftovers(sandbox, place)?;
    let donor = config.donor_of(id);
    let store = Store::new(config.state_dir.clone());
    let native = store.place(&donor).current()?;
    let native = native.ok_or_else(|| BodyError::NoDonor { donor: donor.clone() })?;
    let (chroot, donor_chroot) = (
        config.chroots.get(id).ok_or_else(|| not_configured(config, id))?,
        config.chroots.get(&donor).ok_or_else(|| not_configured(config, &donor))?,
    );
    let list = tool_list(config)?;
    let recipe = ToolsRecipe { list: cross::fingerprint(&list), tiers: chroot.cross_tools.clone() };
    let names = Names {
        triplet: id.arch.gnu_name().to_owned(),
        gcc: donor::compiler_of(&native),
        donor: donor.arch.gnu_name().to_owned(),
    };
    let making = Making { id, recipe, list, names, native };
    let old = place.current()?;
    attempt.sets_out_to(if old.is_some() { Action::Upgrade } else { Action::Create });
    upkeep::in_work_dir(sandbox, place, |work| {
        let begun = (SystemTime::now(), Instant::now());
        let task = Task { config, id: &donor, chroot: donor_chroot, sandbox, work, begun };
        let is_forced = chroot.fresh == Fresh::Force;
        making.meet(&task, place, old.as_ref(), is_forced)
    })
}

/// The list of tools as the config wants it.
pub(crate) fn tool_list(config: &Config) -> Result<ToolList, BodyError> {
    let Some(path) = &config.tool_list else {
        return Ok(ToolList::read(None)?);
    };
    let text = fs::read_to_string(path)
        .map_err(|source| BodyError::ToolList { path: path.clone(), source })?;
    Ok(ToolList::read(Some((&path.display().to_string(), &text)))?)
}

impl Making<'_> {
    fn meet(
        &self,
        task: &Task<'_>,
        place: &Place<ToolsRecord>,
        old: Option<&Generation<ToolsRecord>>,
        is_forced: bool,
    ) -> Result<(), BodyError> {
        let way = Way::of_chroot(task.config, task.id, task.chroot)?;
        let archive = archive::look(task.config, task.chroot, task.id.arch, &way, task.sandbox)?;
        let archive = archive.ok_or(BodyError::NoMirror)?;
        let seen = Archive::seen(&archive);
        let stage = archive.stage(&task.work.tmp().join("archive"))?;
        let available = {
            let wanted = self.wanted_packages();
            let old = old.iter().flat_map(|old| old.record.packages.keys());
            Available::look(task, &stage, &self.native, wanted.iter().chain(old))?
        };
        if let Some(old) = old.filter(|old| old.record.recipe == self.recipe && !is_forced) {
            let now = self.versions(&available, old.record.packages.keys());
            let mut changes = changes(&old.record.packages, &now);
            if let (true, Some(unmet)) = (changes.is_empty(), &old.record.unmet) {
                let group = donor::fits_now(task, &stage, &self.native, unmet)?;
                changes.extend(group.map(|group| format!("what {group} takes can be installed")));
            }
            if changes.is_empty() {
                println!("generation {} is up to date: nothing in it has changed", old.number);
                stamp(place, old.number, seen);
                return Ok(());
            }
            println!("{}", changes.join(", "));
        }
        println!("making generation {} from {}", task.work.number(), task.id);
        let (manifest, unmet) = self.make(task, &way, &stage, &available)?;
        let (created, begun) = task.begun;
        let packages = self.versions(&available, manifest.packages.keys());
        let record = ToolsRecord {
            version: ToolsRecord::VERSION,
            chroot: self.id.clone(),
            parent: old.map(|old| old.number),
            created: created.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            took: begun.elapsed().as_secs(),
            size: task.size()?,
            indexes: Some(seen.indexes.clone()),
            hash: manifest.hash.clone(),
            recipe: self.recipe.clone(),
            packages,
            unmet,
        };
        let new = place.commit(task.work, &record)?;
        stamp(place, new.number, seen);
        println!("generation {} is in use: {}", new.number, new.tree.display());
        Ok(())
    }

    /// What the tree depends on in these packages, and in all that it is to be made of.
    fn versions<'k>(
        &self,
        available: &Available,
        more: impl Iterator<Item = &'k String>,
    ) -> BTreeMap<String, Option<String>> {
        let compiled = self.list.compiled(&self.recipe.tiers);
        versions(available, &self.wanted_packages(), compiled, more)
    }

    /// What the donor is to have of the archive.
    fn wanted_packages(&self) -> Vec<String> {
        self.list.packages(&self.recipe.tiers, &self.names).into_iter().collect()
    }

    /// Makes the tree in the place where the work's own is to be.
    fn make(
        &self,
        task: &Task<'_>,
        way: &Way,
        stage: &Stage,
        available: &Available,
    ) -> Result<(Manifest, Option<Unmet>), BodyError> {
        let donor::Made { failed, unmet } = donor::make(
            task,
            way,
            stage,
            &self.native,
            &donor::Wanted {
                list: &self.list,
                tiers: &self.recipe.tiers,
                names: &self.names,
                packages: available.known(&self.wanted_packages()),
            },
        )?;
        let root = task.work.tree();
        let donor = cross::Donor { root: &root, command: &|word| task.sandbox.inside(&root, word) };
        let Self { list, recipe, names, id, .. } = self;
        let manifest = cross::build(list, &recipe.tiers, id.arch, names, &donor, &failed)?;
        for left_out in &manifest.left_out {
            println!("left out: {}: {}", left_out.name, left_out.reason);
        }
        let programs: usize = manifest.groups.iter().map(|group| group.programs.len()).sum();
        println!("{programs} programs in {} groups", manifest.groups.len());
        keep_only_tools(task.work)
            .map_err(|source| BodyError::Write { what: "the tree", source })?;
        Ok((manifest, unmet))
    }
}

/// The tree was made in the donor, which is not wanted any more.
fn keep_only_tools(work: &Work) -> std::io::Result<()> {
    let donor = work.dir().join("donor");
    fs::rename(work.tree(), &donor)?;
    fs::rename(cross::place_in(&donor, PRIVATE.as_ref())?, work.tree())
}

/// The version of each package as a donor has it. What is compiled is the source of what the native chroot itself has, whatever
/// else a donor gets: without it, there is nothing to be compiled.
fn versions<'k>(
    available: &Available,
    wanted: &[String],
    compiled: BTreeSet<String>,
    more: impl Iterator<Item = &'k String>,
) -> BTreeMap<String, Option<String>> {
    let mut versions = available.versions(more);
    versions.extend(available.versions(wanted));
    versions.extend(available.installed(compiled));
    versions
}

/// What is not as it was, in words. A package that nothing was noted of then counts as one that was not there.
fn changes(
    then: &BTreeMap<String, Option<String>>,
    now: &BTreeMap<String, Option<String>>,
) -> Vec<String> {
    let version = |of: &BTreeMap<String, Option<String>>, name| of.get(name).cloned().flatten();
    let show = |version: Option<String>| version.unwrap_or_else(|| "nothing".to_owned());
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    names
        .into_iter()
        .map(|name| (name, version(then, name), version(now, name)))
        .filter(|(_, then, now)| then != now)
        .map(|(name, then, now)| format!("{name} {} -> {}", show(then), show(now)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Available, BTreeSet, changes, versions};

    fn map(versions: &[(&str, Option<&str>)]) -> BTreeMap<String, Option<String>> {
        versions.iter().map(|(n, v)| ((*n).to_owned(), v.map(str::to_owned))).collect()
    }

    #[test]
    fn what_came_went_or_was_replaced_is_told() {
        let then =
            map(&[("gcc", Some("1")), ("gawk", None), ("sed", Some("2")), ("m4", Some("3"))]);
        let now = map(&[("gcc", Some("2")), ("gawk", Some("1")), ("sed", Some("2")), ("m4", None)]);
        assert_eq!(changes(&then, &now), ["gawk nothing -> 1", "gcc 1 -> 2", "m4 3 -> nothing"]);
        assert!(changes(&then, &then).is_empty());
    }

    /// Of tools of sed, compiled from the sources of bash and make.
    fn versions_with(available: &Available) -> BTreeMap<String, Option<String>> {
        let compiled: BTreeSet<String> = ["bash", "make"].map(str::to_owned).into();
        versions(available, &["sed".to_owned()], compiled, [].into_iter())
    }

    #[test]
    fn a_newer_bash_alone_makes_new_tools() {
        let of = |bash| versions_with(&Available::fake(&[("bash", bash), ("sed", "1")], &[]));
        assert_eq!(changes(&of("5.2-1"), &of("5.2-1+deb1")), ["bash 5.2-1 -> 5.2-1+deb1"]);
        assert!(changes(&of("5.2-1"), &of("5.2-1")).is_empty());
        // As older versions of this program wrote it.
        assert_eq!(changes(&map(&[("sed", Some("1"))]), &of("5.2-1")), ["bash nothing -> 5.2-1"]);
    }

    #[test]
    fn what_is_compiled_is_looked_for_in_the_native_chroot_alone() {
        let native = [("bash", "1"), ("sed", "1")];
        let of = |make: &[(&str, &str)], candidates: &[(&str, &str)]| {
            versions_with(&Available::fake(&[&native[..], make].concat(), candidates))
        };
        // It may come into the donor with what compiling takes.
        let without = of(&[], &[("make", "4.3")]);
        assert!(changes(&without, &of(&[], &[("make", "4.4")])).is_empty());
        assert_eq!(changes(&without, &of(&[("make", "4.3")], &[])), ["make nothing -> 4.3"]);
    }
}

//! The tree that tools are taken from: a copy of the native chroot, with what else they take installed or compiled in it.
//! Knows packages and how to install them; does not know what is taken from the tree.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use super::{
    BodyError,
    archive::Way,
    clone, download,
    from_source::{self, Sources},
    install,
    installable::{self, LeftOut, Need, Plan},
    process,
    simulate::{self, NO_LOCKS},
    step,
    task::Task,
};
use crate::{
    archive::Stage,
    cross::{Group, Names, ToolList},
    spec::Tier,
    store::{Generation, Package, Unmet},
};

/// What it takes to make programs whole, and to compile those that come with them.
const MAKERS: [&str; 2] = ["patchelf", "musl-tools"];

/// What is wanted in a donor.
pub(super) struct Wanted<'a> {
    pub(super) list: &'a ToolList,
    pub(super) tiers: &'a [Tier],
    pub(super) names: &'a Names,
    /// Packages that can be had.
    pub(super) packages: BTreeSet<String>,
}

/// What came of making one.
pub(super) struct Made {
    /// What of it could not be made, by group, with the reason.
    pub(super) failed: BTreeMap<String, String>,
    /// What of that could not be installed.
    pub(super) unmet: Option<Unmet>,
}

/// Makes the donor in the work directory. Groups that take what can't be installed are left out.
pub(super) fn make(
    task: &Task<'_>,
    way: &Way,
    stage: &Stage,
    native: &Generation,
    wanted: &Wanted<'_>,
) -> Result<Made, BodyError> {
    let built = wanted.list.of_tiers(wanted.tiers).filter(|group| group.is_built());
    let mut sources =
        from_source::fetch(task, way, native, built.map(|group| group.name.as_str()))?;
    let Plan { takes, left_out } =
        installable::plan(wanted.always(), &wanted.needs(&sources), |takes| {
            fit(task, stage, native, takes)
        })?;
    for group in left_out.keys() {
        sources.leave_out(group);
    }
    let install = satisfy(&takes);
    let growth = download::download(task, way, stage, &native.tree, &install)?;
    clone::clone(task, native, growth)?;
    install::install(task, stage, &install)?;
    let mut failed = sources.compile(task, &wanted.names.triplet)?;
    let mut groups = BTreeMap::new();
    for (group, LeftOut { takes, reason }) in left_out {
        failed.insert(group.clone(), reason);
        groups.insert(group, takes);
    }
    let unmet = Some(Unmet { with: takes, groups }).filter(|unmet| !unmet.groups.is_empty());
    Ok(Made { failed, unmet })
}

/// A group that could not be installed and can be by now, with all that was.
pub(super) fn fits_now<'u>(
    task: &Task<'_>,
    stage: &Stage,
    native: &Generation,
    unmet: &'u Unmet,
) -> Result<Option<&'u str>, BodyError> {
    for (group, takes) in &unmet.groups {
        match fit(task, stage, native, &unmet.with.union(takes).cloned().collect()) {
            Ok(()) => return Ok(Some(group)),
            Err(error) if installable::unmet(&error).is_some() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Whether all of this can be installed in the native chroot.
fn fit(
    task: &Task<'_>,
    stage: &Stage,
    native: &Generation,
    takes: &BTreeSet<String>,
) -> Result<(), BodyError> {
    simulate::simulate(task, stage, &native.tree, &satisfy(takes)).map(drop)
}

fn satisfy(takes: &BTreeSet<String>) -> Vec<&str> {
    ["--yes", "satisfy"].into_iter().chain(takes.iter().map(String::as_str)).collect()
}

impl Wanted<'_> {
    /// What there is no tree without.
    fn always(&self) -> BTreeSet<String> {
        let preloads = self.list.preload_packages(self.names);
        MAKERS.map(str::to_owned).into_iter().chain(self.that_can_be_had(preloads)).collect()
    }

    /// What each group takes besides, compilers first: they are worth most.
    fn needs(&self, sources: &Sources) -> Vec<Need> {
        let mut groups: Vec<_> = self.list.of_tiers(self.tiers).collect();
        groups.sort_by_key(|group| group.tier);
        let need = |group: &Group| {
            let packages = self.that_can_be_had(group.packages(self.names));
            let build_depends = sources.build_depends(&group.name).iter().cloned();
            Need { group: group.name.clone(), takes: packages.chain(build_depends).collect() }
        };
        groups.into_iter().map(need).collect()
    }

    fn that_can_be_had(&self, packages: BTreeSet<String>) -> impl Iterator<Item = String> {
        packages.into_iter().filter(|package| self.packages.contains(package))
    }
}

/// The version in the name of a chroot's compiler; empty if it has none.
pub(super) fn compiler_of(native: &Generation) -> String {
    // gcc is a link to it: /usr/bin/gcc -> gcc-14
    let link = fs::read_link(native.tree.join("usr/bin/gcc")).unwrap_or_default();
    let name = link.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.rsplit('-').next().filter(|version| is_number(version)).unwrap_or_default().to_owned()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// The packages that a donor would have, and their versions.
pub(super) struct Available {
    native: BTreeMap<String, String>,
    candidates: BTreeMap<String, String>,
}

impl Available {
    #[cfg(test)]
    pub(super) fn fake(native: &[(&str, &str)], candidates: &[(&str, &str)]) -> Self {
        let [native, candidates] = [native, candidates]
            .map(|of| of.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect());
        Self { native, candidates }
    }

    /// Those of the native chroot, and of these names what its archive has.
    pub(super) fn look<'k>(
        task: &Task<'_>,
        stage: &Stage,
        native: &Generation,
        names: impl IntoIterator<Item = &'k String>,
    ) -> Result<Self, BodyError> {
        let plain = |Package { name, version }: &Package| {
            let name = name.split(':').next().unwrap_or_default();
            (name.to_owned(), version.clone())
        };
        let packages: BTreeMap<String, String> = native.record.packages.iter().map(plain).collect();
        let mut apt_cache = task.sandbox.outside("apt-cache");
        stage.configure(&native.tree, &mut apt_cache, true);
        apt_cache.args(NO_LOCKS).arg("policy");
        apt_cache.args(names.into_iter().filter(|name| !packages.contains_key(*name)));
        apt_cache.env("TMPDIR", task.work.tmp());
        let said = process::output(step::AVAILABLE, apt_cache)?;
        let candidates = candidates(&String::from_utf8_lossy(&said));
        Ok(Self { native: packages, candidates })
    }

    /// The version of each, as it would be in a donor.
    pub(super) fn versions<'k>(
        &self,
        names: impl IntoIterator<Item = &'k String>,
    ) -> BTreeMap<String, Option<String>> {
        let version = |name: &String| self.native.get(name).or_else(|| self.candidates.get(name));
        names.into_iter().map(|name| (name.clone(), version(name).cloned())).collect()
    }

    /// The version of each in the native chroot itself.
    pub(super) fn installed(
        &self,
        names: impl IntoIterator<Item = String>,
    ) -> BTreeMap<String, Option<String>> {
        let with_version = |name: String| {
            let version = self.native.get(&name).cloned();
            (name, version)
        };
        names.into_iter().map(with_version).collect()
    }

    /// Those of the names that are packages.
    pub(super) fn known(&self, names: &[String]) -> BTreeSet<String> {
        let is_known =
            |name: &&String| self.native.contains_key(*name) || self.candidates.contains_key(*name);
        names.iter().filter(is_known).cloned().collect()
    }
}

/// The version of each package that `apt-cache policy` would install.
fn candidates(said: &str) -> BTreeMap<String, String> {
    let mut candidates = BTreeMap::new();
    let mut name = "";
    for line in said.lines() {
        if let Some(found) = line.strip_suffix(':').filter(|_| !line.starts_with(' ')) {
            name = found;
        } else if let Some(version) = line.trim_start().strip_prefix("Candidate: ") {
            if version != "(none)" {
                candidates.insert(name.to_owned(), version.to_owned());
            }
        }
    }
    candidates
}

#[cfg(test)]
mod tests {
    use super::{candidates, is_number};

    #[test]
    fn only_what_can_be_installed_is_a_candidate() {
        let said = "gawk:\n  Installed: (none)\n  Candidate: 1:5.2.1-2+b1\n  Version table:\n     1:5.2.1-2+b1 500\n\
                    awk:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n";
        let found: Vec<_> = candidates(said).into_iter().collect();
        assert_eq!(found, [("gawk".to_owned(), "1:5.2.1-2+b1".to_owned())]);
    }

    #[test]
    fn a_compilers_version_is_a_number() {
        assert!(is_number("14") && is_number("4.9"));
        assert!(!is_number("gcc") && !is_number(""));
    }
}

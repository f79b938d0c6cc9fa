//! What one job needs of an archive, in a directory of the job's own, made of hard links: the verified lists for one
//! architecture, the sources, and the .debs that are here already. Whatever happens to the shared state or the
//! cache meanwhile, the job goes on with what it has; and with it goes what it has fetched. Does not run apt.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    ArchiveError, ArchiveState,
    debs::{Amount, DebCache},
    state::{Checked, NO_HOST_CONFIGURATION, OPTIONS, is_open_to_all, option},
};
use crate::spec::{Arch, Indexes};

/// Where apt and dpkg have packages, in a tree that they are installed in.
pub(crate) const ARCHIVES: &str = "/var/cache/apt/archives";

/// How dpkg is called in a tree, which knows nothing of the file that keeps apt from the host's configuration, nor of a
/// directory for temporary files.
const DPKG_IN_TREE: [&str; 10] = [
    "Dir::Bin::dpkg=env",
    "DPkg::Options::=--unset=APT_CONFIG",
    "DPkg::Options::=--unset=TMPDIR",
    "DPkg::Options::=dpkg",
    "DPkg::Options::=--force-confnew",
    "DPkg::Options::=--force-unsafe-io",
    // What is done is in the job's own log, and in a tree it would differ from run to run.
    "Dir::Log::Terminal=/dev/null",
    "Dir::Log::History=/dev/null",
    "Dir::Log::Planner=/dev/null",
    "APT::Get::Download=false",
];

/// A job's share of an archive.
#[derive(Debug)]
pub(crate) struct Stage {
    dir: PathBuf,
    arch: Arch,
    /// What was in the cache.
    pub(crate) offered: Amount,
}

impl Stage {
    /// Makes the directory, which must not be there yet, of what is known of several suites, whose locks must be held. An
    /// architecture that none of them carries is an error.
    pub(crate) fn prepare(
        suites: &[(ArchiveState, Checked)],
        cache: &DebCache,
        arch: Arch,
        dir: &Path,
    ) -> Result<Self, ArchiveError> {
        let mut indexes = Indexes::default();
        for (_, checked) in suites {
            indexes.suites.extend(checked.indexes.of_arch(arch).suites);
        }
        // apt passes over such a suite with a notice. Another one of the sources may well have packages.
        if let Some(suite) = indexes.suite_without(arch) {
            return Err(ArchiveError::NoPackages {
                suite: suite.to_owned(),
                arch: arch.to_string(),
            });
        }
        let (lists, debs) = (dir.join("lists"), dir.join("debs"));
        for sub in [dir, &lists, &debs, &dir.join("sources"), &dir.join("cache")] {
            fs::create_dir(sub).map_err(ArchiveError::write(sub))?;
        }
        let sources: Vec<&str> = suites.iter().map(|(_, checked)| &*checked.sources).collect();
        for (name, text) in
            [("apt.conf", NO_HOST_CONFIGURATION), ("sources/debian.sources", &*sources.join("\n"))]
        {
            let path = dir.join(name);
            fs::write(&path, text).map_err(ArchiveError::write(&path))?;
        }
        for (state, _) in suites {
            state.snapshot(arch, &lists)?;
        }
        let offered = cache.offer(&lists, &debs)?;
        Ok(Self { dir: dir.to_owned(), arch, offered })
    }

    /// The whole of it.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The lists, as apt keeps them.
    pub(crate) fn lists(&self) -> PathBuf {
        self.dir.join("lists")
    }

    /// The packages, by apt's names; what is fetched further should get there.
    pub(crate) fn debs(&self) -> PathBuf {
        self.dir.join("debs")
    }

    /// Takes what was fetched into `from` over to the cache.
    pub(crate) fn collect(&self, cache: &DebCache, from: &Path) -> Result<Amount, ArchiveError> {
        cache.collect(&self.lists(), from)
    }

    /// Makes a command for the host's apt-get one that solves, simulates or downloads for a tree: it knows the packages in that,
    /// its architecture, and this stage's lists; it downloads into [`Self::debs`]. Add what it is to do, such as `--simulate
    /// dist-upgrade`. Nothing of the host's apt nor of the tree's apt.conf, which might name programs to run, takes part.
    pub(crate) fn configure(&self, tree: &Path, apt_get: &mut Command, own_files: bool) {
        apt_get.env("APT_CONFIG", self.dir.join("apt.conf"));
        apt_get.args(OPTIONS.iter().flat_map(|option| ["-o", option]));
        apt_get.args(["-o", &format!("APT::Architecture={}", self.arch)]);
        apt_get.args(["-o", &format!("APT::Architectures={}", self.arch)]);
        let cache = self.dir.join("cache");
        for (name, path) in [
            ("Dir::State=", &self.dir),
            ("Dir::State::lists=", &self.lists()),
            ("Dir::State::status=", &tree.join("var/lib/dpkg/status")),
            ("Dir::State::extended_states=", &tree.join("var/lib/apt/extended_states")),
            ("Dir::Etc::sourceparts=", &self.dir.join("sources")),
            ("Dir::Cache=", &cache),
            ("Dir::Cache::archives=", &self.debs()),
            // One process after the other reads the same lists: this halves the time of all but the first.
            ("Dir::Cache::srcpkgcache=", &cache.join("srcpkgcache.bin")),
            ("Dir::Cache::pkgcache=", &cache.join("pkgcache.bin")),
        ] {
            apt_get.args(option(name, path));
        }
        if own_files || !is_open_to_all(&self.dir) {
            apt_get.args(["-o", "APT::Sandbox::User=root"]);
        }
    }

    /// Makes it one that has dpkg work in the tree; whoever runs it shows [`Self::debs`] there as [`ARCHIVES`].
    pub(crate) fn configure_dpkg(&self, tree: &Path, apt_get: &mut Command) {
        self.configure(tree, apt_get, true);
        apt_get.args(DPKG_IN_TREE.iter().flat_map(|option| ["-o", option]));
        let archives = tree.join(ARCHIVES.trim_start_matches('/'));
        apt_get.args(option("Dir::Cache::archives=", &archives));
        apt_get.args(option("DPkg::Chroot-Directory=", tree));
    }
}

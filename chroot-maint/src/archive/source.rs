//! Source packages, for the few that are compiled here: a place of apt's own for one fetch, thrown away after it. Says how apt-get
//! is to be called; does not run it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    ArchiveError,
    state::{NO_HOST_CONFIGURATION, OPTIONS, is_open_to_all, option},
};

/// apt's state for sources alone.
#[derive(Debug)]
pub(crate) struct SourceFetch {
    dir: PathBuf,
}

impl SourceFetch {
    /// Makes the directory, which must not be there yet. `sources` is what is known of binary packages.
    pub(crate) fn prepare(sources: &str, dir: &Path) -> Result<Self, ArchiveError> {
        for sub in ["", "lists", "lists/partial", "sources", "cache"] {
            let sub = dir.join(sub);
            fs::create_dir(&sub).map_err(ArchiveError::write(&sub))?;
        }
        let sources: String = sources
            .lines()
            .map(|line| if line == "Types: deb" { "Types: deb-src" } else { line })
            .flat_map(|line| [line, "\n"])
            .collect();
        let files = [("apt.conf", NO_HOST_CONFIGURATION), ("sources/debian.sources", &sources)];
        for (name, text) in files {
            let path = dir.join(name);
            fs::write(&path, text).map_err(ArchiveError::write(&path))?;
        }
        Ok(Self { dir: dir.to_owned() })
    }

    /// A directory for what is fetched of this source.
    pub(crate) fn files(&self, name: &str) -> Result<PathBuf, ArchiveError> {
        let dir = self.dir.join(format!("files-{name}"));
        fs::create_dir_all(&dir).map_err(ArchiveError::write(&dir))?;
        Ok(dir)
    }

    /// Makes a command for the host's apt-get one that knows these sources alone. Add what it is to do: `update`, or
    /// `source --download-only NAME=VERSION`.
    pub(crate) fn configure(&self, apt_get: &mut Command, own_files: bool) {
        apt_get.env("APT_CONFIG", self.dir.join("apt.conf"));
        apt_get.args(OPTIONS.iter().flat_map(|option| ["-o", option]));
        for (name, path) in [
            ("Dir::State=", &self.dir),
            ("Dir::State::lists=", &self.dir.join("lists")),
            ("Dir::State::status=", &PathBuf::from("/dev/null")),
            ("Dir::Etc::sourceparts=", &self.dir.join("sources")),
            ("Dir::Cache=", &self.dir.join("cache")),
        ] {
            apt_get.args(option(name, path));
        }
        if own_files || !is_open_to_all(&self.dir) {
            apt_get.args(["-o", "APT::Sandbox::User=root"]);
        }
    }
}

//! What this host is: its release, its architecture. Does not know what it can run besides.

use std::{fs, io, path::Path, process::Command};

use thiserror::Error;

use crate::spec::{Arch, Dist};

/// The host's own release and architecture.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    /// The codename in /etc/os-release, if Debian is what it describes.
    dist: Option<Dist>,
    pub(crate) arch: Arch,
}

/// Why the host can't be told.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum HostError {
    #[error("can't run dpkg: {0}; chroot-maint needs a host with dpkg: install the package dpkg")]
    NoDpkg(io::Error),
    #[error("dpkg says that this host's architecture is `{0}', which is unknown here")]
    Arch(String),
    #[error(
        "this host's release is not one of Debian's: name the chroots in a config, \
         such as [dist.trixie]"
    )]
    NotDebian,
}

impl Host {
    /// Reads /etc/os-release and asks dpkg.
    pub(crate) fn detect() -> Result<Self, HostError> {
        let output =
            Command::new("dpkg").arg("--print-architecture").output().map_err(HostError::NoDpkg)?;
        let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let arch = Arch::find(&name).ok_or(HostError::Arch(name))?;
        let release = ["/etc/os-release", "/usr/lib/os-release"]
            .iter()
            .find_map(|path| fs::read_to_string(Path::new(path)).ok());
        Ok(Self { dist: release.as_deref().and_then(debian_codename), arch })
    }

    /// The host's own release.
    pub(crate) fn dist(&self) -> Result<Dist, HostError> {
        self.dist.clone().ok_or(HostError::NotDebian)
    }

    #[cfg(test)]
    pub(crate) fn fake(dist: &str, arch: &str) -> Self {
        Self { dist: Dist::parse(dist), arch: Arch::find(arch).unwrap() }
    }
}

/// The codename that an os-release file of Debian gives; unstable's may give none.
fn debian_codename(os_release: &str) -> Option<Dist> {
    let value = |key: &str| {
        let line = os_release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        Some(line.trim().trim_matches(['"', '\'']))
    };
    if value("ID") != Some("debian") {
        return None;
    }
    Dist::parse(value("VERSION_CODENAME").unwrap_or("sid"))
}

#[cfg(test)]
mod tests {
    use super::debian_codename;
    use crate::spec::Dist;

    #[test]
    fn a_release_gives_its_codename() {
        let text = "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n";
        assert_eq!(debian_codename(text), Dist::parse("bookworm"));
    }

    #[test]
    fn debian_without_codename_is_unstable() {
        assert_eq!(debian_codename("ID=debian\n"), Dist::parse("sid"));
    }

    #[test]
    fn a_derivative_is_not_taken_for_debian() {
        assert_eq!(debian_codename("ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n"), None);
    }
}

//! The programs that are run, and the packages they are in. Does not run any.

use std::{collections::BTreeSet, env, path::Path};

use nix::unistd::{AccessFlags, access};
use thiserror::Error;

/// Tools that are not there, with what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} not found; run as root: apt-get install {}", tools.join(", "), packages.join(" "))]
pub(crate) struct MissingTools {
    tools: Vec<&'static str>,
    packages: Vec<&'static str>,
}

/// Those that are called otherwise than their packages.
const PACKAGES: [(&str, &str); 12] = [
    ("apt-config", "apt"),
    ("apt-get", "apt"),
    ("sha256sum", "coreutils"),
    ("mmdebstrap", "mmdebstrap"),
    ("mount", "mount"),
    ("chroot", "coreutils"),
    ("cp", "coreutils"),
    ("du", "coreutils"),
    ("find", "findutils"),
    ("newgidmap", "uidmap"),
    ("newuidmap", "uidmap"),
    ("sh", "dash"),
];

/// Where Debian keeps tools, whatever the caller's PATH says.
const SYSTEM_PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Fails with all those that are missing at once.
pub(crate) fn require(names: &[&'static str]) -> Result<(), MissingTools> {
    let path = env::var("PATH").unwrap_or_default();
    missing(names, &format!("{path}:{SYSTEM_PATH}"))
}

fn missing(names: &[&'static str], path: &str) -> Result<(), MissingTools> {
    let there = |name: &str| {
        let dirs = path.split(':').filter(|dir| !dir.is_empty());
        dirs.map(|dir| Path::new(dir).join(name))
            .any(|file| access(&file, AccessFlags::X_OK).is_ok())
    };
    let tools: Vec<&'static str> = names.iter().copied().filter(|name| !there(name)).collect();
    if tools.is_empty() {
        return Ok(());
    }
    let package_of =
        |tool| PACKAGES.iter().find(|(name, _)| *name == tool).map(|&(_, package)| package);
    let packages: BTreeSet<_> =
        tools.iter().map(|tool| package_of(*tool).unwrap_or(tool)).collect();
    Err(MissingTools { tools, packages: packages.into_iter().collect() })
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn each_package_is_named_once() {
        let error = missing(&["newuidmap", "newgidmap", "mmdebstrap"], "/nowhere").unwrap_err();
        assert_eq!(
            error.to_string(),
            "newuidmap, newgidmap, mmdebstrap not found; \
             run as root: apt-get install mmdebstrap uidmap"
        );
    }

    #[test]
    fn what_is_there_is_not_missed() {
        assert_eq!(missing(&["chroot", "du"], "/usr/sbin:/usr/bin"), Ok(()));
    }
}

//! Why this host can't run an architecture, and what to do about it. Only words: nothing is looked up here but the
//! release, whose packages are called differently.

use std::{fmt, fs, path::Path};

use thiserror::Error;

use super::{Finding, Searched};
use crate::spec::Arch;

/// An architecture that this host can't run, after everything was tried.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("this host, {host}, can't run programs of {arch}: {tried}")]
pub(crate) struct Foreign {
    pub(crate) arch: Arch,
    pub(crate) host: Arch,
    pub(crate) tried: Tried,
}

/// What was tried, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tried {
    /// What the host's `binfmt_misc` says of its programs.
    pub(crate) registry: Finding,
    pub(crate) emulator: Searched,
    /// What kept an emulator from being registered in a user namespace, or from working there.
    pub(crate) private: String,
    /// The package that has the emulators here.
    pub(crate) package: &'static str,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { registry, emulator, private, package } = self;
        match emulator {
            Searched::Unknown => f.write_str(
                "there is no emulator for it; take it out of the config, or keep it on a host of its own kind",
            ),
            Searched::Nothing => {
                if let Some((problem, _)) = problem(registry) {
                    write!(f, "{problem}, and ")?;
                }
                write!(f, "no emulator is installed; run as root: apt-get install {package}")
            }
            Searched::Dynamic(path) => write!(
                f,
                "{} needs libraries, which no chroot has for it; run as root: apt-get install {package}",
                path.display()
            ),
            Searched::Found(_) => {
                f.write_str(private)?;
                match problem(registry) {
                    Some((problem, mend)) => {
                        write!(f, ", and {problem}; run as root: {}", mend.replace("PACKAGE", package))
                    }
                    None => write!(f, "; run as root: apt-get install --reinstall {package}"),
                }
            }
        }
    }
}

impl Finding {
    /// What is wrong with the host's registration, with the command that mends it; nothing if it is as it should be.
    pub(crate) fn complaint(&self, package: &str) -> Option<(String, String)> {
        problem(self).map(|(problem, mend)| (problem, mend.replace("PACKAGE", package)))
    }
}

fn problem(finding: &Finding) -> Option<(String, String)> {
    const DIR: &str = "/proc/sys/fs/binfmt_misc";
    const AGAIN: &str = "systemctl restart systemd-binfmt";
    let shown = |path: &Path| path.display().to_string();
    Some(match finding {
        Finding::Registered { .. } => return None,
        Finding::NotMounted => (
            "binfmt_misc is not mounted".to_owned(),
            format!("mount -t binfmt_misc binfmt_misc {DIR} && {AGAIN}"),
        ),
        Finding::SwitchedOff => {
            ("binfmt_misc is switched off".to_owned(), format!("echo 1 >{DIR}/status"))
        }
        Finding::NoEntry => ("binfmt_misc has no entry for it".to_owned(), AGAIN.to_owned()),
        Finding::EntryDisabled(entry) => {
            (format!("binfmt_misc's entry {entry} is disabled"), format!("echo 1 >{DIR}/{entry}"))
        }
        Finding::NoFlagF { entry, interpreter } => (
            format!(
                "binfmt_misc's entry {entry} lacks the flag F, so that {} would have to be in the chroot",
                shown(interpreter)
            ),
            format!("echo -1 >{DIR}/{entry} && apt-get install --reinstall PACKAGE && {AGAIN}"),
        ),
        Finding::Vanished { entry, interpreter } => (
            format!("binfmt_misc's entry {entry} names {}, which is gone", shown(interpreter)),
            format!("echo -1 >{DIR}/{entry} && apt-get install --reinstall PACKAGE && {AGAIN}"),
        ),
    })
}

/// The package that has static emulators in this release: a name of its own up to Debian 12 and Ubuntu 24.10.
pub(crate) fn emulator_package() -> &'static str {
    package_for(&fs::read_to_string("/etc/os-release").unwrap_or_default())
}

fn package_for(os_release: &str) -> &'static str {
    let value = |key: &str| {
        let line = os_release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        Some(line.trim().trim_matches(['"', '\'']))
    };
    let version = value("VERSION_ID").and_then(|version| version.split('.').next()?.parse().ok());
    // Without a version it is testing or unstable.
    let version: u32 = version.unwrap_or(u32::MAX);
    let last_with_static = if value("ID") == Some("ubuntu") { 24 } else { 12 };
    if version <= last_with_static { "qemu-user-static" } else { "qemu-user-binfmt" }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Arch, Finding, Foreign, Searched, Tried, package_for};
    use crate::foreign::Emulator;

    fn said(registry: Finding, emulator: Searched, private: &str) -> String {
        let [arch, host] = ["arm64", "amd64"].map(|name| Arch::find(name).unwrap());
        let tried =
            Tried { registry, emulator, private: private.to_owned(), package: "qemu-user-static" };
        Foreign { arch, host, tried }.to_string()
    }

    fn found() -> Searched {
        Searched::Found(Emulator::at("/usr/bin/qemu-aarch64-static".as_ref()))
    }

    #[test]
    fn the_package_is_called_as_this_release_calls_it() {
        for (text, package) in [
            ("ID=debian\nVERSION_ID=\"12\"\n", "qemu-user-static"),
            ("ID=debian\nVERSION_ID=\"13\"\n", "qemu-user-binfmt"),
            ("ID=debian\nPRETTY_NAME=\"Debian GNU/Linux forky/sid\"\n", "qemu-user-binfmt"),
            ("ID=ubuntu\nVERSION_ID=\"24.04\"\n", "qemu-user-static"),
            ("ID=ubuntu\nVERSION_ID=\"25.10\"\n", "qemu-user-binfmt"),
        ] {
            assert_eq!(package_for(text), package, "{text}");
        }
    }

    #[test]
    fn without_an_emulator_the_package_is_named() {
        assert_eq!(
            said(Finding::NotMounted, Searched::Nothing, ""),
            "this host, amd64, can't run programs of arm64: binfmt_misc is not mounted, and no emulator is \
             installed; run as root: apt-get install qemu-user-static"
        );
        let path = PathBuf::from("/usr/bin/qemu-aarch64");
        assert!(said(Finding::NoEntry, Searched::Dynamic(path), "").contains("needs libraries"));
    }

    #[test]
    fn where_only_the_host_can_help_each_fault_has_its_command() {
        let entry = || "qemu-aarch64".to_owned();
        let interpreter = || PathBuf::from("/usr/bin/qemu-aarch64-static");
        for (finding, command) in [
            (Finding::NotMounted, "mount -t binfmt_misc"),
            (Finding::SwitchedOff, "echo 1 >/proc/sys/fs/binfmt_misc/status"),
            (Finding::NoEntry, "systemctl restart systemd-binfmt"),
            (Finding::EntryDisabled(entry()), "echo 1 >/proc/sys/fs/binfmt_misc/qemu-aarch64"),
            (
                Finding::NoFlagF { entry: entry(), interpreter: interpreter() },
                "--reinstall qemu-user-static",
            ),
            (
                Finding::Vanished { entry: entry(), interpreter: interpreter() },
                "--reinstall qemu-user-static",
            ),
        ] {
            let said =
                said(finding, found(), "kernel 6.1 has no binfmt_misc of one's own (6.7 has)");
            assert!(said.contains("6.7 has), and binfmt_misc") && said.contains(command), "{said}");
        }
    }

    #[test]
    fn where_nobody_has_an_emulator_nothing_is_to_be_installed() {
        assert!(
            said(Finding::NoEntry, Searched::Unknown, "").contains("take it out of the config")
        );
    }
}

//! What the host's apt is configured with: Debian's mirrors and the proxy. Only asks, changes nothing.
//!
//! Takes some tenths of a second, and so is asked only when the answer may have changed. Does not know which of it a
//! config overrides.

use std::{io, path::Path, process::Command};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::host_memo;
use crate::spec::{Recipe, is_security};

/// What was found; nothing where the host's apt says nothing of the kind.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HostApt {
    /// Without a slash at the end, as are all addresses here.
    pub(crate) mirror: Option<String>,
    pub(crate) security_mirror: Option<String>,
    pub(crate) proxy: Option<String>,
}

/// Why the host's apt can't be asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum HostAptError {
    #[error("can't run {program}: {source}; install the package apt")]
    Start { program: &'static str, source: io::Error },
    #[error("{program} failed: {said}")]
    Failed { program: &'static str, said: String },
}

/// One line an index: address, release, component, origin, label.
const FORMAT: &str = "$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)\t$(ORIGIN)\t$(LABEL)";

impl HostApt {
    /// Asks apt for its indices and its proxy.
    pub(crate) fn ask() -> Result<Self, HostAptError> {
        let mut targets = Command::new("apt-get");
        targets.args(["indextargets", "--format", FORMAT, "Created-By: Packages"]);
        let (mut mirror, mut security_mirror) = mirrors(&output("apt-get", &mut targets)?);
        if mirror.is_none() {
            // Before the first `apt-get update` there is no origin to go by.
            targets.arg("--no-release-info");
            (mirror, security_mirror) = mirrors(&output("apt-get", &mut targets)?);
        }
        Ok(Self { mirror, security_mirror, proxy: proxy()? })
    }

    /// Asks only what the config leaves open, and what is not known: a question about indices takes apt half a second.
    pub(crate) fn ask_for(recipe: &Recipe, state_dir: &Path) -> Result<Self, HostAptError> {
        let has_security = recipe.suites.iter().any(|suite| is_security(suite));
        if recipe.mirror.is_some() && (recipe.security_mirror.is_some() || !has_security) {
            return Ok(Self { proxy: proxy()?, ..Self::default() });
        }
        host_memo::known_or(state_dir, Self::ask)
    }
}

fn proxy() -> Result<Option<String>, HostAptError> {
    let mut config = Command::new("apt-config");
    config.args(["dump", "--format", "%v%n", "Acquire::http::Proxy"]);
    let proxy = output("apt-config", &mut config)?;
    Ok(proxy.lines().next().map(str::to_owned).filter(|proxy| !proxy.is_empty()))
}

fn output(program: &'static str, command: &mut Command) -> Result<String, HostAptError> {
    let output = command.output().map_err(|source| HostAptError::Start { program, source })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().next().unwrap_or("no reason given").to_owned();
        return Err(HostAptError::Failed { program, said });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The first address of each of Debian's two archives.
fn mirrors(targets: &str) -> (Option<String>, Option<String>) {
    let (mut mirror, mut security_mirror) = (None, None);
    for line in targets.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let &[uri, release, component, origin, label] = fields.as_slice() else {
            continue;
        };
        let uri = uri.trim_end_matches('/');
        if !(uri.starts_with("http://") || uri.starts_with("https://")) {
            continue;
        }
        let slot = match archive_of(uri, release, component, origin, label) {
            Some(Archive::Main) => &mut mirror,
            Some(Archive::Security) => &mut security_mirror,
            None => continue,
        };
        slot.get_or_insert_with(|| uri.to_owned());
    }
    (mirror, security_mirror)
}

enum Archive {
    Main,
    Security,
}

/// By what the archive says of itself. Where apt has not fetched that yet, it leaves the words of the format
/// as they are; then by the usual paths, and a wrong guess ends at the signature, which must be Debian's.
fn archive_of(
    uri: &str,
    release: &str,
    component: &str,
    origin: &str,
    label: &str,
) -> Option<Archive> {
    let known = !origin.is_empty() && !origin.starts_with("$(");
    match (known, origin, label) {
        (true, "Debian", "Debian") => return Some(Archive::Main),
        (true, "Debian", "Debian-Security") => return Some(Archive::Security),
        (true, ..) => return None,
        (false, ..) => {}
    }
    let is_security = release.ends_with("-security") || release.ends_with("/updates");
    match uri.rsplit('/').next() {
        _ if component != "main" => None,
        Some("debian") if !is_security => Some(Archive::Main),
        Some("debian-security") if is_security => Some(Archive::Security),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::mirrors;

    fn found(lines: &[&str]) -> (Option<String>, Option<String>) {
        mirrors(&lines.join("\n"))
    }

    #[test]
    fn debians_two_archives_are_known_by_their_labels() {
        let (mirror, security) = found(&[
            "https://other.example/debian/\tbookworm\tmain\tOther\tDebian",
            "http://mirror.example/debian/\tbookworm-backports\tmain\tDebian Backports\tDebian Backports",
            "http://mirror.example/d/\tbookworm\tmain\tDebian\tDebian",
            "http://second.example/debian/\tbookworm\tmain\tDebian\tDebian",
            "http://mirror.example/s/\tbookworm-security\tmain\tDebian\tDebian-Security",
        ]);
        assert_eq!(mirror.as_deref(), Some("http://mirror.example/d"));
        assert_eq!(security.as_deref(), Some("http://mirror.example/s"));
    }

    #[test]
    fn before_the_first_update_they_are_known_by_their_paths() {
        let unknown = "$(ORIGIN)\t$(LABEL)";
        let (mirror, security) = found(&[
            &format!("https://other.example/linux/debian/\tbookworm\tstable\t{unknown}"),
            &format!("http://mirror.example/debian/\tbookworm\tmain\t{unknown}"),
            &format!("http://mirror.example/debian-security/\tbookworm-security\tmain\t{unknown}"),
        ]);
        assert_eq!(mirror.as_deref(), Some("http://mirror.example/debian"));
        assert_eq!(security.as_deref(), Some("http://mirror.example/debian-security"));
    }

    #[test]
    fn what_a_chroot_could_not_reach_is_no_mirror() {
        let (mirror, _) = found(&["cdrom://Debian/\tbookworm\tmain\tDebian\tDebian"]);
        assert_eq!(mirror, None);
    }
}

//! schroot and sbuild, where chroots are to be handed to them: whether they are there, and have what they need.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::report::Finding;
use crate::{
    config::Config,
    outputs::Wanted,
    sandbox::{self, Sandbox},
    spec::{Arch, Output},
    tools,
};

/// Where schroot puts the layers of its sessions.
const OVERLAYS: &str = "/var/lib/schroot/union/overlay";

/// A layer on the disk that schroot's sessions have theirs on, over a directory of its own.
const TRIAL: &str = "cd \"$1\" && mkdir lower upper work root && \
                     mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work root";

/// The architectures that others than this program are to run programs of.
pub(super) fn archs(config: &Config) -> BTreeSet<Arch> {
    let is_handed_out = |outputs: &[Output]| {
        outputs.iter().any(|output| matches!(output, Output::Schroot | Output::Sbuild))
    };
    let chroots = config.chroots.iter().filter(|(_, chroot)| is_handed_out(&chroot.outputs));
    chroots.map(|(id, _)| id.arch).collect()
}

pub(super) fn look(config: &Config, sandbox: Option<Sandbox>) -> Vec<Finding> {
    let wants = |output| config.chroots.values().any(|chroot| chroot.outputs.contains(&output));
    let mut findings = Vec::new();
    // What is wrong with one chroot's outputs is mostly wrong with those of all.
    let mut said = BTreeSet::new();
    for (id, chroot) in &config.chroots {
        let wanted = Wanted::plan(config, id, chroot);
        for error in wanted.schroot.err().into_iter().chain(wanted.sbuild.err()) {
            if said.insert(error.to_string()) {
                findings.push(Finding::error(&error));
            }
        }
    }
    if wants(Output::Schroot) {
        findings.extend(schroot(config, sandbox));
    }
    if wants(Output::Sbuild) {
        findings.extend(sbuild(config));
    }
    findings
}

fn schroot(config: &Config, sandbox: Option<Sandbox>) -> Vec<Finding> {
    if let Err(missing) = tools::require(&["schroot"]) {
        return vec![Finding::error(&missing)];
    }
    let etc = config.schroot_dir.parent().unwrap_or(Path::new("/")).to_owned();
    let mut findings = vec![profile(&etc.join("sbuild"), Path::new("/"))];
    if nix::unistd::geteuid().is_root() {
        findings.extend(sandbox.and_then(|sandbox| overlay(sandbox, Path::new(OVERLAYS))));
    }
    findings
}

/// The profile says what a session mounts; one mount that fails ends the session.
fn profile(dir: &Path, root: &Path) -> Finding {
    let Ok(fstab) = fs::read_to_string(dir.join("fstab")) else {
        return Finding::fault(format!("schroot has no profile `sbuild' ({})", dir.display()))
            .mend("run as root: apt-get install --reinstall -o Dpkg::Options::=--force-confmiss schroot");
    };
    let missing: Vec<PathBuf> = bound(&fstab)
        .filter(|path| !root.join(path.trim_start_matches('/')).exists())
        .map(PathBuf::from)
        .collect();
    match missing.first() {
        None => Finding::good("schroot, with the profile `sbuild'"),
        Some(path) if path.starts_with("/var/lib/sbuild") => {
            let what =
                format!("schroot's profile `sbuild' mounts {}, which is not there", path.display());
            Finding::fault(what).mend("run as root: apt-get install sbuild")
        }
        Some(path) => {
            let what =
                format!("schroot's profile `sbuild' mounts {}, which is not there", path.display());
            Finding::fault(what)
                .mend(format!("make it, or take it out of {}", dir.join("fstab").display()))
        }
    }
}

/// The directories of the host that a table of mounts names.
fn bound(fstab: &str) -> impl Iterator<Item = &str> {
    let entries = fstab.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    entries
        .filter_map(|line| line.split_whitespace().next())
        .filter(|device| device.starts_with('/'))
}

/// A layer can't lie on one: in a container, all that is not a volume does.
fn overlay(sandbox: Sandbox, dir: &Path) -> Option<Finding> {
    let trial = tempfile::Builder::new().prefix("chroot-maint.").tempdir_in(dir).ok()?;
    let mut mount = sandbox.outside("sh");
    mount.args(["-c", TRIAL, "trial"]).arg(trial.path());
    let output = mount.output().ok()?;
    if output.status.success() {
        return None;
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().last().unwrap_or("no reason given").trim().to_owned();
    let what = format!("schroot's sessions can have no layers in {}: {said}", dir.display());
    Some(Finding::fault(what).mend(format!(
        "mount a disk there that is no overlay itself, or run as root: mount -t tmpfs tmpfs {}",
        dir.display()
    )))
}

fn sbuild(config: &Config) -> Vec<Finding> {
    let mut findings = vec![match tools::require(&["sbuild", "tar", "zstd"]) {
        Ok(()) => Finding::good("sbuild, tar, zstd"),
        Err(missing) => Finding::error(&missing),
    }];
    let mut chroots = config.chroots.iter();
    let place =
        chroots.find_map(|(id, chroot)| Wanted::plan(config, id, chroot).sbuild.ok().flatten());
    if let Some(place) = place {
        let (user, uid, dir) = place.owner().who();
        findings.push(match sandbox::check_subordinate_ids(user, uid) {
            Ok(()) => {
                Finding::good(format!("sbuild's user {user}, with tarballs in {}", dir.display()))
            }
            Err(error) => Finding::error(&error),
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{archs, bound, look, profile};
    use crate::config::Config;

    const FSTAB: &str = "# a b\n/proc /proc none rw,bind 0 0\ntmpfs /dev/shm tmpfs defaults 0 0\n\
                         /var/lib/sbuild/build  /build none rw,bind 0 0\n";

    #[test]
    fn what_the_profile_mounts_must_be_there() {
        assert_eq!(bound(FSTAB).collect::<Vec<_>>(), ["/proc", "/var/lib/sbuild/build"]);
        let host = tempfile::tempdir().unwrap();
        let dir = host.path().join("sbuild");
        let said = || format!("{:?}", profile(&dir, host.path()));
        assert!(said().contains("has no profile") && said().contains("schroot"));
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("fstab"), FSTAB).unwrap();
        assert!(said().contains("/proc, which is not there"));
        fs::create_dir(host.path().join("proc")).unwrap();
        assert!(said().contains("apt-get install sbuild"));
        fs::create_dir_all(host.path().join("var/lib/sbuild/build")).unwrap();
        assert!(!profile(&dir, host.path()).is_fault());
    }

    #[test]
    fn nothing_is_said_of_what_nobody_wants() {
        let config = Config::fake("[dist.trixie]\n");
        assert!(look(&config, None).is_empty() && archs(&config).is_empty());
    }

    #[test]
    fn a_fault_of_all_chroots_is_said_once() {
        let text = "sbuild-user = 'nobody-of-this-name'\n[defaults]\noutputs = ['sbuild']\narchs = ['amd64', 'arm64']\n[dist.trixie]\n";
        let config = Config::fake(text);
        assert_eq!(archs(&config).len(), 2);
        let findings = look(&config, None);
        let said = format!("{findings:?}");
        assert_eq!(said.matches("nobody-of-this-name").count(), 1, "{said}");
        assert!(findings[0].is_fault());
    }
}

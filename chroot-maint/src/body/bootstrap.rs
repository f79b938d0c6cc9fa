//! A new tree by mmdebstrap. Does not look at what came out of it.

use std::{ffi::OsString, fs, path::Path, process::Command};

use super::{
    BodyError,
    archive::{self, Archive, Seen, Way},
    place_tools::Tools,
    process,
    quote::quoted,
    step,
    task::Task,
};
use crate::{
    archive::{ARCHIVES, Stage},
    config::Config,
};

/// The date that maintainer scripts write where they would write today's (2000-01-01): what a chroot
/// holds should not depend on the day it was made.
pub(super) const SOURCE_DATE_EPOCH: &str = "946684800";

/// How mmdebstrap calls the sources it is given, after a number that it puts before.
pub(super) const SOURCES_FILE: &str = "debian.sources";

/// Apt's settings for good, in the tree too. Nothing of the host's apt gets there: neither its proxy nor
/// a check that it may have switched off.
const APT_OPTIONS: [&str; 3] =
    ["Acquire::Retries \"3\"", "Acquire::Languages \"none\"", "APT::Install-Recommends \"false\""];

/// Before mmdebstrap looks for packages: the lists that are verified already, and what was fetched at another time.
/// On one line, as mmdebstrap shows it and wonders about names with newlines.
const BRING: &str = concat!(
    r#"set -eu; ln -t "$1/var/lib/apt/lists" -- "$STAGE"/lists/*; mkdir -p "$1/var/cache/apt/archives"; "#,
    r#"find "$STAGE/debs" -name '*.deb' -exec ln -t "$1/var/cache/apt/archives" -- {} +"#,
);

/// Before it deletes what it has fetched: that has one name only so far.
const TAKE: &str = concat!(
    r#"set -eu; find "$1/var/cache/apt/archives" -maxdepth 1 -name '*.deb' -links 1 "#,
    r#"-exec ln -t "$STAGE/debs" -- {} +"#,
);

/// A file in the tree's /tmp that is there until mmdebstrap has emptied that, which is the last thing it does. Its exit
/// status does not tell whether it got there: that of its process within the namespaces loses a death by a signal.
const UNFINISHED: &str = "tmp/chroot-maint.unfinished";

/// Unpacks and configures a whole system into the work directory's tree; gives what the archive had, if that is known.
pub(super) fn bootstrap(task: &Task<'_>, tools: Option<&Tools>) -> Result<Option<Seen>, BodyError> {
    let &Task { config, id, chroot, sandbox, work, .. } = task;
    let way = Way::of_chroot(config, id, chroot)?;
    let archive = archive::look(config, chroot, id.arch, &way, sandbox)?;
    let seen = archive.as_ref().map(Archive::seen);
    let stage = archive.map(|archive| archive.stage(&work.tmp().join("archive"))).transpose()?;

    // Root needs no user namespace and gets none; others are in one already, where they are root too.
    let mut mmdebstrap = sandbox.outside("mmdebstrap");
    mmdebstrap.arg("--mode=unshare").arg("--format=directory");
    mmdebstrap.arg(format!("--variant={}", chroot.recipe.variant.name()));
    mmdebstrap.arg(format!("--architectures={}", id.arch));
    mmdebstrap.arg(format!("--components={}", chroot.recipe.components.join(",")));
    if !chroot.recipe.include.is_empty() {
        mmdebstrap.arg(format!("--include={}", chroot.recipe.include.join(",")));
    }
    mmdebstrap.args(APT_OPTIONS.map(|option| format!("--aptopt={option}")));
    for (name, seconds) in Way::timeouts(config) {
        mmdebstrap.arg(format!("--aptopt={name} \"{seconds}\""));
    }
    mmdebstrap.arg("--dpkgopt=force-unsafe-io");
    mmdebstrap.arg(format!(r#"--setup-hook=: >"$1/{UNFINISHED}""#));
    if let Some(stage) = &stage {
        println!("{} of the packages that can be had are in the cache", stage.offered.files);
        share(&mut mmdebstrap, stage);
    }
    mmdebstrap.args(tools.map(Tools::hooks).into_iter().flatten());
    // It would ask for arch-test; but the sandbox has already run a program of this architecture.
    mmdebstrap.arg("--skip=check/qemu");
    mmdebstrap.arg(id.dist.base()).arg(work.tree());
    if let Some(text) = &way.sources {
        let path = work.tmp().join(SOURCES_FILE);
        fs::write(&path, text)
            .map_err(|source| BodyError::Write { what: "apt's sources", source })?;
        mmdebstrap.arg(path);
    }
    mmdebstrap.env("TMPDIR", work.tmp()).env("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH);
    way.set_proxy(&mut mmdebstrap, config);
    let made = process::relay(step::MMDEBSTRAP, mmdebstrap, is_telling);
    if let Some(stage) = &stage {
        keep(config, stage, &work.tree());
    }
    made?;
    if work.tree().join(UNFINISHED).exists() {
        return Err(BodyError::Unfinished);
    }
    Ok(seen)
}

/// Has mmdebstrap take its lists and packages from a stage, and leave there what it fetches.
fn share(mmdebstrap: &mut Command, stage: &Stage) {
    mmdebstrap.args(["--skip=update", "--skip=essential/unlink"]);
    for (option, script) in [("--setup-hook=", BRING), ("--customize-hook=", TAKE)] {
        let mut word = OsString::from(option);
        word.push("STAGE=");
        word.push(quoted(stage.dir()));
        word.push(";");
        word.push(script);
        mmdebstrap.arg(word);
    }
}

/// Adds to the cache what was fetched, also by a run that failed after that: then it lies in the tree still.
fn keep(config: &Config, stage: &Stage, tree: &Path) {
    for dir in [stage.debs(), tree.join(ARCHIVES.trim_start_matches('/'))] {
        if dir.is_dir() {
            archive::keep_packages(config, stage, &dir);
        }
    }
}

/// Whether a line is likely to name the cause. tar and dpkg name a full disk in words of their own, and
/// mmdebstrap's first complaint is then that one of these failed.
fn is_telling(line: &str) -> bool {
    line.starts_with("E: ") || line.contains("No space left on device")
}

#[cfg(test)]
mod tests {
    use super::is_telling;

    #[test]
    fn a_full_disk_is_named_as_the_cause() {
        let said = [
            "I: extracting archives...",
            "tar: ./usr/share/doc/x: Cannot mkdir: No space left on device",
            "E: tar --extract failed: 512",
        ];
        assert_eq!(said.iter().position(|line| is_telling(line)), Some(1));
    }
}

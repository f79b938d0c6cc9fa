//! The state directory and the one for temporary files: whether they can be written to and reached, how they are
//! mounted, and whether there is room for what is not made yet.

use std::path::{Path, PathBuf};

use nix::sys::statvfs::{FsFlags, Statvfs, statvfs};

use super::report::Finding;
use crate::{config::Config, sandbox::Sandbox, spec::Variant, store::Store};

/// What a tree takes if none of its kind has been made yet, in bytes, and how many files; both rather more.
const BUILDD: u64 = 1_000_000_000;
const SMALLER: u64 = 500_000_000;
const FILES: u64 = 30_000;

pub(super) fn look(config: &Config, sandbox: Option<Sandbox>) -> Vec<Finding> {
    let dir = &config.state_dir;
    let mut findings = vec![writable(dir)];
    // Before the first run there is none, but the one that it will be in.
    let there = nearest(dir);
    if let Ok(stat) = statvfs(&there) {
        findings.extend(mounted(&there, stat.flags()));
        findings.push(room(&there, &stat, &need(config)));
    }
    findings.extend(sandbox.and_then(|sandbox| reachable(sandbox, &there)));
    findings.extend(temporary(&std::env::temp_dir()));
    findings
}

fn nearest(dir: &Path) -> PathBuf {
    dir.ancestors().find(|dir| dir.is_dir()).unwrap_or(Path::new("/")).to_owned()
}

fn writable(dir: &Path) -> Finding {
    let shown = dir.display();
    // One that is not there yet will be made in the nearest that is.
    let failed = tempfile::tempfile_in(nearest(dir)).err();
    match failed {
        None => Finding::good(format!("state directory {shown}")),
        Some(why) => Finding::fault(format!("can't write to the state directory {shown}: {why}"))
            .mend("run this as its owner, or name another state-dir in the config"),
    }
}

fn mounted(dir: &Path, flags: FsFlags) -> Vec<Finding> {
    let shown = dir.display();
    let remount = |option: &str| {
        format!("run as root: mount -o remount,{option} \"$(findmnt -n -o TARGET -T {shown})\"")
    };
    let mut findings = Vec::new();
    if flags.contains(FsFlags::ST_RDONLY) {
        findings.push(Finding::fault(format!("{shown} is mounted read-only")).mend(remount("rw")));
    }
    if flags.contains(FsFlags::ST_NOEXEC) {
        let what = format!("{shown} is mounted noexec: no program in a chroot there can run");
        findings.push(Finding::fault(what).mend(remount("exec")));
    }
    if flags.contains(FsFlags::ST_NOSUID) {
        let what =
            format!("{shown} is mounted nosuid: su and sudo won't work in schroot's sessions");
        findings.push(Finding::note(what).mend(remount("suid")));
    }
    if flags.contains(FsFlags::ST_NODEV) {
        let what =
            format!("{shown} is mounted nodev: chroots there have no device nodes of their own");
        findings.push(Finding::note(what).mend(remount("dev")));
    }
    findings
}

/// What is still to be made needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Need {
    bytes: u64,
    files: u64,
}

/// Each chroot that is missing, and a second copy of the largest that is there: an upgrade is made beside the old one.
fn need(config: &Config) -> Need {
    let store = Store::new(config.state_dir.clone());
    let (mut missing, mut largest) = (Need::default(), Need::default());
    for (id, chroot) in &config.chroots {
        if let Ok(Some(current)) = store.place(id).current() {
            largest = Need { bytes: largest.bytes.max(current.record.size), files: FILES };
            continue;
        }
        let is_small =
            matches!(chroot.recipe.variant, Variant::Apt | Variant::Essential | Variant::Minbase);
        missing.bytes += if is_small { SMALLER } else { BUILDD };
        missing.files += FILES;
    }
    Need { bytes: missing.bytes + largest.bytes, files: missing.files + largest.files }
}

fn room(dir: &Path, stat: &Statvfs, need: &Need) -> Finding {
    let free = stat.blocks_available().saturating_mul(stat.fragment_size());
    // Some file systems don't count files, and say that there is room for none.
    let files = if stat.files() == 0 { u64::MAX } else { stat.files_available() };
    judge_room(dir, &Need { bytes: free, files }, need)
}

fn judge_room(dir: &Path, free: &Need, need: &Need) -> Finding {
    let (dir, megabytes) = (dir.display(), |bytes: u64| bytes.div_ceil(1_000_000));
    if free.bytes < need.bytes {
        let (free, need) = (megabytes(free.bytes), megabytes(need.bytes));
        let what = format!("{dir} has {free} MB free, and the next run may need {need} MB");
        return Finding::fault(what)
            .mend("free some space, or name another state-dir in the config");
    }
    if free.files < need.files {
        let what = format!(
            "{dir} has room for {} files, and the next run may need {}",
            free.files, need.files
        );
        return Finding::fault(what)
            .mend("delete some files, or name another state-dir in the config");
    }
    Finding::good(format!(
        "{} MB free, {} MB needed at most",
        megabytes(free.bytes),
        megabytes(need.bytes)
    ))
}

/// apt fetches as a user of its own, and packages have users of theirs.
fn reachable(sandbox: Sandbox, dir: &Path) -> Option<Finding> {
    let mut test = sandbox.outside("chroot");
    // The root directory as it is, but another user.
    test.args(["--userspec=65534:65534", "--groups=", "/", "test", "-x"]).arg(dir);
    judge_reach(test.output().ok()?.status.success(), dir)
}

fn judge_reach(reaches: bool, dir: &Path) -> Option<Finding> {
    let shown = dir.display();
    (!reaches).then(|| {
        let what = format!(
            "{shown} is closed to other users, so apt will fetch as root, not as one of its own"
        );
        Finding::note(what)
            .mend(format!("let everybody through: chmod o+x {shown}, and the directories above"))
    })
}

fn temporary(dir: &Path) -> Option<Finding> {
    let error = tempfile::tempfile_in(dir).err()?;
    let what = format!("can't make temporary files in {}: {error}", dir.display());
    Some(Finding::fault(what).mend("set TMPDIR to a directory that you may write to"))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{
        Finding, FsFlags, Need, judge_reach, judge_room, mounted, nearest, temporary, writable,
    };

    fn shown(finding: &Finding) -> String {
        format!("{finding:?}")
    }

    #[test]
    fn how_it_is_mounted_matters() {
        let of = |flags| mounted(Path::new("/srv"), flags);
        assert_eq!(of(FsFlags::ST_NOATIME), []);
        let noexec = of(FsFlags::ST_NOEXEC);
        assert!(noexec[0].is_fault() && shown(&noexec[0]).contains("remount,exec"));
        let others = of(FsFlags::ST_NOSUID | FsFlags::ST_NODEV);
        assert!(others.len() == 2 && !others.iter().any(Finding::is_fault));
        assert!(of(FsFlags::ST_RDONLY)[0].is_fault());
    }

    #[test]
    fn too_little_room_is_a_fault_with_both_numbers() {
        let judge = |bytes, files| {
            judge_room(
                Path::new("/srv"),
                &Need { bytes, files },
                &Need { bytes: 2_000_000, files: 10 },
            )
        };
        assert!(!judge(2_000_000, 10).is_fault());
        assert!(shown(&judge(1_000_000, 10)).contains("1 MB free, and the next run may need 2 MB"));
        assert!(shown(&judge(2_000_000, 9)).contains("room for 9 files"));
    }

    #[test]
    fn a_directory_that_is_not_there_yet_is_judged_by_the_one_above() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("a/b");
        assert_eq!(nearest(&state), dir.path());
        assert!(!writable(&state).is_fault());
        assert!(!dir.path().join("a").exists());
        fs::write(dir.path().join("a"), "").unwrap();
        assert!(writable(Path::new("/proc/self")).is_fault());
    }

    #[test]
    fn a_closed_directory_is_noted() {
        assert_eq!(judge_reach(true, Path::new("/srv")), None);
        assert!(!judge_reach(false, Path::new("/srv")).unwrap().is_fault());
    }

    #[test]
    fn temporary_files_need_a_place() {
        assert_eq!(temporary(Path::new("/tmp")), None);
        assert!(temporary(Path::new("/proc/self")).unwrap().is_fault());
    }
}

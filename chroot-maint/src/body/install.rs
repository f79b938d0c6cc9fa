//! The upgrade itself: the host's apt, and the tree's own dpkg, which runs in the tree.
//!
//! apt orders what dpkg is to do and calls it by chroot, all in private namespaces without network: so it is the
//! same for an emulated dpkg, and whatever a package's script starts ends when apt does. Knows nothing of what comes
//! before and after it.

use std::cell::Cell;

use super::{BodyError, bootstrap::SOURCE_DATE_EPOCH, process, step, task::Task};
use crate::{
    archive::{ARCHIVES, Stage},
    foreign::is_emulator_crash,
    sandbox::Bind,
};

/// Runs in the tree: no daemon is to start, not even by a script that does not ask policy-rc.d. Not a mount, which dpkg
/// could not replace when it upgrades itself; and if it does, the new program is the right one.
const HIDE: &str = r"set -eu
cd /usr/sbin 2>/dev/null && [ -x start-stop-daemon ] || cd /sbin
[ -x start-stop-daemon ] || exit 0
mv start-stop-daemon start-stop-daemon.chroot-maint
printf '#!/bin/sh\n# not in a chroot that is being upgraded\nexit 0\n' >start-stop-daemon
chmod 755 start-stop-daemon
";

/// Undoes it.
const SHOW: &str = r"set -eu
cd /usr/sbin 2>/dev/null && [ -e start-stop-daemon.chroot-maint ] || cd /sbin
[ -e start-stop-daemon.chroot-maint ] || exit 0
if grep -q 'not in a chroot that is being upgraded' start-stop-daemon 2>/dev/null; then
    mv -f start-stop-daemon.chroot-maint start-stop-daemon
else
    rm start-stop-daemon.chroot-maint
fi
";

/// Has apt do this in the tree in the work directory, with what is in the stage.
pub(super) fn install(task: &Task<'_>, stage: &Stage, what: &[&str]) -> Result<(), BodyError> {
    let tree = task.work.tree();
    let inside = |what: &'static str, script: &str| {
        let mut sh = task.sandbox.inside(&tree, "sh");
        sh.args(["-c", script]);
        process::output(what, sh)
    };

    inside("hiding start-stop-daemon", HIDE)?;
    let archives = Bind { from: stage.debs(), to: ARCHIVES.into() };
    let mut apt_get = task.sandbox.beside(&tree, vec![archives], "apt-get");
    stage.configure_dpkg(&tree, &mut apt_get);
    apt_get.arg("-qq").args(what).env("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH);
    apt_get.env("TMPDIR", task.work.tmp());
    let is_emulated = task.id.arch != task.config.host.arch;
    let telling = Telling::default();
    process::relay(step::UPGRADE, apt_get, |line| {
        telling.tells(line) || is_emulated && is_emulator_crash(line)
    })?;
    inside("showing start-stop-daemon", SHOW).map(drop)
}

/// Finds the line that names the cause. dpkg says what it was doing on one line, and on the next one why it can't; apt
/// then only says that dpkg failed.
#[derive(Default)]
struct Telling {
    reason_is_next: Cell<bool>,
}

impl Telling {
    fn tells(&self, line: &str) -> bool {
        if line.contains("No space left on device") {
            return true;
        }
        let says_why = self.reason_is_next.replace(line.starts_with("dpkg: error processing "));
        says_why || line.starts_with("E: ") && !line.starts_with("E: Sub-process ")
    }
}

#[cfg(test)]
mod tests {
    use super::Telling;

    fn told<'a>(said: &[&'a str]) -> Option<&'a str> {
        let telling = Telling::default();
        said.iter().copied().find(|line| telling.tells(line))
    }

    #[test]
    fn of_a_package_that_fails_the_reason_is_told() {
        let reason = "installed hello package post-installation script subprocess returned error exit status 1";
        let said = [
            "hello: I can't",
            "dpkg: error processing package hello (--configure):",
            reason,
            "Errors were encountered while processing:",
            "hello",
            "E: Sub-process env returned an error code (1)",
        ];
        assert_eq!(told(&said), Some(reason));
    }

    #[test]
    fn what_apt_itself_refuses_is_told() {
        let said = ["W: x", "E: Essential packages were removed and -y was used"];
        assert_eq!(told(&said), Some(said[1]));
        assert_eq!(told(&["E: Sub-process env returned an error code (1)"]), None);
    }
}

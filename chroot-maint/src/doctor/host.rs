//! The kernel, the tools, the namespaces, and the architectures that can be run.

use std::{collections::BTreeSet, process::Command};

use nix::{sys::utsname::uname, unistd::geteuid};

use super::{outputs, report::Finding};
use crate::{
    config::Config,
    foreign::{Finding as Registered, Registry, emulator_package, exit_program},
    sandbox::{Runs, Sandbox, SandboxError},
    spec::Arch,
    tools,
};

/// The end of a process is learnt from a pidfd, which needs this.
const OLDEST_KERNEL: (u32, u32) = (5, 10);

pub(super) fn kernel() -> Finding {
    let release = uname().map(|names| names.release().to_string_lossy().into_owned());
    judge_kernel(&release.unwrap_or_default())
}

fn judge_kernel(release: &str) -> Finding {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map_while(|n| n.parse().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version < OLDEST_KERNEL {
        return Finding::fault(format!("kernel {release} is too old"))
            .mend(format!("run Linux {}.{} or later", OLDEST_KERNEL.0, OLDEST_KERNEL.1));
    }
    Finding::good(format!("kernel {release}"))
}

pub(super) fn tools() -> Finding {
    let mut names =
        vec!["mmdebstrap", "apt-get", "apt-config", "dpkg", "chroot", "du", "tar", "sh"];
    if !geteuid().is_root() {
        names.extend(["newuidmap", "newgidmap"]);
    }
    match tools::require(&names) {
        Ok(()) => Finding::good(format!("tools: {}", names.join(", "))),
        Err(missing) => Finding::error(&missing),
    }
}

pub(super) fn namespaces() -> Finding {
    Finding::good(if geteuid().is_root() {
        "private namespaces"
    } else {
        "private namespaces, with subordinate ids"
    })
}

pub(super) fn no_namespaces(error: &SandboxError) -> Finding {
    Finding::error(error)
}

/// A layer over nothing much, in memory.
const OVERLAY: &str = "mount -t tmpfs tmpfs /tmp && cd /tmp && mkdir lower upper work root && \
                       mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work root";

pub(super) fn overlay(sandbox: Sandbox) -> Finding {
    let mut command = sandbox.outside("sh");
    command.args(["-c", OVERLAY]);
    judge_overlay(&mut command)
}

fn judge_overlay(command: &mut Command) -> Finding {
    match command.output() {
        Ok(output) if output.status.success() => Finding::good("overlays, for `enter'"),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.lines().last().unwrap_or("no reason given").trim();
            Finding::fault(format!("no overlay can be mounted: {said}; `enter' won't work"))
                .mend("run as root: modprobe overlay; as an ordinary user, Linux 5.11 is needed")
        }
        Err(error) => Finding::fault(format!("can't start this program again: {error}")),
    }
}

pub(super) fn architectures(config: &Config) -> Vec<Finding> {
    let archs: BTreeSet<Arch> = config.chroots.keys().map(|id| id.arch).collect();
    let handed_out = outputs::archs(config);
    let look = |arch| architecture(arch, config.host.arch, handed_out.contains(&arch));
    archs.into_iter().flat_map(look).collect()
}

/// `is_handed_out` says that others than this program are to run programs of it as well.
fn architecture(arch: Arch, host: Arch, is_handed_out: bool) -> Vec<Finding> {
    let sandbox = match Sandbox::open_for(arch, host) {
        Ok(sandbox) => sandbox,
        Err(error) => return vec![Finding::error(&error)],
    };
    let registered = exit_program(arch).map(|program| Registry::read().find(&program));
    judge_architecture(arch, sandbox.runs(), registered, is_handed_out)
}

/// What the host has registered matters to others even where it does not to this program.
fn judge_architecture(
    arch: Arch,
    runs: Runs,
    registered: Option<Registered>,
    is_handed_out: bool,
) -> Vec<Finding> {
    let (good, but) = match runs {
        Runs::Natively => return vec![Finding::good(format!("{arch} runs natively"))],
        Runs::ByTheHost => (
            format!("{arch} runs by an emulator that this host has registered"),
            "it works only until the host starts again",
        ),
        Runs::Privately => (
            format!("{arch} runs by an emulator in a binfmt_misc of its own"),
            "chroot-maint does without, schroot and sbuild can't",
        ),
    };
    let complaint = registered.and_then(|registered| registered.complaint(emulator_package()));
    let is_fault = is_handed_out && runs == Runs::Privately;
    let note = complaint.map(|(what, mend)| {
        let what = format!("{arch}: {what}; {but}");
        let finding = if is_fault { Finding::fault(what) } else { Finding::note(what) };
        finding.mend(format!("run as root: {mend}"))
    });
    [Finding::good(good)].into_iter().chain(note).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{
        Arch, Finding, Registered, Runs, architecture, judge_architecture, judge_kernel,
        judge_overlay,
    };
    use crate::host::Host;

    #[test]
    fn an_old_kernel_is_a_fault() {
        for release in ["5.10.0-28-amd64", "6.1.0", "10.0"] {
            assert!(!judge_kernel(release).is_fault(), "{release}");
        }
        for release in ["5.9.16", "4.19.0-27-amd64", "", "x"] {
            assert!(judge_kernel(release).is_fault(), "{release}");
        }
    }

    #[test]
    fn a_refused_overlay_is_a_fault_with_the_reason() {
        let mut refused = Command::new("sh");
        refused.args(["-c", "echo 'mount: unknown filesystem type overlay.' >&2; exit 32"]);
        let finding = judge_overlay(&mut refused);
        assert!(finding.is_fault());
        assert!(format!("{finding:?}").contains("unknown filesystem type"), "{finding:?}");
        assert_eq!(
            judge_overlay(&mut Command::new("true")),
            Finding::good("overlays, for `enter'")
        );
    }

    #[test]
    fn what_the_host_lacks_is_noted_though_this_program_does_without() {
        let arm64 = Arch::find("arm64").unwrap();
        let judge = |runs, registered| judge_architecture(arm64, runs, Some(registered), false);
        let interpreter = std::path::PathBuf::from("/nowhere/qemu");
        let vanished = Registered::Vanished { entry: "docker".to_owned(), interpreter };
        for (runs, registered, said) in [
            (Runs::Privately, Registered::NotMounted, "schroot and sbuild can't"),
            (Runs::Privately, Registered::EntryDisabled("x".to_owned()), "entry x is disabled"),
            (Runs::ByTheHost, vanished, "/nowhere/qemu, which is gone"),
        ] {
            let findings = judge(runs, registered);
            assert!(format!("{findings:?}").contains(said), "{findings:?}");
            assert!(findings.len() == 2 && !findings.iter().any(Finding::is_fault));
        }
        assert_eq!(judge(Runs::Natively, Registered::NotMounted).len(), 1);
    }

    #[test]
    fn what_the_host_lacks_is_a_fault_where_schroot_or_sbuild_are_to_run_it() {
        let arm64 = Arch::find("arm64").unwrap();
        let findings =
            judge_architecture(arm64, Runs::Privately, Some(Registered::NotMounted), true);
        assert!(findings[1].is_fault(), "{findings:?}");
        assert!(format!("{findings:?}").contains("mount -t binfmt_misc"), "{findings:?}");
    }

    #[test]
    fn an_architecture_that_nobody_can_run_is_a_fault_or_has_no_sandbox() {
        let host = Host::detect().unwrap().arch;
        let findings = architecture(Arch::find("ia64").unwrap(), host, false);
        assert!(findings.iter().all(Finding::is_fault), "{findings:?}");
    }
}

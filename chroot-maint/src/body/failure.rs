//! From what went wrong to whose affair it is, a reason on one line, and what to do: what reports, outcomes and exit
//! statuses are made of. Reads errors and what tools said; does nothing.

use std::{error::Error, fmt, io};

use super::{BodyError, dpkg_fault, step};
use crate::{
    archive::{ArchiveError, FetchFailure, SourcesError},
    foreign::is_emulator_crash,
    outputs::OutputError,
    spec::{FailureClass, show_span},
    store::StoreError,
};

/// How many of a tool's last lines are kept for those who were not there.
const LAST_LINES: usize = 20;

const MAKE_ROOM: &str = "make room: `chroot-maint gc' deletes what nothing uses";
const SEE_LOG: &str = "see the log";

/// A failure in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) class: FailureClass,
    /// On one line.
    pub(crate) reason: String,
    pub(crate) advice: Option<String>,
    /// Of what the tool said that failed, if it was one.
    pub(crate) last_lines: Vec<String>,
}

impl Failure {
    fn new(class: FailureClass, reason: impl Into<String>, advice: impl Into<String>) -> Self {
        // Some tools say more than a line, and so do some errors of the system.
        let line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let advice = Some(line(advice.into())).filter(|advice| !advice.is_empty());
        Self { class, reason: line(reason.into()), advice, last_lines: Vec::new() }
    }

    /// Of an error whose text ends with what to do, after a semicolon.
    fn told(class: FailureClass, error: impl fmt::Display) -> Self {
        let text = error.to_string();
        match text.split_once("; ") {
            Some((reason, advice)) => Self::new(class, reason, advice),
            None => Self::new(class, text, ""),
        }
    }

    fn with_last_lines(mut self, output: &str) -> Self {
        let lines: Vec<&str> = output.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines.len().saturating_sub(LAST_LINES);
        self.last_lines = lines[last..].iter().map(|line| (*line).to_owned()).collect();
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class, self.reason)?;
        self.advice.iter().try_for_each(|advice| write!(f, "; {advice}"))
    }
}

impl BodyError {
    /// Whose affair it is, and all that can be said of it.
    pub(crate) fn failure(&self) -> Failure {
        use FailureClass::{
            Configuration, Disk, Emulator, Host, Interrupted, Mirror, Other, Package, Policy,
        };
        if let Some(failure) = of_disk(self) {
            return failure;
        }
        match self {
            Self::NotConfigured { .. }
            | Self::NoToolsWanted { .. }
            | Self::NoDonor { .. }
            | Self::NoMirror
            | Self::ToolList { .. }
            | Self::List(_)
            | Self::NoSuchArchive { .. }
            | Self::Archive(ArchiveError::NoPackages { .. })
            | Self::Sources(SourcesError::NoKeyring(_)) => Failure::told(Configuration, self),
            Self::Fetch(failure) => of_fetch(failure),
            Self::WouldRemove { .. } => Failure::told(Policy, self),
            Self::NoRoom { .. } => Failure::told(Disk, self),
            Self::Busy { .. } => Failure::told(Other, self),
            Self::MissingTools(_)
            | Self::Sandbox(_)
            | Self::HostApt(_)
            | Self::Sources(_)
            | Self::Settle(_)
            | Self::Start { .. }
            | Self::Archive(ArchiveError::Sum(_))
            | Self::Store(StoreError::Create { .. } | StoreError::Mounted { .. }) => {
                Failure::told(Host, self)
            }
            Self::HandOut(
                OutputError::NotRoot
                | OutputError::OtherUser { .. }
                | OutputError::NoSchroot { .. },
            ) => Failure::told(Host, self),
            Self::HandOut(
                OutputError::Read { .. } | OutputError::Write { .. } | OutputError::Store(_),
            )
            | Self::Archive(_)
            | Self::Store(_)
            | Self::Output(_)
            | Self::Manifest(_)
            | Self::Tools(_)
            | Self::NoSource { .. }
            | Self::Write { .. } => {
                let class = if is_forbidden(self) { Host } else { Other };
                Failure::told(class, self)
            }
            Self::HandOut(_) => Failure::told(Configuration, self),
            Self::Step { what, output, .. } => of_step(self, what, output).with_last_lines(output),
            Self::Emulator { output, .. } => Failure::new(
                Emulator,
                self.to_string(),
                "these come and go; if this one stays, take another version of QEMU",
            )
            .with_last_lines(output),
            Self::Unfinished => Failure::new(
                Host,
                self.to_string(),
                "see by `dmesg' whether that was for want of memory, and try again",
            ),
            Self::Unfit(_) => Failure::new(Package, self.to_string(), SEE_LOG),
            Self::Overdue { limit, what: Some("apt-get update" | "apt-get --download-only") } => {
                Failure::new(
                    Mirror,
                    self.to_string(),
                    format!(
                        "see whether network, `mirror' and `proxy' are right, or try again later; \
                         `time-limit' in the config, {} now, allows more",
                        show_span(*limit)
                    ),
                )
            }
            Self::Overdue { limit, .. } => Failure::new(
                Package,
                self.to_string(),
                format!(
                    "see in the log what it waited for: a maintainer script may hang; \
                     `time-limit' in the config, {} now, allows more",
                    show_span(*limit)
                ),
            ),
            Self::Interrupted { .. } => Failure::new(Interrupted, self.to_string(), ""),
        }
    }

    /// Takes a crash of the emulator for what it is; to be asked only where programs run in one.
    pub(super) fn under_emulation(self) -> Self {
        let Self::Step { what, output, .. } = &self else {
            return self;
        };
        let crash = output.lines().map(str::trim).find(|line| is_emulator_crash(line));
        match crash {
            Some(said) => Self::Emulator { what, said: said.to_owned(), output: output.clone() },
            None => self,
        }
    }
}

fn of_fetch(failure: &FetchFailure) -> Failure {
    Failure::new(failure.class(), failure.reason_with_words(), failure.advice())
        .with_last_lines(&failure.output)
}

/// By what the tool said. Its own complaints count first, for what follows from a full disk or a script that fails is
/// much the same whatever it was.
fn of_step(error: &BodyError, what: &str, output: &str) -> Failure {
    if let Some(line) = output.lines().find(|line| tells_of_disk(line)) {
        return Failure::new(
            FailureClass::Disk,
            format!("{what}: {}", line.trim_start_matches("E: ")),
            MAKE_ROOM,
        );
    }
    if let Some(fault) = dpkg_fault::find(output) {
        return Failure::new(FailureClass::Package, fault.to_string(), fault.advice());
    }
    if step::is_apts(what) {
        let failure = FetchFailure::read(output);
        if failure.is_known() {
            return of_fetch(&failure);
        }
    }
    if let Some(said) = output.lines().find(|line| line.starts_with("sandbox: ")) {
        let advice = "`chroot-maint doctor' says what this host lacks";
        return Failure::new(FailureClass::Host, format!("{what}: {said}"), advice);
    }
    // What looks at the packages, or runs what is in them, and finds them wanting.
    let is_package = step::is_about_packages(what);
    let class = if is_package { FailureClass::Package } else { FailureClass::Other };
    Failure::new(class, error.to_string(), SEE_LOG)
}

/// A disk that is full or broken, whoever was told by the system.
fn of_disk(error: &BodyError) -> Option<Failure> {
    let fault = sources(error).find_map(|source| source.downcast_ref::<io::Error>())?;
    let advice = match (fault.kind(), fault.raw_os_error()) {
        (io::ErrorKind::StorageFull, _) => MAKE_ROOM,
        (io::ErrorKind::QuotaExceeded, _) => "make room, or have the quota raised",
        (io::ErrorKind::ReadOnlyFilesystem, _) => {
            "if it should not be read-only, see `dmesg': Linux makes a disk with a fault so"
        }
        (_, Some(EIO)) => "the disk has a fault: see `dmesg'",
        _ => return None,
    };
    Some(Failure::new(FailureClass::Disk, error.to_string(), advice))
}

const EIO: i32 = nix::errno::Errno::EIO as i32;

fn is_forbidden(error: &BodyError) -> bool {
    let mut faults = sources(error).filter_map(|source| source.downcast_ref::<io::Error>());
    faults.any(|fault| fault.kind() == io::ErrorKind::PermissionDenied)
}

/// What it came from, and what that came from.
fn sources(error: &BodyError) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&source| source.source())
}

/// tar, dpkg and apt name a full disk in words of their own. Of scripts, only those count that can mean nothing else.
fn tells_of_disk(line: &str) -> bool {
    let says = |words: &[&str]| words.iter().any(|word| line.contains(word));
    let is_tool =
        ["E: ", "dpkg", "tar: ", "mmdebstrap", "cp: "].iter().any(|start| line.starts_with(start));
    says(&["No space left on device", "Disk quota exceeded", "You don't have enough free space"])
        || is_tool && says(&["Read-only file system", "Input/output error"])
}

#[cfg(test)]
mod tests {
    use std::{io, os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};

    use nix::errno::Errno;

    use super::{ArchiveError, BodyError, Failure, FailureClass, FetchFailure, StoreError};

    fn step(what: &'static str, output: &str) -> BodyError {
        let status = ExitStatus::from_raw(256);
        let said = output.lines().next_back().unwrap_or_default().to_owned();
        BodyError::Step { what, status, said, output: output.to_owned() }
    }

    fn class(error: &BodyError) -> FailureClass {
        error.failure().class
    }

    #[test]
    fn a_script_that_fails_is_its_packages_affair() {
        let output = "I: installing remaining packages inside the chroot...\n\
            Setting up hello (1) ...\n\
            dpkg: error processing package hello (--configure):\n \
            installed hello package post-installation script subprocess returned error exit status 1\n\
            Errors were encountered while processing:\n hello\n\
            E: Sub-process /usr/bin/dpkg returned an error code (1)\n\
            E: run_chroot failed: E: env --unset=APT_CONFIG --unset=TMPDIR apt-get --yes install failed";
        let failure = step("mmdebstrap", output).failure();
        assert_eq!(failure.class, FailureClass::Package);
        assert_eq!(
            failure.reason,
            "hello: its post-installation script returned error exit status 1"
        );
        assert_eq!(failure.last_lines.len(), 8);
    }

    #[test]
    fn a_script_that_could_not_connect_is_still_the_packages_affair() {
        let output = "curl: (7) Failed to connect: Connection refused\n\
            dpkg: error processing package x (--configure):\n \
            installed x package post-installation script subprocess returned error exit status 7\n\
            E: Sub-process /usr/bin/dpkg returned an error code (1)";
        assert_eq!(class(&step(super::step::UPGRADE, output)), FailureClass::Package);
    }

    #[test]
    fn mmdebstraps_failures_are_known_by_apts_words() {
        for (said, expected) in [
            (
                "E: Failed to fetch http://mirror.example/pool/h/hello_1_all.deb  404  Not Found [IP: 192.0.2.1 80]",
                FailureClass::Mirror,
            ),
            (
                "E: Failed to fetch http://mirror.example/pool/h/hello_1_all.deb  Hash Sum mismatch",
                FailureClass::Mirror,
            ),
            (
                "E: The repository 'http://mirror.example/debian trixie InRelease' is not signed.",
                FailureClass::Policy,
            ),
            ("E: Unable to locate package helo", FailureClass::Package),
        ] {
            let output = format!("I: downloading packages with apt...\n{said}\nE: apt-get failed");
            assert_eq!(class(&step("mmdebstrap", &output)), expected, "{said}");
        }
        assert_eq!(class(&step("mmdebstrap", "E: the moon is full")), FailureClass::Other);
    }

    #[test]
    fn packages_that_do_not_fit_together_are_the_packages_affair_in_every_step() {
        use crate::body::step::{AUDIT, CHECK, JOURNAL, SIMULATE, UPGRADE};
        let unmet = "The following packages have unmet dependencies:\n hello : Depends: x but it is not installable\n\
            E: Error, pkgProblemResolver::Resolve generated breaks";
        for what in [SIMULATE, UPGRADE, CHECK] {
            assert_eq!(class(&step(what, unmet)), FailureClass::Package, "{what}");
            let said = "E: Failed to fetch http://mirror.example/x  Hash Sum mismatch";
            assert_eq!(class(&step(what, said)), FailureClass::Mirror, "{what}");
        }
        for what in [AUDIT, JOURNAL] {
            assert_eq!(class(&step(what, "x")), FailureClass::Package, "{what}");
        }
    }

    #[test]
    fn a_full_disk_is_the_disks_affair_whoever_meets_it() {
        for (what, output) in [
            (
                "mmdebstrap",
                "tar: ./usr/share/doc/x: Cannot mkdir: No space left on device\nE: tar --extract failed: 512",
            ),
            (
                "mmdebstrap",
                "dpkg: error processing archive /a/x_1_all.deb (--unpack):\n cannot copy extracted data for './x' to '/x.dpkg-new': failed to write (No space left on device)",
            ),
            ("mmdebstrap", "E: You don't have enough free space in /var/cache/apt/archives/."),
            ("cloning", "cp: error writing '/x': Disk quota exceeded"),
            ("cloning", "cp: cannot create '/x': Read-only file system"),
        ] {
            assert_eq!(class(&step(what, output)), FailureClass::Disk, "{output}");
        }
        for errno in [Errno::ENOSPC, Errno::EDQUOT, Errno::EROFS, Errno::EIO] {
            let source = || io::Error::from(errno);
            let path = "/x".into();
            for error in [
                BodyError::Write { what: "apt's sources", source: source() },
                StoreError::Write { path, source: source() }.into(),
                ArchiveError::Sum(source()).into(),
            ] {
                assert_eq!(class(&error), FailureClass::Disk, "{error}");
            }
        }
        let wrapped = io::Error::new(io::ErrorKind::StorageFull, "in /x");
        assert_eq!(class(&BodyError::Settle(wrapped)), FailureClass::Disk);
    }

    #[test]
    fn a_script_that_meets_what_is_read_only_does_not_mean_the_disk() {
        let output = "sysctl: setting key: Read-only file system\n\
            dpkg: error processing package x (--configure):\n \
            installed x package post-installation script subprocess returned error exit status 1";
        assert_eq!(class(&step("mmdebstrap", output)), FailureClass::Package);
    }

    #[test]
    fn a_crash_is_the_emulators_only_where_there_is_one() {
        let output = "qemu: uncaught target signal 11 (Segmentation fault) - core dumped\n\
            dpkg: error processing package libc-bin (--configure):\n \
            installed libc-bin package post-installation script subprocess returned error exit status 139";
        assert_eq!(class(&step("mmdebstrap", output)), FailureClass::Package);
        let failure = step("mmdebstrap", output).under_emulation().failure();
        assert_eq!(failure.class, FailureClass::Emulator);
        assert!(failure.reason.contains("uncaught target signal 11"), "{failure}");
        let other = step("mmdebstrap", "E: no").under_emulation();
        assert!(matches!(other, BodyError::Step { .. }));
    }

    #[test]
    fn a_tool_that_is_missing_is_this_hosts_affair() {
        let source = io::Error::from(io::ErrorKind::NotFound);
        assert_eq!(class(&BodyError::Start { what: "du", source }), FailureClass::Host);
        let source = io::Error::from(io::ErrorKind::PermissionDenied);
        assert_eq!(
            class(&StoreError::Read { path: "/x".into(), source }.into()),
            FailureClass::Host
        );
        let output = "sandbox: mount: Operation not permitted";
        assert_eq!(class(&step("measuring the tree", output)), FailureClass::Host);
    }

    #[test]
    fn what_takes_too_long_is_the_mirrors_affair_only_where_something_is_fetched() {
        let limit = Duration::from_secs(60);
        for (what, expected) in [
            (Some("apt-get update"), FailureClass::Mirror),
            (Some("apt-get --download-only"), FailureClass::Mirror),
            (Some("upgrading the packages"), FailureClass::Package),
            (None, FailureClass::Package),
        ] {
            assert_eq!(class(&BodyError::Overdue { limit, what }), expected, "{what:?}");
        }
    }

    #[test]
    fn a_failure_is_one_line_with_class_reason_and_advice() {
        let fetch = FetchFailure::read(
            "W: Tries-left: 0\nE: Failed to fetch http://mirror.example/x  Could not connect to mirror.example:80 (192.0.2.1).",
        );
        assert_eq!(
            BodyError::Fetch(fetch).failure().to_string(),
            "mirror: the mirror can't be reached: Failed to fetch http://mirror.example/x Could not connect to \
             mirror.example:80 (192.0.2.1); see whether network, `mirror' and `proxy' are right, or try again later"
        );
        let unfit = BodyError::Unfit("dpkg --audit says:\n two lines".to_owned());
        assert!(!unfit.failure().to_string().contains('\n'));
    }

    #[test]
    fn what_to_do_is_taken_out_of_an_errors_text() {
        let failure = Failure::told(FailureClass::Host, "x not found; run as root: y; z");
        assert_eq!(
            (&*failure.reason, failure.advice.as_deref()),
            ("x not found", Some("run as root: y; z"))
        );
    }
}

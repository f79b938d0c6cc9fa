//! Private namespaces to work on trees in, the same for root and for everybody else, native and foreign.
//!
//! Root gets mount, pid, uts and ipc namespaces. Others get a user namespace around them, in which
//! they are root: their own id is 0, and their subordinate ids are the rest. Where an architecture
//! needs an emulator that the host has not registered, a user namespace has a `binfmt_misc` of its own, and root gets
//! one too, in which all ids are what they are outside.
//!
//! This program builds the sandbox itself, in two processes: [`outer`] and [`init`]. Whatever runs in a sandbox is
//! killed by the kernel when the thread that started it ends, however it ends, and no mount outlives it. Knows
//! nothing of stores, apt or dpkg.

mod beside;
mod fault;
mod init;
mod outer;
mod plan;
mod privilege;
mod probe;
mod root;
mod session;
mod subids;
mod tree;

use std::{
    ffi::{OsStr, OsString},
    io::{self, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{self, Command, Stdio},
};

pub(crate) use plan::{Bind, Session};
pub(crate) use privilege::SandboxError;
pub(crate) use probe::Runs;

use crate::spec::Arch;
use plan::{Plan, View};
use privilege::Privilege;

/// The way into private namespaces on this host, for programs of one architecture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sandbox {
    privilege: Privilege,
    arch: Option<Arch>,
    runs: Runs,
    /// Whether the emulator is told what processor to play.
    names_processor: bool,
}

/// The exit status of a sandbox that can't be built; chroot(1) has the same for itself, and 126 and 127 for commands
/// that can't be run or found.
pub(crate) const FAILED: u8 = 125;

/// How a command in a tree is found.
const PATH: (&str, &str) = ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");

/// What language a command in a tree is told to speak, and how it is kept from asking questions.
const ENVIRONMENT: [(&str, &str); 8] = [
    ("LC_ALL", "C.UTF-8"),
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("DEBIAN_PRIORITY", "critical"),
    ("DEBCONF_NONINTERACTIVE_SEEN", "true"),
    ("APT_LISTCHANGES_FRONTEND", "none"),
    ("NEEDRESTART_SUSPEND", "1"),
    ("SYSTEMD_OFFLINE", "1"),
    ("UCF_FORCE_CONFFNEW", "1"),
];

/// Whether a user has the subordinate ids that a user namespace takes; an error says how to add them.
pub(crate) fn check_subordinate_ids(user: &str, uid: u32) -> Result<(), SandboxError> {
    privilege::subordinate_ids(user, uid).map(drop)
}

impl Sandbox {
    /// Tries the namespaces out, and says what is missing for them.
    pub(crate) fn open() -> Result<Self, SandboxError> {
        let privilege = Privilege::detect()?;
        let sandbox = Self { privilege, arch: None, runs: Runs::Natively, names_processor: false };
        sandbox.privilege.probe(sandbox.outside("true"))?;
        Ok(sandbox)
    }

    /// The same for programs of this architecture: finds out how they can be run here, and says what to do if
    /// they can't.
    pub(crate) fn open_for(arch: Arch, host: Arch) -> Result<Self, SandboxError> {
        if arch == host { Self::open() } else { Self::try_out(arch, host) }
    }

    /// How it runs programs of its architecture.
    pub(crate) fn runs(self) -> Runs {
        self.runs
    }

    /// A command that sees the host's files, as root over them as far as this user can be: its own and
    /// those of its subordinate ids. Its environment holds nothing of the caller's.
    pub(crate) fn outside(self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.command(View::Host, false, Path::new("/"));
        // A home that is none: tools would read their settings from it.
        command.envs(ENVIRONMENT).env("HOME", "/nonexistent");
        command.arg(program);
        command
    }

    /// A command that sees the tree alone: with a /proc, a small /dev and an empty /tmp of its own, and
    /// without network.
    pub(crate) fn inside(self, tree: &Path, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.command(View::Tree, true, tree);
        command.envs(ENVIRONMENT).env("HOME", "/root");
        command.arg(program);
        command
    }

    /// A command that sees the host's files, and what a tree needs mounted in it: for apt, which calls dpkg in the tree.
    /// `binds` are shown there as well. Without network.
    pub(crate) fn beside(
        self,
        tree: &Path,
        binds: Vec<Bind>,
        program: impl AsRef<OsStr>,
    ) -> Command {
        let mut command = self.command(View::Beside(binds), true, tree);
        command.envs(ENVIRONMENT).env("HOME", "/root");
        command.arg(program);
        command
    }

    /// A command, to be given as arguments or else the user's shell, that sees a throw-away layer over the tree, and
    /// the host's network.
    pub(crate) fn session(self, tree: &Path, session: Session) -> Command {
        self.command(View::Session(session), false, tree)
    }

    fn command(self, view: View, is_offline: bool, tree: &Path) -> Command {
        let registration = self.registration();
        let plan = Plan {
            parent: i32::try_from(process::id()).unwrap_or(0),
            mapping: self.privilege.mapping(registration.is_some()),
            is_offline,
            registration,
            is_32_bit: self.is_32_bit(),
            view,
            first_stage: None,
        };
        // It is found by this name even if it was replaced by a newer version meanwhile.
        let mut command = Command::new("/proc/self/exe");
        command.arg0("chroot-maint").arg("in-sandbox");
        // Values of such types always have a form in JSON; an empty one would be refused.
        command.arg(serde_json::to_string(&plan).unwrap_or_default()).arg(tree);
        command.env_clear().envs([PATH]).envs(self.processor()).stdin(Stdio::null());
        command
    }
}

/// What a sandbox's own processes do: the first word is the plan, the second the tree, the others the command.
pub(crate) fn run(words: &[OsString]) -> u8 {
    let plan = words.first().and_then(|plan| serde_json::from_str::<Plan>(plan.to_str()?).ok());
    let ended = match plan {
        None => Err(fault::Fault::new("this is not to be called by hand")),
        Some(plan) => match plan.first_stage {
            None => outer::run(plan, &words[1..]),
            Some(first_stage) => init::run(&plan, first_stage, &words[1..]),
        },
    };
    ended.unwrap_or_else(|fault| {
        // Where even this can't be said, the exit status says it.
        let _ = writeln!(io::stderr(), "chroot-maint: {fault}");
        FAILED
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{
        Privilege, Runs, Sandbox,
        plan::{Mapping, Plan},
        subids::Ids,
    };
    use crate::spec::Arch;

    const IDS: Ids = Ids { first: 100_000, count: 65_536 };
    const USER: Privilege = Privilege::Rootless { uid: 1000, gid: 1000, uids: IDS, gids: IDS };

    fn plan(privilege: Privilege) -> Plan {
        let sandbox =
            Sandbox { privilege, arch: None, runs: Runs::Natively, names_processor: false };
        let command = sandbox.inside(Path::new("/tree"), "true");
        let words: Vec<_> = command.get_args().map(|word| word.to_str().unwrap()).collect();
        assert_eq!((words[0], &words[2..]), ("in-sandbox", &["/tree", "true"][..]));
        serde_json::from_str(words[1]).unwrap()
    }

    #[test]
    fn only_those_who_are_not_root_get_a_user_namespace() {
        assert_eq!(plan(Privilege::Root).mapping, Mapping::None);
        assert!(matches!(plan(USER).mapping, Mapping::Own { uid: 1000, .. }));
    }

    #[test]
    fn an_emulator_of_ones_own_takes_a_user_namespace() {
        assert_eq!(Privilege::Root.mapping(true), Mapping::Same);
        assert!(matches!(USER.mapping(true), Mapping::Own { .. }));
    }

    #[test]
    fn an_emulator_is_told_what_processor_to_play_if_it_understands() {
        let told = |arch: &str, names_processor| {
            let arch = Arch::find(arch).unwrap().into();
            let sandbox = Sandbox { privilege: USER, arch, runs: Runs::Privately, names_processor };
            let command = sandbox.inside(Path::new("/tree"), "true");
            command.get_envs().any(|(name, _)| name == "QEMU_CPU")
        };
        assert_eq!(
            [told("arm64", true), told("arm64", false), told("armhf", true)],
            [true, false, false]
        );
    }

    #[test]
    fn the_namespaces_belong_to_the_process_that_asks_for_them() {
        assert_eq!(plan(Privilege::Root).parent, i32::try_from(std::process::id()).unwrap());
    }
}

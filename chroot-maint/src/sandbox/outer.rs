//! The first of the two processes that build a sandbox: it makes the namespaces, has the ids mapped, and starts the
//! second one, which is the first process in the new pid namespace.
//!
//! It dies with the process that wants the sandbox, and the second one with it, whenever that is: each asks the kernel
//! for that, and then looks whether the other one is still there. Does not mount anything.

use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, atomic::AtomicBool},
};

use nix::{
    sched::{CloneFlags, unshare},
    sys::{
        prctl::set_pdeathsig,
        resource::{Resource, getrlimit, setrlimit},
        signal::Signal,
        stat::{Mode, umask},
    },
    unistd::{getpid, getppid},
};

use super::{
    fault::{Fault, Told},
    plan::{Mapping, Plan},
};

/// Waits until the namespace is there, and maps the ids in it from outside. A user's by tools that are setuid for it.
const MAP_OWN: &str = r#"read -r go
newuidmap "$1" 0 "$2" 1 1 "$4" "$5"
newgidmap "$1" 0 "$3" 1 1 "$6" "$7"
"#;

/// The same for root, who may write what it likes.
const MAP_SAME: &str = r#"read -r go
printf %s "$2" >"/proc/$1/uid_map"
printf %s "$3" >"/proc/$1/gid_map"
"#;

/// Builds the sandbox, and ends as the command in it does.
pub(super) fn run(plan: Plan, words: &[OsString]) -> Result<u8, Fault> {
    die_with(plan.parent)?;
    limit().told("can't set limits")?;
    umask(Mode::from_bits_truncate(0o022));

    let mut mapper = start_mapper(plan.mapping).told("can't start a shell")?;
    let flags = [
        (true, CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS),
        (true, CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWPID),
        (plan.mapping != Mapping::None, CloneFlags::CLONE_NEWUSER),
        (plan.is_offline, CloneFlags::CLONE_NEWNET),
    ];
    let flags = flags.into_iter().filter(|(wanted, _)| *wanted).map(|(_, flag)| flag).collect();
    unshare(flags).told("can't make namespaces")?;
    if let Some(mapper) = &mut mapper {
        map(mapper)?;
        // With other credentials, the kernel may have forgotten it.
        die_with(plan.parent)?;
    }

    let mut child = start_init(plan, words).told("can't start this program again")?;
    // What the terminal sends is for the command, which is in the same process group. The handlers are not inherited.
    for signal in [Signal::SIGINT, Signal::SIGQUIT] {
        signal_hook::flag::register(signal as i32, Arc::new(AtomicBool::new(false)))
            .told("can't handle signals")?;
    }
    let status = child.wait().told("can't wait")?;
    Ok(exit_status(status))
}

/// Has the kernel kill this process when its parent ends; if it has ended already, that was a moment too late.
fn die_with(parent: i32) -> Result<(), Fault> {
    set_pdeathsig(Signal::SIGKILL).told("can't be bound to the parent process")?;
    if getppid().as_raw() == parent {
        return Ok(());
    }
    Err(Fault::new("the process that wants this is gone"))
}

/// Few descriptors, for old tools close every possible one before an exec, and emulated ones take hours for it;
/// no core dumps.
fn limit() -> nix::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, soft.min(1024), hard.min(4096))?;
    let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
    setrlimit(Resource::RLIMIT_CORE, 0, hard)
}

/// A shell outside the user namespace to be, which will write the mapping. It ends if this process does.
fn start_mapper(mapping: Mapping) -> io::Result<Option<Child>> {
    let mut shell = Command::new("sh");
    let me = getpid().to_string();
    match mapping {
        Mapping::None => return Ok(None),
        Mapping::Same => {
            let [uids, gids] = ["uid", "gid"].map(|kind| {
                fs::read_to_string(format!("/proc/self/{kind}_map")).map(|map| same_ids(&map))
            });
            shell.args(["-euc", MAP_SAME, "map", &me, &uids?, &gids?]);
        }
        Mapping::Own { uid, gid, uids, gids } => {
            shell.args(["-euc", MAP_OWN, "map", &me]);
            // As unshare --map-root-user --map-auto has it: so these trees can be entered by that, too.
            let own = [uid, gid].map(u64::from);
            let numbers = [own[0], own[1], uids.first, uids.count - 1, gids.first, gids.count - 1];
            shell.args(numbers.map(|number| number.to_string()));
        }
    }
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().map(Some)
}

/// From the map of this process's own namespace, `INSIDE OUTSIDE COUNT`, the one that leaves all of its ids as they are.
fn same_ids(map: &str) -> String {
    let line = |line: &str| {
        let mut fields = line.split_whitespace();
        let (inside, count) = (fields.next()?, fields.nth(1)?);
        Some(format!("{inside} {inside} {count}\n"))
    };
    map.lines().filter_map(line).collect()
}

fn map(mapper: &mut Child) -> Result<(), Fault> {
    if let Some(mut stdin) = mapper.stdin.take() {
        stdin.write_all(b"go\n").told("can't have the ids mapped")?;
    }
    let status = mapper.wait().told("can't have the ids mapped")?;
    if status.success() { Ok(()) } else { Err(Fault::new("can't have the ids mapped")) }
}

/// Starts the second stage.
fn start_init(mut plan: Plan, words: &[OsString]) -> io::Result<Child> {
    plan.first_stage = Some(getpid().as_raw());
    // By this name it is found in whatever way it was called, and even if it was replaced meanwhile.
    let mut init = Command::new("/proc/self/exe");
    init.arg0("chroot-maint").arg("in-sandbox").arg(serde_json::to_string(&plan)?).args(words);
    init.spawn()
}

/// As shells have it: 128 and the number of the signal.
pub(super) fn exit_status(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(255);
    u8::try_from(code).unwrap_or(255)
}

#[cfg(test)]
mod tests {
    use super::same_ids;

    #[test]
    fn in_a_container_only_its_own_ids_are_mapped() {
        assert_eq!(same_ids("         0          0 4294967295\n"), "0 0 4294967295\n");
        assert_eq!(same_ids("0 100000 65536\n70000 300000 10\n"), "0 0 65536\n70000 70000 10\n");
    }
}

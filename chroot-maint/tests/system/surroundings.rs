//! Runs in surroundings that are not what one hopes for: others at the same time, no reader, no terminal, a strange mask,
//! closed descriptors, places without programs, no emulator, no subordinate ids.

use std::{
    fs,
    os::unix::{
        fs::PermissionsExt,
        process::{CommandExt, ExitStatusExt},
    },
    path::Path,
    process::{Command, Output, Stdio},
};

use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, unshare},
};

use crate::{
    caller::{Caller, run, wait_until},
    scene::{Deed, RUN, Scene, failed, reason},
    traces::{assert_at_rest, assert_no_litter},
};

fn words(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| format!("'{}'", word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

/// A shell that does this, with the program's call in the place of `@`, and what it said.
fn shell(scene: &Scene, script: &str) -> String {
    let inner = scene.command(&RUN);
    let mut sh = Command::new("bash");
    sh.args(["-c", &script.replace('@', &words(&inner))]);
    sh.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = sh.current_dir(scene.caller.state().parent().unwrap()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

/// What is mounted after this, nobody sees but this thread and what it starts.
fn private_mounts() {
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>).unwrap();
}

fn is_well(scene: &Scene) {
    assert_at_rest(&scene.caller.state());
    assert_no_litter(&scene.caller.state());
    assert_eq!(scene.current(), Some(1));
}

#[test]
fn four_runs_at_once_make_one_chroot_and_all_succeed() {
    let scene = Scene::new(Caller::root());
    let call = || {
        let mut command = scene.command(&RUN);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    for call in [(); 4].map(|()| call()) {
        let Output { status, stdout, stderr } = call.wait_with_output().unwrap();
        let said = [stdout, stderr].concat();
        assert!(status.success(), "{status}: {}", String::from_utf8_lossy(&said));
    }
    is_well(&scene);
}

#[test]
fn four_runs_under_make_share_its_slots_and_all_succeed() {
    let scene = Scene::new(Caller::ordinary_user());
    let makefile = "all: a b c d\na b c d:\n\t+@$(CALL)\n";
    fs::write(scene.caller.state().with_file_name("Makefile"), makefile).unwrap();
    let said = shell(&scene, r#"make -j2 CALL="@" 2>&1"#);
    assert!(!said.contains("jobserver"), "{said}");
    is_well(&scene);
}

#[test]
fn nobody_who_reads_is_no_reason_to_stop() {
    let scene = Scene::new(Caller::root());
    shell(&scene, "@ 2>&1 | head -n 1");
    is_well(&scene);
}

#[test]
fn strange_surroundings_are_no_obstacle() {
    private_mounts();
    for caller in [Caller::root(), Caller::ordinary_user()] {
        let scene = Scene::new(caller);
        let tmp = scene.caller.state().with_file_name("tmp");
        fs::create_dir(&tmp).unwrap();
        let (flags, mode) = (MsFlags::MS_NOEXEC | MsFlags::MS_NODEV, Some("mode=1777"));
        mount(Some("tmp"), &tmp, Some("tmpfs"), flags, mode).unwrap();
        let script = format!("umask 077; unset HOME; TMPDIR='{}' @ <&- 2>&1", tmp.display());
        shell(&scene, &script);
        umount2(&tmp, MntFlags::MNT_DETACH).unwrap();
        is_well(&scene);
        let tree = scene.place().join("current/usr/share/hello");
        assert_eq!(fs::metadata(tree).unwrap().permissions().mode() & 0o777, 0o644);
    }
}

#[test]
fn a_terminal_that_is_closed_ends_the_run_and_leaves_nothing() {
    for caller in [Caller::root(), Caller::ordinary_user()] {
        let mut scene = Scene::new(caller);
        scene.succeed();
        scene.prepare(Deed::Anew);
        let inner = scene.command(&RUN);
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", &words(&inner), "/dev/null"]);
        script.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        script.process_group(0).stdin(Stdio::null()).stdout(Stdio::null());
        let mut terminal = script.spawn().unwrap();
        let work = scene.place().join("work");
        wait_until("there is work", || fs::read_dir(&work).unwrap().count() > 0);
        terminal.kill().unwrap();
        terminal.wait().unwrap();
        is_well(&scene);
    }
}

#[test]
fn a_second_interruption_ends_the_run_at_once_and_the_next_one_succeeds() {
    let mut scene = Scene::new(Caller::root());
    scene.succeed();
    scene.prepare(Deed::Anew);
    let mut child = scene.command(&RUN).spawn().unwrap();
    let work = scene.place().join("work");
    wait_until("there is work", || fs::read_dir(&work).unwrap().count() > 0);
    for _ in 0..2 {
        let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    }
    assert_eq!(child.wait().unwrap().signal(), Some(2));
    assert_at_rest(&scene.caller.state());
    assert_eq!(scene.current(), Some(1));
    scene.succeed();
    assert_no_litter(&scene.caller.state());
    assert_eq!(scene.current(), Some(2));
}

#[test]
fn without_an_emulator_the_advice_is_to_install_one() {
    private_mounts();
    for emulator in ["/usr/bin/qemu-aarch64-static", "/usr/bin/qemu-aarch64"] {
        if Path::new(emulator).exists() {
            let bind = MsFlags::MS_BIND;
            mount(Some("/dev/null"), emulator, None::<&str>, bind, None::<&str>).unwrap();
        }
    }
    let mut scene = Scene::new(Caller::root());
    scene.want_arch("arm64");
    // Emulators that are registered with the kernel are open for good: a user namespace has none but its own.
    let inner = scene.command(&RUN);
    let script = "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc || :; exec \"$@\"";
    let mut apart = Command::new("unshare");
    apart.args(["--map-root-user", "--mount"]);
    let program = inner.get_args().skip_while(|word| *word != "--").skip(1);
    apart.args(["sh", "-c", script, "sh"]).args(program);
    apart.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let said = failed(&apart.output().unwrap());
    assert!(said.contains("can't run programs of arm64"), "{said}");
    assert!(said.contains("apt-get install qemu-user"), "{said}");
}

#[test]
fn a_user_without_subordinate_ids_is_told_what_root_is_to_do() {
    const USER: &str = "chroot-maint-bare";
    if !Command::new("id").arg(USER).output().unwrap().status.success() {
        run(Command::new("useradd").args(["--system", USER]));
    }
    let scene = Scene::new(Caller::ordinary_user());
    let inner = scene.command(&RUN);
    let program: Vec<_> = inner.get_args().skip_while(|word| *word != "--").collect();
    run(Command::new("chown").arg(USER).arg(scene.caller.state().parent().unwrap()));
    let mut bare = Command::new("setpriv");
    bare.args(["--reuid", USER, "--regid", USER, "--clear-groups"]).args(program);
    let said = failed(&bare.output().unwrap());
    let line = reason(&said, "host", &["usermod --add-subuids"]).unwrap();
    eprintln!("{line}");
}

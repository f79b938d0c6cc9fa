//! A chroot of another architecture on a host that has an emulator and need not have registered it: made, entered and
//! upgraded.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    caller::{Caller, run},
    enter::Entered,
    toy::{Package, Server, Toy},
    upgrade::changes,
};

/// An architecture that few hosts that run these tests have.
const ARCH: &str = "arm64";

fn registered() -> BTreeSet<OsString> {
    let entries = fs::read_dir("/proc/sys/fs/binfmt_misc").into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name()).collect()
}

/// Debian's archive, for a tree that runs, and a toy's beside it, for a package that a test changes.
struct Archives {
    toy: Toy,
    server: Server,
    keyring: PathBuf,
}

/// A package of the toy's: for all architectures, but with a script.
const PACKAGE: &str = "toy-hello";

impl Archives {
    fn new() -> Self {
        let toy = Toy::new().suite("toy-security").arch(ARCH);
        let server = Server::start(&toy.root());
        let keyring = toy.keyring().with_file_name("both.gpg");
        let debians = Path::new("/usr/share/keyrings/debian-archive-keyring.gpg");
        let keys = [debians, &toy.keyring()].map(|path| fs::read(path).unwrap());
        fs::write(&keyring, keys.concat()).unwrap();
        Self { toy, server, keyring }
    }

    fn publish(&mut self, version: &str) {
        let script = "(dpkg --print-architecture; uname -m) >/usr/share/said";
        let package = Package::new(PACKAGE, version).script("postinst", script);
        self.toy.add("toy-security", &package);
        self.toy.publish();
    }

    fn config(&self, dist: &str) -> String {
        format!(
            "[defaults]\ncross-tools = []\nvariant = 'apt'\ninclude = ['{PACKAGE}']\nkeyring = '{}'\n\
             [dist.{dist}]\narchs = ['{ARCH}']\nsuites = ['{dist}', 'toy-security']\n\
             security-mirror = '{}'\n",
            self.keyring.display(),
            self.server.address()
        )
    }
}

fn a_foreign_chroot_is_made_entered_and_upgraded(caller: &Caller) {
    let before = registered();
    let own = caller.own_chroot();
    let (dist, _) = own.rsplit_once('-').unwrap();
    let mut archives = Archives::new();
    archives.publish("1");
    let config = archives.config(dist);
    run(&mut caller.chroot_maint_with(&config, &["-q", "all"]));
    let entered = Entered { caller, config, chroot: format!("{dist}-{ARCH}") };
    let said = run(&mut entered.enter(&[
        dist,
        "--",
        "sh",
        "-c",
        "uname -m; dpkg --print-architecture; id -u; echo $QEMU_CPU",
    ]));
    let expected = "aarch64\narm64\n0\nmax,pauth-impdef=on\n";
    assert_eq!(String::from_utf8_lossy(&said.stdout), expected);
    entered.statuses_are_passed_on();
    entered.a_session_is_seen_and_dies_with_the_program();

    let current = caller.state().join("chroots").join(&entered.chroot).join("current");
    if caller.user == "root" {
        // As others need one who enter a tree by other ways. Root can't make any in the emulator's namespaces.
        let _ = fs::remove_file(current.join("dev/null"));
        run(Command::new("mknod").arg(current.join("dev/null")).args(["c", "1", "3"]));
    }
    archives.publish("2");
    // What was looked at a moment ago would do for a job that is started by hand.
    fs::remove_dir_all(caller.state().join("archive")).unwrap();
    let job = format!("chroot.{}", entered.chroot);
    let said = run(&mut caller.chroot_maint_with(&entered.config, &["job", &job])).stdout;
    let said = String::from_utf8(said).unwrap();
    assert_eq!(changes(&said), [format!("~ {PACKAGE} 1 -> 2")], "{said}");
    assert_eq!(fs::read_link(&current).unwrap(), Path::new("gen/2"));
    let said = fs::read_to_string(current.join("usr/share/said")).unwrap();
    assert_eq!(said, "arm64\naarch64\n");
    assert_eq!(before, registered(), "the host's binfmt_misc was changed");
}

#[test]
fn root_makes_and_upgrades_a_foreign_chroot() {
    a_foreign_chroot_is_made_entered_and_upgraded(&Caller::root());
}

#[test]
fn an_ordinary_user_makes_and_upgrades_a_foreign_chroot() {
    a_foreign_chroot_is_made_entered_and_upgraded(&Caller::ordinary_user());
}

#[test]
fn an_architecture_that_nothing_can_run_is_refused_with_advice() {
    let caller = Caller::root();
    let config = "[dist.sid]\narchs = ['x32', 'ia64']\n";
    let output = caller.chroot_maint_with(config, &["-k", "all"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("can't run programs of ia64: there is no emulator for it"), "{said}");
    assert!(!caller.state().join("chroots/sid-ia64").exists());
}

#[test]
fn the_doctor_tries_the_namespaces_the_overlay_and_the_emulator() {
    for caller in [Caller::root(), Caller::ordinary_user()] {
        let config = format!("[dist.bookworm]\narchs = ['{ARCH}']\ncross-tools = []\n");
        let said = run(&mut caller.chroot_maint_with(&config, &["doctor"])).stdout;
        let said = String::from_utf8(said).unwrap();
        for line in [
            "private namespaces",
            "overlays",
            "arm64 runs by an emulator",
            "the archive has bookworm",
        ] {
            assert!(
                said.lines().any(|said| said.starts_with("ok") && said.contains(line)),
                "{line}: {said}"
            );
        }
        assert!(said.ends_with("all is well\n"), "{said}");
    }
}

/// Runs as root of a user namespace with a `binfmt_misc` of its own, which to the program looks like the host's: what
/// the doctor says of arm64, after each of several entries was registered. `$@` is the doctor.
const HOST: &str = r#"
D=/proc/sys/fs/binfmt_misc
mount -t binfmt_misc none $D
MAGIC='M::\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:'
look() { echo "== $1"; shift; "$@" | grep arm64 || :; }
look nothing "$@"
echo ":weird:$MAGIC:$Q:OP" >$D/register; look no-F "$@"; echo -1 >$D/weird
cp -L $Q q; echo ":docker:$MAGIC:$PWD/q:F" >$D/register; look other-name "$@"
rm q; look vanished "$@"
echo 0 >$D/docker; look disabled "$@"
echo 1 >$D/docker; echo 0 >$D/status; look off "$@"
"#;

#[test]
fn what_the_host_has_registered_is_recognised_whatever_its_name() {
    let caller = Caller::ordinary_user();
    let config = "[dist.bookworm]\narchs = ['arm64']\ncross-tools = []\n";
    let doctor = caller.chroot_maint_with(config, &["doctor"]);
    let mut host = caller.command("unshare");
    host.args(["--map-root-user", "--map-auto", "--mount", "sh", "-euc", HOST, "host"]);
    host.args(doctor.get_args().skip_while(|word| *word != "--").skip(1));
    host.env("Q", "/usr/bin/qemu-aarch64-static");
    let said = String::from_utf8(run(&mut host).stdout).unwrap();
    let parts: Vec<&str> = said.split("== ").skip(1).collect();
    let (own, hosts) = ("in a binfmt_misc of its own", "that this host has registered");
    for (part, (name, how, note)) in parts.iter().zip([
        ("nothing", own, "no entry for it"),
        ("no-F", own, "entry weird lacks the flag F"),
        ("other-name", hosts, ""),
        ("vanished", hosts, "/q, which is gone"),
        ("disabled", own, "entry docker is disabled"),
        ("off", own, "binfmt_misc is switched off"),
    ]) {
        assert!(part.starts_with(name) && part.contains(how) && part.contains(note), "{said}");
        assert_eq!(part.contains("note"), !note.is_empty(), "{said}");
    }
    assert_eq!(parts.len(), 6, "{said}");
}

#[test]
fn the_doctor_names_the_command_for_missing_subordinate_ids() {
    const USER: &str = "chroot-maint-bare";
    if !Command::new("id").arg(USER).output().unwrap().status.success() {
        run(Command::new("useradd").args(["--system", USER]));
    }
    let caller = Caller::ordinary_user();
    let mut doctor = caller.chroot_maint_with("[dist.bookworm]\n", &["doctor"]);
    let words: Vec<_> =
        doctor.get_args().skip_while(|word| *word != "--").map(ToOwned::to_owned).collect();
    doctor = Command::new("setpriv");
    doctor.args(["--reuid", USER, "--regid", USER, "--clear-groups"]).args(words);
    let output = doctor.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(69), "{said}");
    assert!(said.contains("-> run as root: usermod --add-subuids "), "{said}");
}

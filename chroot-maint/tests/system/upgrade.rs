//! Chroots that are there get what their archive has that is newer, on a copy; and whatever goes wrong, they stay.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::{
    caller::{Caller, is_busy, run},
    toy::{Package, Server, Toy},
};

/// An archive that a test changes, and whose chroots these are.
struct Room {
    caller: Caller,
    toy: Toy,
    server: Server,
    config: String,
}

impl Room {
    /// With the toy base and hello 1, which needs old-lib; the chroots `toy` and `toy-backports` include hello.
    fn new(caller: Caller) -> Self {
        let mut toy = Toy::new();
        toy.add_base();
        toy.add("toy", &hello("1").field("Depends", "old-lib"));
        toy.add("toy", &Package::new("old-lib", "1"));
        toy.publish();
        let server = Server::start(&toy.root());
        let config = format!(
            "proxy = 'DIRECT'\n[defaults]\ninclude = ['hello']\n\
             mirror = '{}'\nkeyring = '{}'\n[dist.toy]\nsuites = ['toy']\n\
             [dist.toy-backports]\nsuites = ['toy']\n",
            server.address(),
            toy.keyring().display()
        );
        Self { caller, toy, server, config }
    }

    /// The same with the chroot `toy` made.
    fn made(caller: Caller) -> Self {
        let room = Self::new(caller);
        room.job("toy");
        room
    }

    /// Takes the place of all versions that are there.
    fn replace(&mut self, name: &str, packages: &[Package]) {
        self.toy.take_out("toy", name);
        for package in packages {
            self.toy.add("toy", package);
        }
        self.toy.publish();
        // Lists that are a quarter of an hour old would do for a job that is started by hand.
        let archive = self.caller.state().join("archive");
        let _ = fs::remove_dir_all(archive);
    }

    fn try_job(&self, dist: &str, options: &[&str]) -> Output {
        let job = format!("chroot.{}", name(dist));
        let words = [options, &["job", &job]].concat();
        self.caller.chroot_maint_with(&self.config, &words).output().unwrap()
    }

    /// What it says, when all went well.
    fn job_with(&self, dist: &str, options: &[&str]) -> String {
        let output = self.try_job(dist, options);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn job(&self, dist: &str) -> String {
        self.job_with(dist, &[])
    }

    /// What it says last, when it must fail; the old generation must still be there, and nothing else.
    fn failure(&self, dist: &str, status: i32) -> String {
        let before = self.snapshot(dist, 1);
        let output = self.try_job(dist, &[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{said}");
        assert_eq!(self.current(dist), 1);
        assert_eq!(before, self.snapshot(dist, 1), "the generation in use was changed");
        self.nothing_is_left(dist, 1);
        said.lines().last().unwrap().to_owned()
    }

    fn place(&self, dist: &str) -> PathBuf {
        self.caller.state().join("chroots").join(name(dist))
    }

    fn tree(&self, dist: &str) -> PathBuf {
        self.place(dist).join("current")
    }

    fn current(&self, dist: &str) -> u32 {
        let target = fs::read_link(self.tree(dist)).unwrap();
        target.file_name().unwrap().to_str().unwrap().parse().unwrap()
    }

    /// Every file of a generation with its inode and times.
    fn snapshot(&self, dist: &str, generation: u32) -> String {
        let tree = self.place(dist).join("gen").join(generation.to_string());
        let mut find = Command::new("find");
        let said = run(find.arg(tree).args(["-printf", "%p %i %m %U %G %T@ %C@ %l\n"])).stdout;
        String::from_utf8(said).unwrap()
    }

    fn nothing_is_left(&self, dist: &str, generations: usize) {
        assert_eq!(fs::read_dir(self.place(dist).join("work")).unwrap().count(), 0);
        let trees = fs::read_dir(self.place(dist).join("gen")).unwrap();
        let trees = trees.filter(|entry| entry.as_ref().unwrap().path().is_dir());
        assert_eq!(trees.count(), generations);
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(&*self.caller.state().to_string_lossy()), "{mounts}");
    }
}

fn name(dist: &str) -> String {
    format!("{dist}-{}", crate::toy::host_arch())
}

fn hello(version: &str) -> Package {
    Package::new("hello", version).file("/usr/share/hello", &format!("{version}\n"))
}

/// The lines about packages.
pub(crate) fn changes(said: &str) -> Vec<&str> {
    let is_one = |line: &&str| ["+ ", "- ", "~ "].iter().any(|mark| line.starts_with(mark));
    said.lines().filter(is_one).collect()
}

fn what_is_newer_is_installed_in_a_copy(caller: Caller) {
    let mut room = Room::made(caller);
    let before = room.snapshot("toy", 1);
    let said = room.job("toy");
    assert!(said.contains("generation 1 is up to date: its archive has not changed"), "{said}");

    room.replace(
        "hello",
        &[hello("2").field("Depends", "new-lib"), Package::new("new-lib", "1.1")],
    );
    let said = room.job("toy");
    assert_eq!(changes(&said), ["~ hello 1 -> 2", "+ new-lib 1.1", "- old-lib 1"], "{said}");
    assert!(said.contains("packages: 1 changed, 1 added, 1 removed\n"), "{said}");
    assert_eq!(room.current("toy"), 2);
    assert_eq!(fs::read_to_string(room.tree("toy").join("usr/share/hello")).unwrap(), "2\n");
    assert_eq!(before, room.snapshot("toy", 1), "the old generation was changed");
    room.nothing_is_left("toy", 2);
    let files = room.snapshot("toy", 2);
    for name in [".deb ", "_Packages ", ".log ", "-old ", "resolv.conf ", ".chroot-maint "] {
        assert!(!files.contains(name), "{name} in {files}");
    }

    let before = files;
    for (options, reason) in
        [(&[][..], "its archive has not changed"), (&["-f", "force"], "nothing to upgrade")]
    {
        let said = room.job_with("toy", options);
        assert_eq!(said, format!("generation 2 is up to date: {reason}\n"));
    }
    assert_eq!(before, room.snapshot("toy", 2), "a look changed something");
    room.nothing_is_left("toy", 2);
}

#[test]
fn what_is_newer_is_installed_in_a_copy_of_roots() {
    what_is_newer_is_installed_in_a_copy(Caller::root());
}

#[test]
fn what_is_newer_is_installed_in_a_copy_of_a_users() {
    what_is_newer_is_installed_in_a_copy(Caller::ordinary_user());
}

#[test]
fn a_change_that_is_none_of_the_chroots_is_looked_at_once() {
    let mut room = Room::made(Caller::root());
    room.replace("stranger", &[Package::new("stranger", "1")]);
    for reason in ["nothing to upgrade", "its archive has not changed"] {
        let said = room.job("toy");
        assert!(said.ends_with(&format!("generation 1 is up to date: {reason}\n")), "{said}");
    }
    room.nothing_is_left("toy", 1);
}

#[test]
fn a_chroot_that_only_has_to_be_there_is_left_as_it_is() {
    let mut room = Room::made(Caller::root());
    room.replace("hello", &[hello("2")]);
    room.server.take_requests();
    let said = room.job_with("toy", &["-f", "create"]);
    assert!(said.starts_with("generation 1 is there: "), "{said}");
    assert_eq!(room.server.take_requests(), []);

    room.config = room.config.replace("'hello'", "'hello', 'old-lib'");
    let said = room.job_with("toy", &["-f", "create"]);
    assert!(said.starts_with("making generation 2, for the config changed: include\n"), "{said}");
}

fn an_upgrade_that_takes_away_what_is_wanted_is_refused(caller: Caller) {
    let mut room = Room::made(caller);
    let rival = Package::new("apt-rival", "1").field("Conflicts", "hello");
    let apt = Package::new("toy-base", "2").field("Essential", "yes");
    room.replace("hello", &[rival, apt.field("Depends", "apt-rival")]);
    let said = room.failure("toy", 76);
    assert!(said.contains("would remove hello, which the chroot needs"), "{said}");
    let fetched = room.server.take_requests();
    let fetched_2 = fetched.iter().filter(|request| request.path.ends_with("toy-base_2_all.deb"));
    assert_eq!(fetched_2.count(), 0, "it was fetched in vain");
}

#[test]
fn an_upgrade_that_takes_away_what_root_wants_is_refused() {
    an_upgrade_that_takes_away_what_is_wanted_is_refused(Caller::root());
}

#[test]
fn an_upgrade_that_takes_away_what_a_user_wants_is_refused() {
    an_upgrade_that_takes_away_what_is_wanted_is_refused(Caller::ordinary_user());
}

fn a_package_that_cant_be_installed_leaves_the_old_generation(caller: Caller) {
    let mut room = Room::made(caller);
    room.replace("hello", &[hello("2").script("postinst", "echo it does not work >&2; exit 3")]);
    let said = room.failure("toy", 65);
    let reason = "package: hello: its post-installation script returned error exit status 3";
    assert!(said.contains(reason), "{said}");
    room.replace("hello", &[hello("3")]);
    assert_eq!(changes(&room.job("toy")), ["~ hello 1 -> 3", "- old-lib 1"]);
}

#[test]
fn a_package_that_cant_be_installed_leaves_roots_old_generation() {
    a_package_that_cant_be_installed_leaves_the_old_generation(Caller::root());
}

#[test]
fn a_package_that_cant_be_installed_leaves_a_users_old_generation() {
    a_package_that_cant_be_installed_leaves_the_old_generation(Caller::ordinary_user());
}

fn nothing_that_a_script_does_outside_its_files_lasts(caller: Caller) {
    let mut room = Room::made(caller);
    // So long that it is nobody else's.
    let nap = format!("98765.{}", std::process::id());
    let script = format!(
        "sleep {nap} </dev/null >/dev/null 2>&1 &
         start-stop-daemon --start >/usr/share/daemon-said
         ls /proc/net/route >/dev/null 2>&1 && grep -q eth /proc/net/route && exit 4
         echo x >/tmp/litter; echo x >/run/litter; echo x >/dev/shm/litter
         [ -z \"$APT_CONFIG$TMPDIR\" ] && [ \"$SOURCE_DATE_EPOCH\" = 946684800 ]
         [ \"$DEBIAN_FRONTEND\" = noninteractive ]",
    );
    let daemon = Package::new("new-lib", "1")
        .field("Replaces", "toy-base")
        .program("/usr/sbin/start-stop-daemon", "#!/bin/sh\necho newer\n");
    let hello = hello("2").field("Depends", "new-lib");
    room.replace("hello", &[hello.script("preinst", &format!("set -e\n{script}")), daemon]);
    room.job("toy");
    assert!(!is_busy(Path::new(&nap)), "what a script started still runs");
    let tree = room.tree("toy");
    for file in ["tmp/litter", "run/litter", "dev/shm/litter"] {
        assert!(!tree.join(file).exists(), "{file} is left");
    }
    // dpkg could replace it, though it was hidden.
    let said = fs::read_to_string(tree.join("usr/sbin/start-stop-daemon")).unwrap();
    assert!(said.contains("newer"), "{said}");
}

#[test]
fn nothing_that_roots_scripts_do_outside_their_files_lasts() {
    nothing_that_a_script_does_outside_its_files_lasts(Caller::root());
}

#[test]
fn nothing_that_a_users_scripts_do_outside_their_files_lasts() {
    nothing_that_a_script_does_outside_its_files_lasts(Caller::ordinary_user());
}

#[test]
fn a_package_is_fetched_once_for_all_chroots_that_upgrade_to_it() {
    let mut room = Room::made(Caller::root());
    room.job("toy-backports");
    room.replace("hello", &[hello("2")]);
    room.server.take_requests();
    for dist in ["toy", "toy-backports"] {
        assert_eq!(changes(&room.job(dist)), ["~ hello 1 -> 2", "- old-lib 1"]);
    }
    let requests = room.server.take_requests();
    let debs = requests.iter().filter(|request| request.path.ends_with("hello_2_all.deb"));
    assert_eq!(debs.count(), 1, "{requests:?}");
}

/// All of a tree but the times at which its files were made, and a list of it for people.
fn contents(tree: &Path) -> (Vec<u8>, String) {
    let mut tar = Command::new("tar");
    tar.args(["--create", "--sort=name", "--numeric-owner", "--xattrs", "--acls"]);
    tar.args(["--mtime=@946684800", "--clamp-mtime", "--pax-option=delete=atime,delete=ctime"]);
    let whole = run(tar.arg("--directory").arg(tree).arg(".")).stdout;
    let list =
        "find . -type f -exec sha256sum {} + | sort -k2; find . -printf '%p %m %U %G %l\n' | sort";
    let list = run(Command::new("sh").args(["-c", list]).current_dir(tree)).stdout;
    (whole, String::from_utf8(list).unwrap())
}

fn the_same_packages_make_the_same_tree(caller: Caller) {
    let mut room = Room::made(caller);
    room.job("toy-backports");
    assert_equal(&room, "two that were made");
    room.replace("hello", &[hello("2").field("Depends", "new-lib"), Package::new("new-lib", "1")]);
    room.job("toy");
    room.job("toy-backports");
    assert_equal(&room, "two that were upgraded");
}

fn assert_equal(room: &Room, what: &str) {
    let [first, second] = ["toy", "toy-backports"].map(|dist| contents(&room.tree(dist)));
    let lines: Vec<&str> = first.1.lines().filter(|line| !second.1.contains(line)).collect();
    assert_eq!(lines, [""; 0], "{what} differ");
    assert!(first.0 == second.0, "{what} differ");
}

#[test]
fn the_same_packages_make_the_same_tree_for_root() {
    the_same_packages_make_the_same_tree(Caller::root());
}

#[test]
fn the_same_packages_make_the_same_tree_for_a_user() {
    the_same_packages_make_the_same_tree(Caller::ordinary_user());
}

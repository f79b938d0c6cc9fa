//! A disk that fills up at any step of the work, runs out of inodes, or can't be written to. The reason is said, with
//! what to do; what was in use stays as it was; unfinished work does not keep the disk full; and with more room
//! the next run succeeds.
//!
//! `CHROOT_MAINT_DISKS` is the number of sizes that are tried for what a finished chroot takes; more follow
//! until one is enough, for the work takes more than what it leaves.

use std::{env, fs, path::PathBuf, process::Command};

use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, unshare},
    sys::statvfs::statvfs,
};

use crate::{
    caller::{Caller, run},
    scene::{Deed, RUN, Scene, failed, reason},
    traces::{assert_at_rest, assert_no_litter},
};

/// Sizes that are tried, unless the environment says otherwise.
const DISKS: u64 = 3;

/// Room for whatever comes, in bytes and inodes.
const PLENTY: (u64, u64) = (1 << 30, 1 << 20);

/// What a failed run may leave in files of names that were not there before: directories, locks, history, in bytes.
const KEPT: u64 = 64 << 10;

/// How it is said that there is no room, by the system, by apt, and by this program.
const WORDS: &[&str] = &[
    "No space left on device",
    "You don't have enough free space",
    "the disk is full",
    "no room for a copy",
];

/// A scene whose state is on a small disk of its own. Nobody but this thread and what it starts sees it mounted.
struct Disk {
    scene: Scene,
    state: PathBuf,
    owner: String,
}

/// What there is of something: bytes or inodes.
#[derive(Clone, Copy)]
enum Room {
    Bytes(u64),
    Inodes(u64),
}

impl Disk {
    fn new(caller: Caller) -> Self {
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).unwrap();
        let state = caller.state();
        fs::create_dir(&state).unwrap();
        let id = run(Command::new("id").args(["-u", caller.user])).stdout;
        let owner = String::from_utf8(id).unwrap().trim().to_owned();
        let disk = Self { scene: Scene::new(caller), state, owner };
        disk.mount(MsFlags::empty(), Room::Bytes(PLENTY.0));
        disk
    }

    fn mount(&self, flags: MsFlags, room: Room) {
        let (bytes, inodes) = match room {
            Room::Bytes(bytes) => (bytes, PLENTY.1),
            Room::Inodes(inodes) => (PLENTY.0, inodes),
        };
        let options = format!("mode=755,uid={},size={bytes},nr_inodes={inodes}", self.owner);
        mount(Some("disk"), &self.state, Some("tmpfs"), flags, Some(&*options)).unwrap();
    }

    fn resize(&self, room: Room) {
        self.mount(MsFlags::MS_REMOUNT, room);
    }

    fn used(&self) -> u64 {
        let found = statvfs(&self.state).unwrap();
        (found.blocks() - found.blocks_free()) * found.fragment_size()
    }

    fn used_inodes(&self) -> u64 {
        let mut find = Command::new("find");
        run(find.arg(&self.state).args(["-printf", "x"])).stdout.len() as u64
    }

    /// A run with this much room: either it was enough, or that is said and things are as they were. Gives the reason.
    fn work_within(&self, room: Room) -> Option<String> {
        let old = self.scene.generations().pop();
        let before = self.used();
        self.resize(room);
        let output = self.scene.command(&RUN).output().unwrap();
        self.resize(Room::Bytes(PLENTY.0));
        assert_at_rest(&self.state);
        assert_no_litter(&self.state);
        if output.status.success() {
            return None;
        }
        let said = failed(&output);
        match old {
            Some(old) => old.assert_intact(&self.scene.place()),
            None => assert_eq!(self.scene.current(), None),
        }
        let (left, wanted) = (self.used().saturating_sub(before), self.wanted());
        assert!(left <= wanted + KEPT, "{left} bytes are left, {wanted} of them wanted: {said}");
        Some(reason(&said, "disk", WORDS).unwrap().to_owned())
    }

    /// What the logs take, and what is kept so that it need not be fetched again.
    fn wanted(&self) -> u64 {
        let dirs = ["archive", "cache", "log"].map(|dir| self.state.join(dir));
        let mut du = Command::new("du");
        du.args(["-s", "-B1", "--total"]).args(dirs.iter().filter(|dir| dir.exists()));
        let said = String::from_utf8(run(&mut du).stdout).unwrap();
        said.lines().last().unwrap().split('\t').next().unwrap().parse().unwrap()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Its mount point is the caller's to delete.
        let _ = umount2(&self.state, MntFlags::MNT_DETACH);
    }
}

fn sizes() -> u64 {
    env::var("CHROOT_MAINT_DISKS").map_or(DISKS, |text| text.parse().unwrap())
}

fn whatever_a_disk_is_too_small_for(caller: Caller, deed: Deed) {
    let mut disk = Disk::new(caller);
    disk.scene.succeed();
    disk.scene.prepare(Deed::Anew);
    let (bytes, inodes) = (disk.used(), disk.used_inodes());
    disk.scene.succeed();
    let (bytes, inodes) = (disk.used() - bytes, disk.used_inodes() - inodes);

    let mut fill = |name: &str, step: u64, room: &dyn Fn(&Disk, u64) -> Room| {
        disk.scene.drop_older();
        disk.scene.prepare(deed);
        let failed = (0..).map(|number| {
            // Without lists and packages there is more that it can be too small for.
            disk.scene.forget_archive();
            let reason = disk.work_within(room(&disk, number * step));
            eprintln!("{} {name} more: {}", number * step, reason.as_deref().unwrap_or("enough"));
            reason
        });
        let failures = failed.take_while(Option::is_some).count();
        assert!(failures > 1, "only {failures} sizes were too small");
    };
    fill("bytes", bytes / sizes(), &|disk, more| Room::Bytes(disk.used() + more));
    fill("inodes", inodes * 2 / sizes(), &|disk, more| Room::Inodes(disk.used_inodes() + more));
}

#[test]
fn a_disk_that_roots_upgrade_fills_is_the_reason_and_harms_nothing() {
    whatever_a_disk_is_too_small_for(Caller::root(), Deed::Upgrade);
}

#[test]
fn a_disk_that_a_users_first_run_fills_is_the_reason_and_harms_nothing() {
    whatever_a_disk_is_too_small_for(Caller::ordinary_user(), Deed::First);
}

//! What is handed out of toy chroots: tarballs whose bytes depend on the packages alone, in the user's place and with
//! the user's ids; nothing of anybody else's is touched.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, SystemTime},
};

use crate::{
    caller::{Caller, USER, run},
    toy::{Package, Server, Toy},
};

/// A toy archive, and a chroot of it with a name of the test's own: all tests share the user's cache.
pub(crate) struct Scene {
    pub(crate) toy: Toy,
    server: Server,
    pub(crate) dist: &'static str,
}

impl Scene {
    pub(crate) fn new(dist: &'static str) -> Self {
        let mut toy = Toy::new().suite(dist);
        toy.add_base_to(dist);
        toy.add(dist, &Package::new("hello", "1").file("/usr/share/hello", "1\n"));
        toy.add(dist, &Package::new("more", "1").file("/usr/share/more", "1\n"));
        toy.publish();
        let server = Server::start(&toy.root());
        Self { toy, server, dist }
    }

    /// `top` goes to the top of the config, `own` to the distribution.
    pub(crate) fn config(&self, top: &str, own: &str) -> String {
        let (mirror, dist) = (self.server.address(), self.dist);
        let keyring = self.toy.keyring();
        let keyring = keyring.display();
        format!(
            "proxy = 'DIRECT'\n{top}\n[defaults]\nmirror = '{mirror}'\nkeyring = '{keyring}'\n\
             include = ['hello']\n[dist.{dist}]\nsuites = ['{dist}']\n{own}\n"
        )
    }

    pub(crate) fn name(&self) -> String {
        format!("{}-{}", self.dist, crate::toy::host_arch())
    }

    pub(crate) fn tree(&self, caller: &Caller) -> PathBuf {
        let place = caller.state().join("chroots").join(self.name());
        place.join("current").canonicalize().unwrap()
    }
}

/// Where the ordinary user's sbuild looks if nothing in its environment says otherwise; what a test put there goes with
/// this.
pub(crate) struct Cache {
    pub(crate) dir: PathBuf,
    name: String,
}

impl Cache {
    /// Of the test's user, as root finds it; or, for the user itself, in the test's home.
    pub(crate) fn of(caller: &Caller, name: &str) -> Self {
        let home = if caller.user == "root" {
            // Makes the user.
            Caller::ordinary_user();
            let home = run(Command::new("getent").args(["passwd", USER])).stdout;
            let home = String::from_utf8(home).unwrap();
            PathBuf::from(home.split(':').nth(5).unwrap())
        } else {
            caller.home()
        };
        let cache = Self { dir: home.join(".cache/sbuild"), name: name.to_owned() };
        cache.clear();
        cache
    }

    pub(crate) fn tarball(&self) -> PathBuf {
        self.dir.join(format!("{}.tar.zst", self.name))
    }

    /// All names in it that have to do with the chroot.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name.contains(&self.name)).collect();
        names.sort();
        names
    }

    fn clear(&self) {
        for name in self.names() {
            let _ = fs::remove_file(self.dir.join(name));
        }
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.clear();
    }
}

/// For whom root hands tarballs out; the user needs not say.
pub(crate) fn for_user(caller: &Caller) -> String {
    if caller.user == "root" { format!("sbuild-user = '{USER}'") } else { String::new() }
}

pub(crate) const SBUILD: &str = "outputs = ['sbuild']";

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn the_same_packages_give_the_same_bytes_whoever_makes_them() {
    let scene = Scene::new("toysame");
    let mut tarballs = Vec::new();
    for caller in [Caller::root(), Caller::root(), Caller::ordinary_user()] {
        let cache = Cache::of(&caller, &scene.name());
        let config = scene.config(&for_user(&caller), SBUILD);
        run(&mut caller.chroot_maint_with(&config, &["-q", "all"]));
        let found = fs::metadata(cache.tarball()).unwrap();
        let uid = run(Command::new("id").args(["-u", USER])).stdout;
        assert_eq!(found.uid().to_string(), String::from_utf8(uid).unwrap().trim());
        assert_eq!(cache.names().len(), 1, "{:?}", cache.names());
        tarballs.push((caller.user, fs::read(cache.tarball()).unwrap(), listing(&cache.tarball())));
    }
    for (user, bytes, listing) in &tarballs[1..] {
        assert_eq!(*listing, tarballs[0].2, "by {user}");
        assert!(*bytes == tarballs[0].1, "the bytes differ, by {user}");
    }
    let listing = &tarballs[0].2;
    assert!(listing.contains(" ./usr/share/hello\n") && listing.contains(" ./dev/\n"), "{listing}");
    assert!(!listing.contains("./dev/null"), "{listing}");
}

fn listing(tarball: &Path) -> String {
    let mut tar = Command::new("tar");
    tar.args(["--list", "--verbose", "--numeric-owner", "--full-time", "--zstd", "--file"]);
    String::from_utf8(run(tar.arg(tarball)).stdout).unwrap()
}

fn a_tarball_follows_its_chroot(caller: &Caller, dist: &'static str) {
    let scene = Scene::new(dist);
    let cache = Cache::of(caller, &scene.name());
    let user = for_user(caller);
    let config = scene.config(&user, SBUILD);
    run(&mut caller.chroot_maint_with(&config, &["-q", "all"]));
    let first = fs::metadata(cache.tarball()).unwrap();

    // Nothing has changed: it is as good as new, and not written again.
    let old = SystemTime::now() - Duration::from_secs(1_000_000);
    File::open(cache.tarball()).unwrap().set_modified(old).unwrap();
    run(&mut caller.chroot_maint_with(&config, &["-q", "-f0", "all"]));
    let second = fs::metadata(cache.tarball()).unwrap();
    assert_eq!(first.ino(), second.ino());
    assert!(second.modified().unwrap() > old + Duration::from_secs(100_000));

    // Lost, it is made again, and so is a link.
    let config = scene.config(&user, &format!("{SBUILD}\naliases = ['{dist}alias']"));
    fs::remove_file(cache.tarball()).unwrap();
    run(&mut caller.chroot_maint_with(&config, &["-q", "all"]));
    let alias = cache.dir.join(format!("{dist}alias-{}.tar.zst", crate::toy::host_arch()));
    assert_eq!(fs::read_link(&alias).unwrap(), cache.tarball().file_name().unwrap());

    // Another generation, another tarball.
    let config = scene.config(&user, &format!("{SBUILD}\ninclude = ['more']"));
    run(&mut caller.chroot_maint_with(&config, &["-q", "all"]));
    assert!(listing(&cache.tarball()).contains(" ./usr/share/more\n"));
    assert!(!alias.is_symlink());

    let config = scene.config(&user, "outputs = []\ninclude = ['more']");
    run(&mut caller.chroot_maint_with(&config, &["-q", "all"]));
    assert_eq!(cache.names(), [""; 0]);
}

#[test]
fn a_tarball_of_roots_follows_its_chroot() {
    a_tarball_follows_its_chroot(&Caller::root(), "toyroots");
}

#[test]
fn a_tarball_of_a_users_follows_its_chroot() {
    a_tarball_follows_its_chroot(&Caller::ordinary_user(), "toyusers");
}

#[test]
fn what_cannot_be_handed_out_is_said_and_the_chroot_is_there_all_the_same() {
    let scene = Scene::new("toyrival");
    let caller = Caller::root();
    let cache = Cache::of(&caller, &scene.name());
    // The user's, as if sbuild had made it.
    run(Caller::ordinary_user().command("mkdir").arg("-p").arg(&cache.dir));
    let rival = cache.dir.join(format!("{}.tar", scene.name()));
    fs::write(&rival, "mine").unwrap();
    let config = scene.config(&for_user(&caller), SBUILD);
    let output = caller.chroot_maint_with(&config, &["all"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let why = format!("{} would be beside this chroot's tarball", rival.display());
    assert!(said(&output).contains(&why), "{}", said(&output));
    assert_eq!(fs::read(&rival).unwrap(), b"mine");
    assert!(scene.tree(&caller).join("usr/share/hello").exists());
    fs::remove_file(&rival).unwrap();
    run(&mut caller.chroot_maint_with(&config, &["all"]));
    assert!(cache.tarball().exists());
}

#[test]
fn what_nobody_can_have_is_refused_before_the_work() {
    let scene = Scene::new("toyrefused");
    for (caller, outputs, why) in [
        (Caller::root(), SBUILD, "add: sbuild-user = "),
        (Caller::ordinary_user(), "outputs = ['schroot']", "only root can hand chroots to schroot"),
    ] {
        let config = scene.config("", outputs);
        let output = caller.chroot_maint_with(&config, &["all"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(why), "{}", said(&output));
        assert!(!caller.state().join("chroots").join(scene.name()).join("current").is_symlink());
        let output = caller.chroot_maint_with(&config, &["doctor"]).output().unwrap();
        assert!(said(&output).contains(why), "{}", said(&output));
    }
}

//! A small Debian archive for tests: signed, with suites, architectures and by-hash, made in some tens of
//! milliseconds by apt-ftparchive and gpg, without network and without root; and all the ways in which it can be broken.
//!
//! Shared by the test binaries and the unit tests. Knows nothing of chroot-maint.

#![allow(dead_code, unused_imports, reason = "each test binary uses another part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on should panic")]

mod base;
mod package;
mod server;
mod signer;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, SystemTime},
};

use tempfile::TempDir;

pub(crate) use package::Package;
pub(crate) use server::{Fault, Request, Server};

use signer::Signer;

/// An archive in a directory of its own, which is open to all: apt fetches as another user than root.
pub(crate) struct Toy {
    dir: TempDir,
    signer: Signer,
    archs: Vec<String>,
    suites: BTreeMap<String, Suite>,
    /// Each publication's files are a second younger than the last one's, for that is as exact as HTTP gets.
    next_time: SystemTime,
}

/// How a suite is published.
#[derive(Clone, Default)]
struct Suite {
    seal: Seal,
    /// As in Valid-Until; relative to now, so that a suite can be expired from the start.
    valid_for: Option<i64>,
    without_by_hash: bool,
}

/// Who vouches for a suite.
#[derive(Clone, Copy, Default)]
enum Seal {
    #[default]
    OwnKey,
    OtherKey,
    Nobody,
}

impl Toy {
    /// An archive with one empty suite, `toy`, for the host's architecture; not published yet.
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("toy.").tempdir_in("/var/tmp").unwrap();
        open_to_all(dir.path());
        let signer = Signer::new(dir.path());
        // Old enough for a test to publish many times without reaching the present.
        let next_time = SystemTime::now() - Duration::from_secs(86_400);
        let suites = BTreeMap::from([("toy".to_owned(), Suite::default())]);
        let toy = Self { dir, signer, archs: vec![host_arch()], suites, next_time };
        fs::create_dir_all(toy.root().join("pool/toy")).unwrap();
        toy
    }

    /// With a further suite.
    pub(crate) fn suite(mut self, name: &str) -> Self {
        self.suites.insert(name.to_owned(), Suite::default());
        fs::create_dir_all(self.pool(name)).unwrap();
        self
    }

    /// With a further architecture.
    pub(crate) fn arch(mut self, name: &str) -> Self {
        self.archs.push(name.to_owned());
        self
    }

    /// The top of the archive, what a mirror's address stands for.
    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("mirror")
    }

    /// The address for apt without a server.
    pub(crate) fn file_address(&self) -> String {
        format!("file://{}", self.root().display())
    }

    /// The public key that the archive is signed with.
    pub(crate) fn keyring(&self) -> PathBuf {
        self.signer.keyring()
    }

    /// The fingerprint of the other key, whose public half is in no keyring.
    pub(crate) fn other_key(&self) -> String {
        self.signer.other_key()
    }

    /// Builds a package and puts it into a suite; the next publication shows it.
    pub(crate) fn add(&self, suite: &str, package: &Package) -> PathBuf {
        package.build(&self.pool(suite), &self.dir.path().join("build"))
    }

    /// Puts a tree's worth of packages into `toy`, as much as mmdebstrap needs for a tree that runs: see [`base`].
    pub(crate) fn add_base(&self) {
        self.add_base_to("toy");
    }

    /// The same for another suite.
    pub(crate) fn add_base_to(&self, suite: &str) {
        for package in base::packages() {
            self.add(suite, &package);
        }
    }

    /// Takes all versions of a package out of a suite.
    pub(crate) fn take_out(&self, suite: &str, package: &str) {
        for entry in fs::read_dir(self.pool(suite)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with(&format!("{package}_")) {
                fs::remove_file(path).unwrap();
            }
        }
    }

    /// Writes the indexes and Release files of every suite and signs them.
    pub(crate) fn publish(&mut self) {
        self.next_time += Duration::from_secs(1);
        for (name, suite) in &self.suites {
            self.publish_suite(name, suite);
        }
    }

    fn publish_suite(&self, name: &str, suite: &Suite) {
        let dir = self.dists(name);
        let _ = fs::remove_dir_all(&dir);
        for arch in &self.archs {
            let binary = dir.join(format!("main/binary-{arch}"));
            fs::create_dir_all(&binary).unwrap();
            let mut packages = Command::new("apt-ftparchive");
            packages.current_dir(self.root()).args(["--arch", arch, "packages"]);
            packages.arg(format!("pool/{name}"));
            fs::write(binary.join("Packages"), run(&mut packages).stdout).unwrap();
        }
        let mut release = Command::new("apt-ftparchive");
        let option = |key: &str, value: &str| format!("-oAPT::FTPArchive::Release::{key}={value}");
        release.arg(option("Origin", "Toy")).arg(option("Label", "Toy"));
        release.arg(option("Suite", name)).arg(option("Codename", name));
        release.arg(option("Components", "main"));
        release.arg(option("Architectures", &self.archs.join(" ")));
        if !suite.without_by_hash {
            release.arg(option("Acquire-By-Hash", "yes"));
        }
        // apt-ftparchive itself makes none that has expired already.
        let mut head = String::new();
        if let Some(seconds) = suite.valid_for {
            let mut date = Command::new("date");
            date.env("LC_ALL", "C").args(["-u", "+%a, %d %b %Y %H:%M:%S UTC"]);
            let until = run(date.arg("-d").arg(format!("now {seconds} seconds"))).stdout;
            head = format!("Valid-Until: {}", String::from_utf8(until).unwrap());
        }
        let text = [head.into_bytes(), run(release.arg("release").arg(&dir)).stdout].concat();
        if !suite.without_by_hash {
            link_by_hash(&dir, &String::from_utf8(text.clone()).unwrap());
        }
        match suite.seal {
            Seal::OwnKey => fs::write(dir.join("InRelease"), self.signer.sign(&text)).unwrap(),
            Seal::OtherKey => {
                fs::write(dir.join("InRelease"), self.signer.sign_as_other(&text)).unwrap();
            }
            Seal::Nobody => fs::write(dir.join("Release"), &text).unwrap(),
        }
        self.age(&dir);
    }

    /// Gives all files below the time of this publication.
    fn age(&self, dir: &Path) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.age(&path);
            } else {
                File::open(path).unwrap().set_modified(self.next_time).unwrap();
            }
        }
    }

    fn pool(&self, suite: &str) -> PathBuf {
        self.root().join("pool").join(suite)
    }

    fn dists(&self, suite: &str) -> PathBuf {
        self.root().join("dists").join(suite)
    }
}

/// Ways to break it, from the next publication on; what a server does wrong is a [`Fault`].
impl Toy {
    /// Sets the end of a suite's validity, in seconds from now: a negative number means that it has expired.
    pub(crate) fn valid_for(&mut self, suite: &str, seconds: i64) {
        self.suites.get_mut(suite).unwrap().valid_for = Some(seconds);
    }

    /// Leaves a suite without any signature.
    pub(crate) fn unsign(&mut self, suite: &str) {
        self.suites.get_mut(suite).unwrap().seal = Seal::Nobody;
    }

    /// Signs a suite with a key that is in nobody's keyring.
    pub(crate) fn sign_with_other_key(&mut self, suite: &str) {
        self.suites.get_mut(suite).unwrap().seal = Seal::OtherKey;
    }

    /// Has a suite's indexes fetched by their names, which makes a mirror's haste visible.
    pub(crate) fn without_by_hash(&mut self, suite: &str) {
        self.suites.get_mut(suite).unwrap().without_by_hash = true;
    }

    /// Changes a word in a suite's Release file as it lies there, which the signature does not cover then.
    pub(crate) fn tamper(&self, suite: &str) {
        let path = self.dists(suite).join("InRelease");
        let text = fs::read_to_string(&path).unwrap().replace("Origin: Toy", "Origin: Fake");
        fs::write(path, text).unwrap();
    }

    /// Everything right again.
    pub(crate) fn mend(&mut self, suite: &str) {
        self.suites.insert(suite.to_owned(), Suite::default());
    }
}

/// Offers every index under its SHA256 too, as a Release with `Acquire-By-Hash: yes` promises.
fn link_by_hash(dir: &Path, release: &str) {
    let sums = release.lines().skip_while(|line| *line != "SHA256:").skip(1);
    for line in sums.take_while(|line| line.starts_with(' ')) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let &[hash, _, name] = fields.as_slice() else { panic!("{line}") };
        let by_hash = dir.join(name).with_file_name("by-hash").join("SHA256");
        fs::create_dir_all(&by_hash).unwrap();
        let _ = fs::hard_link(dir.join(name), by_hash.join(hash));
    }
}

pub(crate) fn host_arch() -> String {
    let said = run(Command::new("dpkg").arg("--print-architecture")).stdout;
    String::from_utf8(said).unwrap().trim().to_owned()
}

fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| {
        let program = command.get_program().to_string_lossy().into_owned();
        let package = match &*program {
            "apt-ftparchive" => "apt-utils",
            "date" => "coreutils",
            "dpkg-deb" => "dpkg",
            "ldd" => "libc-bin",
            other => other,
        };
        panic!("can't run {program}: {error}; it is in the package {package}")
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}: {said}", output.status);
    output
}

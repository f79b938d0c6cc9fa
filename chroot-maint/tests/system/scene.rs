//! A caller with a toy archive and one chroot of it, for tests in which something goes wrong. Knows what a run
//! is told; does not know what goes wrong.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::{
    caller::{Caller, run},
    toy::{Package, Server, Toy, host_arch},
    traces::Manifest,
};

/// Everything that a run of the program needs, and nothing of the host's archive.
pub(crate) struct Scene {
    pub(crate) caller: Caller,
    pub(crate) toy: Toy,
    pub(crate) server: Server,
    /// What goes into the chroot beside its variant.
    include: Vec<String>,
    /// The mirror and the proxy that the config names.
    mirror: String,
    proxy: String,
    keyring: PathBuf,
    /// Lines for the config, at its top.
    settings: String,
    archs: Vec<String>,
    made: u32,
}

/// A run that looks whether there is something to do, however young the chroot is.
pub(crate) const RUN: [&str; 3] = ["-f", "force", "all"];

/// What a run is to do to the chroot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// There is none yet.
    First,
    /// There is one, of another recipe.
    Anew,
    /// There is one, and packages newer than its own.
    Upgrade,
}

impl Scene {
    pub(crate) fn new(caller: Caller) -> Self {
        let mut toy = Toy::new();
        toy.add_base();
        toy.add("toy", &Package::new("hello", "1").file("/usr/share/hello", "1\n"));
        toy.publish();
        let server = Server::start(&toy.root());
        let include = vec!["hello".to_owned()];
        let (mirror, proxy) = (server.address(), "DIRECT".to_owned());
        let archs = vec![host_arch()];
        let settings = "retries = 0\n".to_owned();
        let keyring = toy.keyring();
        Self { caller, toy, server, include, mirror, proxy, keyring, settings, archs, made: 0 }
    }

    /// With a line in the config, before its first table.
    pub(crate) fn setting(mut self, line: &str) -> Self {
        self.settings.push_str(line);
        self.settings.push('\n');
        self
    }

    /// The program with this scene's config.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        self.caller.chroot_maint_with(&self.config(), words)
    }

    fn config(&self) -> String {
        format!(
            "proxy = '{}'\n{}[defaults]\ncross-tools = []\narchs = {:?}\ninclude = {:?}\nmirror = '{}'\nkeyring = '{}'\n\
             [dist.toy]\nsuites = ['toy']\n",
            self.proxy,
            self.settings,
            self.archs,
            self.include,
            self.mirror,
            self.keyring.display()
        )
    }

    /// Puts the chroot where a run has this to do.
    pub(crate) fn prepare(&mut self, deed: Deed) {
        match deed {
            Deed::First => remove(&self.place()),
            Deed::Anew => {
                self.made += 1;
                let name = format!("extra{}", self.made);
                let package = Package::new(&name, "1").file(&format!("/usr/share/{name}"), "1\n");
                self.toy.add("toy", &package);
                self.toy.publish();
                self.include = vec!["hello".to_owned(), name];
            }
            Deed::Upgrade => {
                self.made += 1;
                let version = format!("1.{}", self.made);
                let hello = Package::new("hello", &version).file("/usr/share/hello", &version);
                self.republish(|toy| drop(toy.add("toy", &hello)));
            }
        }
    }

    /// From now on the config names this mirror.
    pub(crate) fn use_mirror(&mut self, address: &str) {
        address.clone_into(&mut self.mirror);
    }

    /// From now on the config names this proxy.
    pub(crate) fn use_proxy(&mut self, address: &str) {
        address.clone_into(&mut self.proxy);
    }

    /// From now on the config names this keyring.
    pub(crate) fn use_keyring(&mut self, path: &str) {
        self.keyring = PathBuf::from(path);
    }

    /// From now on the config wants this package too.
    pub(crate) fn want(&mut self, package: &str) {
        self.include.push(package.to_owned());
    }

    /// From now on the config wants chroots of this architecture too.
    pub(crate) fn want_arch(&mut self, arch: &str) {
        self.archs.push(arch.to_owned());
    }

    /// Publishes the archive anew after a change to it.
    pub(crate) fn republish(&mut self, change: impl FnOnce(&mut Toy)) {
        change(&mut self.toy);
        self.toy.publish();
    }

    /// Archive, server and addresses as they were at first.
    pub(crate) fn mend(&mut self) {
        self.server.mend();
        self.toy.mend("toy");
        self.toy.publish();
        self.mirror = self.server.address();
        "DIRECT".clone_into(&mut self.proxy);
        self.keyring = self.toy.keyring();
    }

    /// As if nothing had ever been fetched.
    pub(crate) fn forget_archive(&self) {
        for dir in ["archive", "cache"] {
            remove(&self.caller.state().join(dir));
        }
    }

    /// A run that must succeed.
    pub(crate) fn succeed(&self) -> String {
        let output = run(&mut self.command(&RUN));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A run that must fail as a job does; gives what it said on both outputs.
    pub(crate) fn fail(&self) -> String {
        failed(&self.command(&RUN).output().unwrap())
    }

    /// The chroot's part of the state directory.
    pub(crate) fn place(&self) -> PathBuf {
        self.caller.state().join("chroots").join(format!("toy-{}", host_arch()))
    }

    /// The number of the generation in use, if there is one.
    pub(crate) fn current(&self) -> Option<u32> {
        let target = fs::read_link(self.place().join("current")).ok()?;
        target.file_name()?.to_str()?.parse().ok()
    }

    /// Forgets all generations but the one in use, for many of them take long to be looked at.
    pub(crate) fn drop_older(&self) {
        let current = self.current();
        for number in self.numbers().into_iter().filter(|number| Some(*number) != current) {
            remove(&self.place().join(format!("gen/{number}")));
            remove(&self.place().join(format!("gen/{number}.json")));
        }
    }

    /// Every generation with both halves, in order.
    pub(crate) fn generations(&self) -> Vec<Manifest> {
        self.numbers().into_iter().map(|number| Manifest::of(&self.place(), number)).collect()
    }

    fn numbers(&self) -> Vec<u32> {
        let entries = fs::read_dir(self.place().join("gen")).into_iter().flatten();
        let mut numbers: Vec<u32> = entries
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
            .filter(|number| self.place().join(format!("gen/{number}.json")).exists())
            .collect();
        numbers.sort_unstable();
        numbers
    }
}

/// What a run said whose job failed.
pub(crate) fn failed(output: &Output) -> String {
    let said = [&*output.stdout, &*output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    said
}

/// The line of a failed run that says why: it must name this class, and hold one of these words.
pub(crate) fn reason<'a>(said: &'a str, class: &str, words: &[&str]) -> Result<&'a str, String> {
    let start = format!("chroot-maint: {class}: ");
    let mut lines = said.lines().filter(|line| line.contains(&start));
    let line = lines.find(|line| words.iter().any(|word| line.contains(word)));
    line.ok_or_else(|| format!("no `{start}' with one of {words:?}: {said}"))
}

fn remove(path: &Path) {
    run(Command::new("rm").args(["-rf", "--one-file-system"]).arg(path));
}

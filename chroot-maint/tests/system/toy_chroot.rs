//! One chroot made from the toy archive, of which there are as many generations as a test likes: two seconds each.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use crate::{
    caller::{Caller, run, wait_until},
    toy::{Server, Toy, host_arch},
    toy_archive,
};

/// The chroot `toy-ARCH`, and who made it.
pub(crate) struct ToyChroot {
    pub(crate) caller: Caller,
    pub(crate) toy: Toy,
    server: Server,
    pub(crate) name: String,
    /// What the config says besides.
    pub(crate) more: String,
}

impl ToyChroot {
    /// Not made yet.
    pub(crate) fn new(caller: Caller) -> Self {
        let (toy, server) = toy_archive::archive();
        Self { caller, toy, server, name: format!("toy-{}", host_arch()), more: String::new() }
    }

    /// The first generation is there.
    pub(crate) fn made(caller: Caller) -> Self {
        let chroot = Self::new(caller);
        chroot.make("hello");
        chroot
    }

    /// The program with the config; what is included decides whether there is something to make.
    pub(crate) fn command_with(&self, include: &str, words: &[&str]) -> Command {
        let config = toy_archive::config(&self.toy, &self.server, &["toy"]);
        let config = config.replace("['hello']", &format!("['{include}']"));
        self.caller.chroot_maint_with(&format!("{}\n{config}", self.more), words)
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        self.command_with("hello", words)
    }

    /// Brings it up to date, as a new generation if that was made with something else included; gives what was said.
    pub(crate) fn make(&self, include: &str) -> String {
        said(&run(&mut self.command_with(include, &["all"])))
    }

    /// Whatever the exit status is, the output and the errors.
    pub(crate) fn tell(&self, words: &[&str]) -> (Option<i32>, String) {
        let output = self.command(words).output().unwrap();
        (output.status.code(), said(&output))
    }

    /// Runs `gc` until it deletes a generation that nobody uses any more; gives what was said. Sandboxes of other tests have
    /// copies of mounts that are gone, for as long as they last.
    pub(crate) fn collect(&self, generation: u32) -> String {
        let mut text = String::new();
        wait_until("the generation is collected", || {
            text = self.tell(&["gc"]).1;
            text.contains(&format!("deleted generation {generation} ("))
        });
        text
    }

    pub(crate) fn place(&self) -> PathBuf {
        self.caller.state().join("chroots").join(&self.name)
    }

    pub(crate) fn tree(&self, generation: u32) -> PathBuf {
        self.place().join("gen").join(generation.to_string())
    }

    pub(crate) fn current(&self) -> PathBuf {
        fs::read_link(self.place().join("current")).unwrap()
    }

    /// The generations that there are, whole ones only.
    pub(crate) fn generations(&self) -> Vec<u32> {
        let entries = fs::read_dir(self.place().join("gen")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        let numbers = names.iter().filter_map(|name| name.parse::<u32>().ok());
        numbers.filter(|number| names.contains(&format!("{number}.json"))).collect()
    }

    /// A session that waits for its input to end.
    pub(crate) fn session(&self) -> Child {
        let mut session = self.command(&["enter", &self.name, "--", "sh", "-c", "cat"]);
        let tree = self.place().join("current").canonicalize().unwrap();
        let session = session.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        wait_until("the session's mounts are seen", || is_mounted_by_anybody(&tree));
        session
    }
}

pub(crate) fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&both).into_owned()
}

/// Whether a process anywhere has mounted this directory somewhere.
pub(crate) fn is_mounted_by_anybody(tree: &Path) -> bool {
    let has = |process: fs::DirEntry| {
        let mounts = fs::read_to_string(process.path().join("mountinfo")).unwrap_or_default();
        // The fourth field is what is mounted, as seen from the root of its file system.
        let mut roots = mounts.lines().filter_map(|line| line.split(' ').nth(3));
        roots.any(|root| root.len() > 1 && tree.ends_with(root.trim_start_matches('/')))
    };
    fs::read_dir("/proc").unwrap().any(|entry| entry.is_ok_and(has))
}

/// A directory with something precious in it, mounted in a tree for as long as this lives.
pub(crate) struct PreciousMount {
    dir: tempfile::TempDir,
    pub(crate) point: PathBuf,
}

impl PreciousMount {
    /// On a directory of a tree that is root's.
    pub(crate) fn on(point: PathBuf) -> Self {
        let dir = tempfile::tempdir_in("/var/tmp").unwrap();
        fs::write(dir.path().join("file"), "precious").unwrap();
        run(Command::new("mount").arg("--bind").arg(dir.path()).arg(&point));
        Self { dir, point }
    }

    pub(crate) fn is_intact(&self) -> bool {
        fs::read(self.dir.path().join("file")).is_ok_and(|text| text == b"precious")
    }

    pub(crate) fn unmount(&self) {
        run(Command::new("umount").arg(&self.point));
    }
}

impl Drop for PreciousMount {
    fn drop(&mut self) {
        // A test that fails must not leave it.
        let _ = Command::new("umount").arg("--quiet").arg(&self.point).output();
    }
}

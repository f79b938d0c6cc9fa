//! What is asked of the process that works in a user's cache, and what it answers. It is this program with that user's
//! ids and no more, for a user could put anything there, and root would follow.
//!
//! The request comes in the process's words, the tarball on its standard input, and what came of it goes to its
//! standard output. What is done is in [`super::cache`].

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::CommandExt,
    },
    path::PathBuf,
    process::{Command, Stdio, id},
};

use nix::{
    sys::{prctl::set_pdeathsig, signal::Signal},
    unistd::getppid,
};
use serde::{Deserialize, Serialize};

use super::{
    OutputError,
    cache::{self, Put},
    owner::Owner,
};

/// What is to be done.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Whether a tarball could be put: nothing is written but the directory.
    Look(Put),
    Put(Put),
    /// Take back what was put, as far as it is still there.
    Withdraw {
        dir: PathBuf,
        name: String,
        file: String,
        links: Vec<String>,
    },
}

impl Request {
    /// The process that does it.
    pub(crate) fn command(&self, owner: &Owner) -> Command {
        let mut command = Command::new("/proc/self/exe");
        command.arg0("chroot-maint").args(["in-cache", &id().to_string()]);
        // Values of such types always have a form in JSON; an empty one would be refused.
        command.arg(serde_json::to_string(self).unwrap_or_default());
        command.env_clear().stdin(Stdio::null());
        if !owner.is_caller {
            // Without the groups of root, too.
            command.uid(owner.uid).gid(owner.gid);
        }
        command
    }
}

/// What that process does: the first word is the process that wants it, the second the request.
pub(crate) fn run(words: &[OsString]) -> Result<(), OutputError> {
    let stdout = |source| OutputError::Write { path: "the answer".into(), source };
    let word = |at: usize| words.get(at).and_then(|word| word.to_str());
    let parent = word(0).and_then(|word| word.parse().ok());
    let request = word(1).and_then(|word| serde_json::from_str(word).ok());
    let (Some(parent), Some(request)) = (parent, request) else {
        return Err(stdout(io::Error::other("this is not to be called by hand")));
    };
    die_with(parent).map_err(stdout)?;
    match request {
        Request::Look(put) => put.look().map(drop),
        Request::Put(put) => {
            let kept = put.put(&mut File::from(owned_stdin().map_err(stdout)?))?;
            let text = serde_json::to_string(&kept).map_err(|error| stdout(error.into()))?;
            writeln!(io::stdout(), "{text}").map_err(stdout)
        }
        Request::Withdraw { dir, name, file, links } => cache::withdraw(&dir, &name, &file, &links),
    }
}

fn owned_stdin() -> io::Result<OwnedFd> {
    io::stdin().as_fd().try_clone_to_owned()
}

/// Whoever wants this holds the chroot's lock, and nobody else may work here when it is gone.
fn die_with(parent: i32) -> io::Result<()> {
    set_pdeathsig(Signal::SIGKILL)?;
    if getppid().as_raw() == parent {
        return Ok(());
    }
    Err(io::Error::other("the process that wants this is gone"))
}

//! One build of the corpus, in a throw-away session. What it makes is in memory, there and here: whatever ends this process
//! leaves nothing. Does not know what is built.

use std::{
    io::Read,
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use super::{
    error::VerifyError,
    results::{self, Results},
};
use crate::{
    sandbox::{Sandbox, Session},
    spec::ChrootId,
};

/// Whose programs build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// The chroot's own.
    Emulated,
    /// The host's, where they have been placed.
    Accelerated,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) results: Results,
    pub(super) took: Duration,
}

/// Runs the script in a session over the tree.
pub(super) fn build(
    sandbox: Sandbox,
    id: &ChrootId,
    tree: &Path,
    script: &str,
    whose: Whose,
) -> Result<Built, VerifyError> {
    let session = Session { name: id.to_string(), user: "root".to_owned(), binds: Vec::new() };
    let mut command = sandbox.session(tree, session);
    command.args(["sh", "-c", script]).env("LC_ALL", "C.UTF-8");
    // There in either case: some programs show all of their environment.
    let is_emulated = if whose == Whose::Emulated { "1" } else { "0" };
    command.env("CHROOT_MAINT_EMULATE", is_emulated);
    let start = |source| VerifyError::Start { id: id.clone(), source };
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(start)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    // Both are read at once: whoever writes a lot to the other one would wait for ever.
    let said = thread::Builder::new().spawn(move || read_all(stderr)).map_err(start)?;
    let archive = read_all(stdout).map_err(start)?;
    let status = child.wait().map_err(start)?;
    let took = begun.elapsed();
    if !status.success() {
        let said = said.join().unwrap_or_else(|_| Ok(Vec::new())).unwrap_or_default();
        let how = if whose == Whose::Emulated { "the emulated" } else { "the host's" };
        return Err(VerifyError::Ended { id: id.clone(), how, status, said: last_line(&said) });
    }
    let results = results::read(&archive);
    let results = results.map_err(|source| VerifyError::Results { id: id.clone(), source })?;
    Ok(Built { results, took })
}

fn read_all(pipe: Option<impl Read>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        pipe.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn last_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned()
}

//! The packages of an upgrade, before anything is changed. The host's apt solves and fetches for any architecture.

use std::{
    fs::File,
    io::{self, Read, Seek},
    path::Path,
};

use super::{
    BodyError,
    archive::{Way, keep_packages},
    process,
    simulate::NO_LOCKS,
    step,
    task::Task,
};
use crate::{
    archive::{FetchFailure, Stage},
    spec::Size,
};

/// Fetches into the stage what the cache did not have, and into the cache; gives how much more disk space the upgraded
/// tree takes, in bytes.
pub(super) fn download(
    task: &Task<'_>,
    way: &Way,
    stage: &Stage,
    tree: &Path,
    what: &[&str],
) -> Result<u64, BodyError> {
    let mut apt_get = task.sandbox.outside("apt-get");
    stage.configure(tree, &mut apt_get, !nix::unistd::geteuid().is_root());
    apt_get.args(NO_LOCKS).args(["-q", "--download-only"]).args(what);
    way.set_proxy(&mut apt_get, task.config);
    apt_get.env("TMPDIR", task.work.tmp());
    for (name, seconds) in Way::timeouts(task.config) {
        apt_get.arg("-o").arg(format!("{name}={seconds}"));
    }
    // What it says of packages is what the simulation said.
    let mut said = Said::new()?;
    apt_get.stdout(said.writer()?);
    let fetched = process::relay_whole(step::DOWNLOAD, apt_get);
    // What came before a failure is fetched only once, too.
    let kept = keep_packages(task.config, stage, &stage.debs());
    match fetched {
        Ok(_) => {}
        Err(process::Failure::Ended(said)) => {
            return Err(BodyError::Fetch(FetchFailure::read(&said)));
        }
        Err(process::Failure::Start(error)) => return Err(error),
    }
    if kept.files > 0 {
        println!("packages fetched: {}, {}", kept.files, Size(kept.bytes));
    }
    Ok(growth(&said.text()?))
}

/// A tool's output, to be read when it is done.
struct Said(File);

impl Said {
    fn new() -> Result<Self, BodyError> {
        tempfile::tempfile().map(Self).map_err(Self::fault)
    }

    fn writer(&self) -> Result<File, BodyError> {
        self.0.try_clone().map_err(Self::fault)
    }

    fn text(&mut self) -> Result<String, BodyError> {
        let mut bytes = Vec::new();
        self.0.rewind().and_then(|()| self.0.read_to_end(&mut bytes)).map_err(Self::fault)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn fault(source: io::Error) -> BodyError {
        BodyError::Write { what: "a temporary file", source }
    }
}

/// Out of `After this operation, 1,234 kB of additional disk space will be used.`, as it is meant by apt: by thousands,
/// and rounded. Nothing if it says nothing of the kind.
fn growth(said: &str) -> u64 {
    let words = said.lines().find_map(|line| {
        line.strip_prefix("After this operation, ")?
            .strip_suffix(" of additional disk space will be used.")
    });
    let read = |words: &str| {
        let (number, unit) = words.split_once(' ')?;
        let scale = match unit {
            "B" => 1.0,
            "kB" => 1e3,
            "MB" => 1e6,
            "GB" => 1e9,
            _ => return None,
        };
        let number: f64 = number.replace(',', "").parse().ok()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is rounded"
        )]
        Some((number * scale) as u64)
    };
    words.and_then(read).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::growth;

    #[test]
    fn apt_says_how_much_a_tree_grows() {
        let said = |size| {
            format!(
                "Need to get 0 B.\nAfter this operation, {size} of additional disk space will be used.\nE: x\n"
            )
        };
        assert_eq!(growth(&said("2,048 B")), 2048);
        assert_eq!(growth(&said("1,234 kB")), 1_234_000);
        assert_eq!(growth(&said("12.5 MB")), 12_500_000);
        assert_eq!(growth("After this operation, 12.5 MB disk space will be freed.\n"), 0);
        assert_eq!(growth("what?"), 0);
    }
}

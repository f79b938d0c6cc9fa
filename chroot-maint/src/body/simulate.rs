//! What apt would do to a tree, as it says itself. Touches no tree.

use std::{collections::BTreeSet, fmt, path::Path};

use super::{BodyError, process, step, task::Task};
use crate::archive::Stage;

/// What makes an upgrade; the same words for simulation, download and the upgrade itself. What others needed and nothing
/// needs any more goes in the same step.
pub(super) const DIST_UPGRADE: [&str; 4] = ["--yes", "--auto-remove", "--purge", "dist-upgrade"];

/// apt and dpkg lock what they only read, too, and so leave files in a tree that must stay as it is.
pub(super) const NO_LOCKS: [&str; 2] = ["-o", "Debug::NoLocking=true"];

/// The packages concerned, by apt's names: with `:ARCH` only where that is not the tree's own.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Simulation {
    pub(super) replaced: BTreeSet<String>,
    pub(super) added: BTreeSet<String>,
    pub(super) removed: BTreeSet<String>,
    /// To be configured, with whatever else.
    configured: BTreeSet<String>,
}

/// Asks the host's apt what it would do to a tree with the stage's lists.
pub(super) fn simulate(
    task: &Task<'_>,
    stage: &Stage,
    tree: &Path,
    what: &[&str],
) -> Result<Simulation, BodyError> {
    let mut apt_get = task.sandbox.outside("apt-get");
    stage.configure(tree, &mut apt_get, true);
    // More quiet, it would not say which dependencies are not met.
    apt_get.args(NO_LOCKS).args(["-q", "--simulate"]).args(what);
    apt_get.env("TMPDIR", task.work.tmp());
    let said = process::output(step::SIMULATE, apt_get)?;
    Ok(Simulation::read(&String::from_utf8_lossy(&said)))
}

impl Simulation {
    /// Lines such as `Inst hello [1] (2 Toy:toy [all])`; others are for people.
    fn read(said: &str) -> Self {
        let mut simulation = Self::default();
        for line in said.lines() {
            let mut words = line.split_whitespace();
            let (Some(verb), Some(name)) = (words.next(), words.next()) else {
                continue;
            };
            let was_there = words.next().is_some_and(|word| word.starts_with('['));
            let set = match verb {
                "Inst" if was_there => &mut simulation.replaced,
                "Inst" => &mut simulation.added,
                "Remv" | "Purg" => &mut simulation.removed,
                "Conf" => &mut simulation.configured,
                _ => continue,
            };
            set.insert(name.to_owned());
        }
        simulation
    }

    pub(super) fn is_empty(&self) -> bool {
        let Self { replaced, added, removed, configured } = self;
        [replaced, added, removed, configured].iter().all(|set| set.is_empty())
    }
}

impl fmt::Display for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { replaced, added, removed, .. } = self;
        let [replaced, added, removed] = [replaced, added, removed].map(BTreeSet::len);
        write!(f, "{replaced} packages to replace, {added} to add, {removed} to remove")
    }
}

#[cfg(test)]
mod tests {
    use super::Simulation;

    const SAID: &str = "\
NOTE: This is only a simulation!
Remv old [1]
Purg older [1]
Inst hello [1] (2 Toy:toy [all]) [more:amd64 ]
Inst more (1 Toy:toy [amd64])
Conf hello (2 Toy:toy [all])
Conf more (1 Toy:toy [amd64])
";

    #[test]
    fn what_comes_what_goes_and_what_changes_is_told_apart() {
        let read = Simulation::read(SAID);
        let [replaced, added, removed] = [&read.replaced, &read.added, &read.removed]
            .map(|set| set.iter().map(String::as_str).collect::<Vec<_>>().join(" "));
        assert_eq!((&*replaced, &*added, &*removed), ("hello", "more", "old older"));
    }

    #[test]
    fn an_unfinished_package_is_something_to_do() {
        assert!(Simulation::read("Reading package lists...\n").is_empty());
        assert!(!Simulation::read("Conf hello (2 Toy:toy [all])\n").is_empty());
    }
}

//! Which groups of tools can be installed together: all, or all but those that don't fit to what comes before them. Knows groups by what
//! they take, and failures as apt's unmet dependencies or others; does not know how it is found out whether something fits.

use std::collections::{BTreeMap, BTreeSet};

use super::{BodyError, step};
use crate::archive::FetchFailure;

/// What a group takes, each as `apt-get satisfy` reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) group: String,
    pub(super) takes: BTreeSet<String>,
}

/// What is to be installed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) takes: BTreeSet<String>,
    pub(super) left_out: BTreeMap<String, LeftOut>,
}

/// A group that does not fit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) takes: BTreeSet<String>,
    /// On one line.
    pub(super) reason: String,
}

/// Finds out what fits to `always`, without which there is nothing to be had. Where two groups don't fit together, the first one stays.
/// `fit` is asked once if all do.
pub(super) fn plan(
    always: BTreeSet<String>,
    needs: &[Need],
    mut fit: impl FnMut(&BTreeSet<String>) -> Result<(), BodyError>,
) -> Result<Plan, BodyError> {
    let mut plan = Plan { takes: always, left_out: BTreeMap::new() };
    let Err(error) = fit(&plan.with(needs)) else {
        plan.takes = plan.with(needs);
        return Ok(plan);
    };
    unmet(&error).ok_or(error)?;
    fit(&plan.takes)?;
    // The halves that are yet to be looked at, the first one last.
    let mut halves = vec![needs];
    while let Some(needs) = halves.pop() {
        let takes = plan.with(needs);
        let reason = match fit(&takes) {
            Ok(()) => {
                plan.takes = takes;
                continue;
            }
            Err(error) => unmet(&error).ok_or(error)?,
        };
        if let [Need { group, takes }] = needs {
            let reason = format!("what it takes can't be installed in the native chroot: {reason}");
            plan.left_out.insert(group.clone(), LeftOut { takes: takes.clone(), reason });
        } else {
            let (first, second) = needs.split_at(needs.len() / 2);
            halves.extend([second, first]);
        }
    }
    Ok(plan)
}

/// A dependency that is not met, in apt's words, if that is why a simulation failed.
pub(super) fn unmet(error: &BodyError) -> Option<String> {
    match error {
        BodyError::Step { what: step::SIMULATE, output, .. } => FetchFailure::read(output).unmet(),
        _ => None,
    }
}

impl Plan {
    fn with(&self, needs: &[Need]) -> BTreeSet<String> {
        self.takes.iter().chain(needs.iter().flat_map(|need| &need.takes)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

    use super::{BTreeMap, BTreeSet, BodyError, Need, plan, step};

    fn set(text: &str) -> BTreeSet<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn refused(said: &str) -> BodyError {
        let (said, output) = ("E: no".to_owned(), said.to_owned());
        BodyError::Step { what: step::SIMULATE, status: ExitStatus::from_raw(256), said, output }
    }

    /// `bad` can't be had, nor can `a` with `b`.
    fn apt(takes: &BTreeSet<String>) -> Result<(), BodyError> {
        let bad = if takes.contains("bad") {
            "bad"
        } else if takes.is_superset(&set("a b")) {
            "b"
        } else {
            return Ok(());
        };
        Err(refused(&format!(
            "The following packages have unmet dependencies:\n satisfy:command-line : Depends: {bad} but it is not \
             installable\n\nE: Unable to correct problems, you have held broken packages."
        )))
    }

    /// Groups as `NAME: WHAT IT TAKES`; gives what is to be installed, and the reasons.
    fn planned(
        groups: &[&str],
        fit: impl FnMut(&BTreeSet<String>) -> Result<(), BodyError>,
    ) -> Result<(BTreeSet<String>, BTreeMap<String, String>), BodyError> {
        let need = |text: &&str| {
            let (group, takes) = text.split_once(": ").unwrap();
            Need { group: group.to_owned(), takes: set(takes) }
        };
        let needs: Vec<Need> = groups.iter().map(need).collect();
        let plan = plan(set("patchelf"), &needs, fit)?;
        let reasons = plan.left_out.into_iter().map(|(group, left_out)| (group, left_out.reason));
        Ok((plan.takes, reasons.collect()))
    }

    #[test]
    fn a_package_that_cant_be_installed_takes_only_its_own_group_away() {
        let groups = ["gcc: gcc-cross binutils-cross bad", "sed: sed", "bash: bison", "make: po4a"];
        let mut asked = 0;
        let (takes, reasons) = planned(&groups, |takes| {
            asked += 1;
            apt(takes)
        })
        .unwrap();
        assert_eq!(takes, set("bison patchelf po4a sed"));
        let reason = "what it takes can't be installed in the native chroot: Depends: bad but it is not installable";
        assert_eq!(reasons, BTreeMap::from([("gcc".to_owned(), reason.to_owned())]));
        assert_eq!(asked, 7);
    }

    #[test]
    fn where_everything_fits_that_is_asked_once() {
        let mut asked = 0;
        let (takes, reasons) = planned(&["gcc: a", "sed: c"], |takes| {
            asked += 1;
            apt(takes)
        })
        .unwrap();
        assert_eq!((takes, reasons.len(), asked), (set("a c patchelf"), 0, 1));
    }

    #[test]
    fn of_two_groups_that_dont_fit_together_the_first_stays() {
        let (takes, reasons) = planned(&["gcc: a", "sed: c", "bash: b"], apt).unwrap();
        assert_eq!(takes, set("a c patchelf"));
        assert_eq!(reasons.keys().collect::<Vec<_>>(), ["bash"]);
    }

    #[test]
    fn what_any_tree_takes_must_be_there() {
        let fit = |takes: &BTreeSet<String>| {
            let takes = takes.iter().map(|one| if one == "patchelf" { "bad" } else { one });
            apt(&takes.map(str::to_owned).collect())
        };
        let error = planned(&["gcc: a", "sed: c"], fit).unwrap_err();
        assert!(matches!(error, BodyError::Step { .. }), "{error}");
    }

    #[test]
    fn no_other_failure_leaves_anything_out() {
        let said = "E: Could not open file /x/lists/Packages - open (5: Input/output error)";
        assert!(planned(&["gcc: a", "sed: c"], |_| Err(refused(said))).is_err());
        let mut asked = 0;
        let later = |takes: &BTreeSet<String>| {
            asked += 1;
            if asked > 2 { Err(refused(said)) } else { apt(takes) }
        };
        assert!(planned(&["gcc: a", "sed: bad"], later).is_err());
    }
}

//! What is to be said about a chroot beyond its row in the table, and what to do about it.

use std::{fmt, path::Path};

use super::{ago, look::Row, tools::Tools, verdict::State};
use crate::{
    spec::{Placement, Tier},
    store::Action,
};

/// A remark on one chroot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note<'a> {
    what: String,
    /// What to do.
    mend: Option<String>,
    log: Option<&'a Path>,
}

impl fmt::Display for Note<'_> {
    /// Without the chroot's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.what)?;
        if let Some(mend) = &self.mend {
            writeln!(f, "  -> {mend}")?;
        }
        match self.log {
            Some(log) => writeln!(f, "  log: {}", log.display()),
            None => Ok(()),
        }
    }
}

fn note(what: impl Into<String>, mend: impl Into<String>) -> Note<'static> {
    Note { what: what.into(), mend: Some(mend.into()), log: None }
}

/// All of them, the most urgent first; none of a chroot that is as it should be.
pub(super) fn notes(row: &Row, now: u64) -> Vec<Note<'_>> {
    let mut notes = Vec::new();
    for fault in &row.faults {
        notes.push(match fault.rsplit_once("; ") {
            Some((what, mend)) => note(what, mend),
            None => Note { what: fault.clone(), mend: None, log: None },
        });
    }
    match row.state() {
        State::Working => notes.push(working(row)),
        State::Interrupted => notes.push(interrupted(row)),
        State::Failed(_) => notes.extend(failed(row, now)),
        State::Broken | State::Missing | State::Good(_) => {}
    }
    // While somebody works on it, all of this is about to change.
    if row.holder.is_none() {
        notes.extend(odd(row));
    }
    if let Some(tools) = &row.tools {
        notes.extend(of_tools(row, tools, now));
    }
    notes
}

fn working(row: &Row) -> Note<'_> {
    let what = match row.holder.and_then(|holder| holder.process) {
        Some(process) => format!("process {process} works on it"),
        None => "another process works on it".to_owned(),
    };
    Note { what, mend: None, log: row.log.as_ref().map(|log| log.path.as_path()) }
}

fn interrupted(row: &Row) -> Note<'_> {
    let still = if row.current.is_some() { "; what was in use before still is" } else { "" };
    Note {
        what: format!("a run was killed before it could end or clear up{still}"),
        mend: Some("its remains go with the next run, or now: chroot-maint gc".to_owned()),
        log: row.log.as_ref().map(|log| log.path.as_path()),
    }
}

fn failed(row: &Row, now: u64) -> Option<Note<'_>> {
    let (outcome, failure) = row.failure()?;
    let action = match outcome.action {
        Action::Create => "making it",
        Action::Upgrade => "upgrading it",
        Action::HandOut => "handing it out",
        Action::Look => "looking what its archive has",
    };
    let ago = ago(outcome.at, now);
    Some(Note {
        what: format!("{action} failed {ago} ago: {}", failure.reason),
        mend: failure.advice.clone(),
        log: row.log_of(outcome),
    })
}

/// What is not wrong, but worth knowing.
fn odd(row: &Row) -> Vec<Note<'static>> {
    let id = &row.id;
    let mut notes = Vec::new();
    if !row.configured {
        notes.push(note(
            "it is not in the config, so nothing upgrades it",
            format!("if nobody wants it: chroot-maint remove {id}"),
        ));
    }
    if !row.changes.is_empty() {
        notes.push(note(
            format!("the config has changed since it was made: {}", row.changes.join(", ")),
            format!("it is made anew by the next run, or now: chroot-maint chroot {id}"),
        ));
    }
    for handed in row.outputs.iter().filter(|handed| !handed.is_current) {
        if row.current.is_some() {
            notes.push(note(
                format!("{} does not have the generation in use", handed.output),
                format!("it gets it by the next run, or now: chroot-maint chroot {id}"),
            ));
        }
    }
    let newer = row.generations.iter().filter(|&&number| Some(number) > row.number).max();
    if let (Some(number), Some(newer)) = (row.number, newer) {
        notes.push(Note {
            what: format!("it was rolled back from generation {newer} to {number}"),
            mend: None,
            log: None,
        });
    }
    let more = row.generations.len().saturating_sub(row.keep);
    if more > 0 {
        let oldest: Vec<String> = row.generations.iter().map(ToString::to_string).collect();
        notes.push(note(
            format!("generations {} are there, of which {} are kept", oldest.join(", "), row.keep),
            "if no session uses the oldest any more: chroot-maint gc",
        ));
    }
    notes
}

/// What became of the host's tools for it, and what keeps them from being better.
fn of_tools<'a>(row: &'a Row, tools: &'a Tools, now: u64) -> Vec<Note<'a>> {
    let mut notes: Vec<Note<'a>> = tools.faults.iter().map(|fault| fault_of_tools(fault)).collect();
    let log = tools.log.as_ref().map(|log| log.path.as_path());
    if let Some(holder) = tools.holder {
        let who = holder.process.map_or("another process".to_owned(), |n| format!("process {n}"));
        notes.push(Note { what: format!("{who} works on its cross-tools"), mend: None, log });
    } else if !tools.unfinished.is_empty() {
        let what = "a run was killed over its cross-tools".to_owned();
        let mend = Some("its remains go with the next run, or now: chroot-maint gc".to_owned());
        notes.push(Note { what, mend, log });
    } else if let Some((outcome, failure)) =
        tools.failed().and_then(|outcome| Some((outcome, outcome.failure.as_ref()?)))
    {
        let log = tools.log.as_ref().and_then(|log| log.of(outcome));
        let what = format!(
            "making its cross-tools failed {} ago: {}",
            ago(outcome.at, now),
            failure.reason
        );
        notes.push(Note { what, mend: failure.advice.clone(), log });
    }
    if row.current.is_some() && row.holder.is_none() && !tools.is_current {
        notes.push(other_tools(row, tools));
    }
    notes.extend(groups(tools));
    notes.extend(tools.placed.as_ref().and_then(gain));
    notes
}

fn fault_of_tools(fault: &str) -> Note<'static> {
    match fault.rsplit_once("; ") {
        Some((what, mend)) => note(format!("cross-tools: {what}"), mend),
        None => Note { what: format!("cross-tools: {fault}"), mend: None, log: None },
    }
}

/// What it has is not what it would get.
fn other_tools(row: &Row, tools: &Tools) -> Note<'static> {
    let id = &row.id;
    let what = match (&tools.placed, tools.tiers.is_empty()) {
        (_, true) => "it has cross-tools that the config does not want",
        (None, false) => "it does not have the cross-tools that are there for it",
        (Some(_), false) => "there are other cross-tools for it than it has",
    };
    let mend = "this is put right when it is looked at next, or now: chroot-maint -f 0s chroot";
    note(what, format!("{mend} {id}"))
}

/// Those that are not as good as they might be; one that is not installed is missed by nobody.
fn groups(tools: &Tools) -> impl Iterator<Item = Note<'_>> {
    let groups = tools.placed.iter().flat_map(|placed| &placed.groups);
    groups.filter_map(|group| {
        let reason = group.verdict.split_once(": ").map_or("", |(_, reason)| reason);
        let what = match group.word() {
            "refused" | "failed" => format!("its own {} stays: {reason}", group.name),
            "close" => format!("the host's {} is close to its own: {reason}", group.name),
            _ => return None,
        };
        Some(Note { what, mend: None, log: None })
    })
}

/// What they are good for, with the tiers that they are of.
fn gain(placed: &Placement) -> Option<Note<'static>> {
    let factor = placed.gain?.factor();
    let factor = if factor < 10.0 { format!("{factor:.1}") } else { format!("{factor:.0}") };
    let is_in = |tier| placed.groups.iter().any(|group| group.is_in && group.tier == tier);
    let tiers = Tier::ALL.into_iter().filter(|&(_, tier)| is_in(tier)).map(|(name, _)| name);
    let tiers = tiers.collect::<Vec<_>>().join(", ");
    let what = format!("with cross-tools ({tiers}), a small build takes 1/{factor} of the time");
    Some(Note { what, mend: None, log: None })
}

//! The report for programs. Its keys and words keep their meaning as long as `version` stays the same; there may be
//! more of them. Times are in seconds since 1970, sizes in bytes; what is not known or not there is null.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{look::Row, tools::Tools, verdict::State};
use crate::{
    spec::{Gain, Placed, Tier},
    store::Outcome,
};

/// To be raised when a key goes or gets another meaning.
const VERSION: u32 = 1;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report<'a> {
    version: u32,
    state_dir: &'a Path,
    chroots: Vec<Chroot<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Chroot<'a> {
    name: String,
    dist: &'a str,
    arch: String,
    configured: bool,
    /// `working`, `broken`, `interrupted`, `failed`, `missing` or `good`.
    state: &'static str,
    generation: Option<u32>,
    tree: Option<&'a Path>,
    created: Option<u64>,
    checked: Option<u64>,
    size: Option<u64>,
    packages: Option<usize>,
    generations: &'a [u32],
    /// What the config has changed since.
    config_changes: &'a [&'static str],
    outputs: Vec<Output>,
    /// Of a chroot of the host's own architecture there are none.
    cross_tools: Option<CrossTools<'a>>,
    outcome: Option<&'a Outcome>,
    log: Option<&'a Path>,
    /// The process that works on it.
    process: Option<u32>,
    unfinished: Vec<&'a Path>,
    faults: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Output {
    name: &'static str,
    /// Whether it has the generation in use.
    current: bool,
}

/// The host's tools for a foreign chroot.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct CrossTools<'a> {
    /// What the config wants.
    tiers: &'a [Tier],
    /// Of the tools in the generation in use.
    hash: Option<&'a str>,
    /// Of the tree that there is now.
    generation: Option<u32>,
    /// Whether that is what the chroot has.
    current: bool,
    groups: Vec<Group<'a>>,
    gain: Option<Measured>,
    outcome: Option<&'a Outcome>,
    log: Option<&'a Path>,
    process: Option<u32>,
    unfinished: Vec<&'a Path>,
    faults: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Group<'a> {
    name: &'a str,
    tier: Tier,
    /// `in` or `out`.
    state: &'static str,
    verdict: &'a str,
}

/// How long a small build took with the chroot's own programs and with the host's.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Measured {
    emulated_ms: u64,
    accelerated_ms: u64,
    /// To one decimal.
    factor: f64,
}

pub(super) fn render(state_dir: &Path, rows: &[Row]) -> Result<String, serde_json::Error> {
    let chroots = rows.iter().map(chroot).collect();
    let mut text = serde_json::to_string_pretty(&Report { version: VERSION, state_dir, chroots })?;
    text.push('\n');
    Ok(text)
}

fn chroot(row: &Row) -> Chroot<'_> {
    let current = row.current.as_ref();
    Chroot {
        name: row.id.to_string(),
        dist: row.id.dist.as_str(),
        arch: row.id.arch.to_string(),
        configured: row.configured,
        state: match row.state() {
            State::Working => "working",
            State::Broken => "broken",
            State::Interrupted => "interrupted",
            State::Failed(_) => "failed",
            State::Missing => "missing",
            State::Good(_) => "good",
        },
        generation: row.number,
        tree: current.map(|current| current.tree.as_path()),
        created: current.map(|current| current.record.created),
        checked: row.checked,
        size: current.map(|current| current.record.size),
        packages: current.map(|current| current.record.packages.len()),
        generations: &row.generations,
        config_changes: &row.changes,
        outputs: row
            .outputs
            .iter()
            .map(|handed| Output { name: handed.output.name(), current: handed.is_current })
            .collect(),
        cross_tools: row.tools.as_ref().map(cross_tools),
        outcome: row.outcome.as_ref(),
        log: row.log.as_ref().map(|log| log.path.as_path()),
        process: row.holder.and_then(|holder| holder.process),
        unfinished: row.unfinished.iter().map(PathBuf::as_path).collect(),
        faults: &row.faults,
    }
}

fn cross_tools(tools: &Tools) -> CrossTools<'_> {
    let placed = tools.placed.as_ref();
    CrossTools {
        tiers: &tools.tiers,
        hash: placed.map(|placed| placed.hash.as_str()),
        generation: tools.tree.as_ref().map(|tree| tree.number),
        current: tools.is_current,
        groups: placed.iter().flat_map(|placed| &placed.groups).map(group).collect(),
        gain: placed.and_then(|placed| placed.gain).map(measured),
        outcome: tools.outcome.as_ref(),
        log: tools.log.as_ref().map(|log| log.path.as_path()),
        process: tools.holder.and_then(|holder| holder.process),
        unfinished: tools.unfinished.iter().map(PathBuf::as_path).collect(),
        faults: &tools.faults,
    }
}

fn group(placed: &Placed) -> Group<'_> {
    let state = if placed.is_in { "in" } else { "out" };
    Group { name: &placed.name, tier: placed.tier, state, verdict: &placed.verdict }
}

fn measured(gain: Gain) -> Measured {
    let Gain { emulated: emulated_ms, accelerated: accelerated_ms } = gain;
    Measured { emulated_ms, accelerated_ms, factor: (gain.factor() * 10.0).round() / 10.0 }
}

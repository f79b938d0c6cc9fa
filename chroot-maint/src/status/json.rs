//! The report for programs. Its keys and words keep their meaning as long as `version` stays the same; there may be
//! more of them. Times are in seconds since 1970, sizes in bytes; what is not known or not there is null.

use std::path::Path;

use serde::Serialize;

use super::{look::Row, verdict::State};
use crate::store::Outcome;

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
        outcome: row.outcome.as_ref(),
        log: row.log.as_ref().map(|log| log.path.as_path()),
        process: row.holder.and_then(|holder| holder.process),
        unfinished: row.unfinished.iter().map(std::path::PathBuf::as_path).collect(),
        faults: &row.faults,
    }
}

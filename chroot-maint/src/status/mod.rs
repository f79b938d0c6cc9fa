//! `chroot-maint status`: what there is, how old it is, and what came of the last work on it.
//!
//! Reads the state directory and nothing else, waits for no lock and changes nothing. `look` and `tools` find the
//! facts, `verdict` says what they come to, `table` with its `notes` and `json` show them.

mod json;
mod logs;
mod look;
mod notes;
mod place;
mod table;
#[cfg(test)]
mod tests;
mod tools;
mod verdict;

use std::{
    collections::BTreeSet,
    io::Write,
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    config::Config,
    error::Error,
    spec::{self, ChrootId, Selectable},
    store::Store,
};

/// Reports on the chosen chroots. That one of them is in a bad state is no failure of the report.
pub(crate) fn run(config: &Config, which: &[String], as_json: bool) -> Result<ExitCode, Error> {
    let store = Store::new(config.state_dir.clone());
    let chosen = choose(config, &store, which)?;
    let rows = look::look(config, &store, chosen);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());

    let text = if as_json {
        json::render(&config.state_dir, &rows).map_err(|error| Error::Output(error.into()))?
    } else {
        table::Table { rows: &rows, now }.to_string()
    };
    std::io::stdout().lock().write_all(text.as_bytes()).map_err(Error::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// How long ago a time was. One that is still to come counts as now.
fn ago(then: u64, now: u64) -> String {
    spec::about(Duration::from_secs(now.saturating_sub(then)))
}

/// Among those that are configured and those that are there.
fn choose(config: &Config, store: &Store, which: &[String]) -> Result<BTreeSet<ChrootId>, Error> {
    let there = store.chroots()?;
    let strays = there.iter().filter(|id| !config.chroots.contains_key(id));
    let strays = strays.map(|id| Selectable { id, aliases: &[] });
    let all: Vec<Selectable<'_>> = config.selectable().into_iter().chain(strays).collect();
    Ok(spec::select(which, &all)?)
}

//! `chroot-maint cross-tools --verify`: the proof that a foreign chroot's tools give what its own programs give.
//!
//! ```text
//! corpus     what is built, and how          results    what a session made       session    one build
//! compare    what differs, and how           report     what is said of it
//! ```
//! The same corpus is built in two throw-away sessions over the generation in use, in the same directory and with the same
//! times: with the chroot's own programs, emulated, and with the host's in their places. Then every file must be the same. Only
//! where the compilers are known to be of another revision, what names the revision is left out of account: `.comment`,
//! the build id that is a hash over it, and the version in parentheses in texts.
//!
//! Changes no chroot, and needs no lock: a session shows that its tree is in use. Proves nothing of programs that the
//! corpus doesn't call, nor of those that the chroot hasn't got, which it names.

mod compare;
mod corpus;
mod error;
mod report;
mod results;
mod session;

use std::{collections::BTreeSet, io::Write, process::ExitCode};

pub(crate) use error::VerifyError;

use crate::{
    cli::Options,
    config::Config,
    sandbox::Sandbox,
    spec::{self, ChrootId, Placement},
    store::{Generation, Store},
};
use compare::Rule;
use report::Report;
use session::{Whose, build};

/// The exit status if anything differs: as where a job failed.
const DIFFERENT: u8 = 2;

/// Verifies the tools of the chosen chroots, one after the other: times are compared as well.
pub(crate) fn run(
    config: &Config,
    which: &[String],
    options: &Options,
) -> Result<ExitCode, VerifyError> {
    let with_tools = choose(config, which)?;
    let width = with_tools.iter().map(|(id, ..)| id.to_string().len()).max().unwrap_or_default();
    let mut all_same = true;
    for (id, current, placement) in with_tools {
        if options.dry_run {
            writeln!(std::io::stdout(), "{id}: would be built in twice and compared")?;
            continue;
        }
        let report = verify(config, id, &current, placement, options)?;
        report.write(&mut std::io::stdout().lock(), width, options.quiet)?;
        all_same &= report.is_same();
    }
    Ok(if all_same { ExitCode::SUCCESS } else { ExitCode::from(DIFFERENT) })
}

type WithTools = (ChrootId, Generation, Placement);

/// Those of the chosen chroots that have tools; it is an error if none has.
fn choose(config: &Config, which: &[String]) -> Result<Vec<WithTools>, VerifyError> {
    let chosen = spec::select(which, &config.selectable())?;
    let is_foreign = |id: &&ChrootId| id.arch != config.host.arch;
    let foreign: BTreeSet<&ChrootId> = chosen.iter().filter(is_foreign).collect();
    if foreign.is_empty() {
        return Err(VerifyError::Native { names: names(chosen.iter()) });
    }
    let is_wanted =
        |id: &ChrootId| config.chroots.get(id).is_some_and(|chroot| !chroot.cross_tools.is_empty());
    let store = Store::new(config.state_dir.clone());
    let mut found = Vec::new();
    for &id in &foreign {
        let current = store.place(id).current()?;
        let placement = current.as_ref().and_then(|current| current.record.cross_tools.clone());
        let placement = placement.filter(|all| all.groups.iter().any(|group| group.is_in));
        if let (Some(current), Some(placement)) = (current, placement) {
            found.push((id.clone(), current, placement));
        }
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let mut unwanted = foreign.iter().filter(|id| !is_wanted(id));
    let could = names(foreign.iter().copied().filter(|id| is_wanted(id)));
    match unwanted.next() {
        Some(&id) if could.is_empty() => Err(VerifyError::NotWanted { id: id.clone() }),
        _ => Err(VerifyError::NoTools { names: could }),
    }
}

fn names<'a>(ids: impl Iterator<Item = &'a ChrootId>) -> String {
    ids.map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn verify(
    config: &Config,
    id: ChrootId,
    current: &Generation,
    placement: Placement,
    options: &Options,
) -> Result<Report, VerifyError> {
    let sandbox = Sandbox::open_for(id.arch, config.host.arch)?;
    let is_close = placement
        .groups
        .iter()
        .any(|group| group.name == "gcc" && group.is_in && group.word() == "close");
    let script = corpus::script(is_close);
    let build = |whose, what| {
        if !options.silent && !options.quiet {
            // Nobody may be there to read; the outcome counts all the same.
            let _ = writeln!(std::io::stderr(), "{id}: building with {what}");
        }
        build(sandbox, &id, &current.tree, &script, whose)
    };
    let accelerated = build(Whose::Accelerated, "the host's tools")?;
    let emulated = build(Whose::Emulated, "the emulated ones, which takes minutes")?;
    let rule = if is_close { Rule::ButForRevision } else { Rule::Identical };
    let differences = compare::compare(&emulated.results, &accelerated.results, rule);
    Ok(Report { id, placement, emulated, accelerated, differences })
}

//! The story of a chroot: what is to be done for it, done in a work directory, and only then in use.

use std::{
    io::{self, Write as _},
    time::{Instant, SystemTime},
};

use super::{
    BodyError, hand_out,
    interrupt::{self, Cause},
    make,
    outcome::Attempt,
    task::Task,
    upgrade, upkeep,
};
use crate::{
    config::{Chroot, Config},
    sandbox::{Runs, Sandbox},
    spec::{self, ChrootId, Fresh, JobName},
    store::{Action, Generation, Place, Store},
};

/// What a chroot needs, as far as that can be said without a look at its archive.
enum Need<'a> {
    /// To be made, for there is none.
    Making,
    /// To be made anew, for the config wants another one; what that is.
    Remaking { current: &'a Generation, changes: String },
    /// A look at what its archive has; `always` into the tree too, whatever the archive's indexes say.
    Looking { current: &'a Generation, always: bool },
    /// Only what is missing is to be made.
    Nothing { current: &'a Generation },
}

/// Makes the chroot if it is not there as its recipe says, or upgrades it if its archive has something newer: as a new
/// generation in either case. Then it is handed to those who build in it, and what is too old deleted.
pub(super) fn keep(config: &Config, id: &ChrootId) -> Result<(), BodyError> {
    let chroot = config.chroots.get(id).ok_or_else(|| not_configured(config, id))?;
    let _lock = upkeep::lock(config, &JobName::Chroot(id.clone()))?;
    // Not before: who holds the lock may be removing the chroot, with its directories.
    let place = Store::new(config.state_dir.clone()).prepare(id)?;
    // Nor this: who only waits has nothing to put in order.
    interrupt::begin().map_err(BodyError::Settle)?;
    interrupt::limit(config.time_limit).map_err(BodyError::Settle)?;

    let mut attempt = Attempt::begin(&place);
    let done = bring_up_to_date(config, id, chroot, &place, &mut attempt);
    let done = attempt.end(done);
    // Also after a failure: it may be handing out that fails night after night.
    if let (None, Ok(sandbox)) = (interrupt::cause(), Sandbox::open()) {
        upkeep::collect(config, sandbox, &place);
    }
    interrupt::end().map_err(BodyError::Settle)?;
    done
}

fn bring_up_to_date(
    config: &Config,
    id: &ChrootId,
    chroot: &Chroot,
    place: &Place,
    attempt: &mut Attempt<'_>,
) -> Result<(), BodyError> {
    let sandbox = Sandbox::open_for(id.arch, config.host.arch)?;
    if sandbox.runs() != Runs::Natively {
        attempt.is_emulated();
    }
    hand_out::check(config, id, chroot)?;
    upkeep::clear_leftovers(sandbox, place)?;
    // Looked at under the lock: another run may have made it meanwhile.
    let old = place.current()?;
    let need = Need::of(old.as_ref(), place, chroot);
    attempt.sets_out_to(need.action());
    let new = work_on(config, id, chroot, sandbox, place, &need)?;
    if let Some(new) = &new {
        println!("generation {} is in use: {}", new.number, new.tree.display());
        attempt.sets_out_to(Action::HandOut);
    }
    // Also where nothing is new: they may have been deleted, or the config may want others.
    match new.as_ref().or(old.as_ref()) {
        Some(current) => hand_out::hand_out(config, id, chroot, current, sandbox),
        None => Ok(()),
    }?;
    attempt.sets_out_to(need.action());
    Ok(())
}

impl<'a> Need<'a> {
    fn of(old: Option<&'a Generation>, place: &Place, chroot: &Chroot) -> Self {
        let Some(current) = old else {
            return Self::Making;
        };
        let changes = chroot.recipe.changes_since(&place.judged_by(current)).join(", ");
        match chroot.fresh {
            _ if !changes.is_empty() => Self::Remaking { current, changes },
            Fresh::Create => Self::Nothing { current },
            Fresh::Force => Self::Looking { current, always: true },
            // How old it may be is for the scheduler to say: this was started to look.
            Fresh::Within(_) => Self::Looking { current, always: false },
        }
    }
}

impl Need<'_> {
    fn action(&self) -> Action {
        match self {
            Self::Making | Self::Remaking { .. } => Action::Create,
            Self::Looking { .. } => Action::Upgrade,
            Self::Nothing { .. } => Action::HandOut,
        }
    }
}

/// Makes room for the work, does it, and clears up, however it ended.
fn work_on(
    config: &Config,
    id: &ChrootId,
    chroot: &Chroot,
    sandbox: Sandbox,
    place: &Place,
    need: &Need<'_>,
) -> Result<Option<Generation>, BodyError> {
    if let Need::Nothing { current } = need {
        println!("generation {} is there: {}", current.number, current.tree.display());
        return Ok(None);
    }
    let work = place.begin()?;
    let begun = (SystemTime::now(), Instant::now());
    let task = Task { config, id, chroot, sandbox, place, work: &work, begun };
    let done = meet(&task, need);
    if let Some(Cause::Signal(_)) = interrupt::cause() {
        // Nobody may be there to read any more.
        let _ = writeln!(io::stderr(), "interrupted: deleting unfinished work");
    }
    // What stays is in nobody's way but that of the disk, and the next run tries again.
    if let Err(error) = upkeep::delete(sandbox, place, work.dir().to_owned()) {
        eprintln!("what the work has left stays for now: {error}");
    }
    done
}

/// Does what is needed; gives the new generation, if there is one.
fn meet(task: &Task<'_>, need: &Need<'_>) -> Result<Option<Generation>, BodyError> {
    let number = task.work.number();
    match need {
        Need::Making => {
            println!("making generation {number}");
            make::make(task, None).map(Some)
        }
        Need::Remaking { current, changes } => {
            println!("making generation {number}, for the config changed: {changes}");
            make::make(task, Some(current)).map(Some)
        }
        Need::Looking { current, always } => upgrade::upgrade(task, current, *always),
        Need::Nothing { .. } => Ok(None),
    }
}

fn not_configured(config: &Config, id: &ChrootId) -> BodyError {
    let known: Vec<String> = config.chroots.keys().map(ToString::to_string).collect();
    let near = spec::nearest(&id.to_string(), known.iter().map(String::as_str));
    let near = near.map(|near| format!(", did you mean `{near}'?")).unwrap_or_default();
    BodyError::NotConfigured { id: id.clone(), near }
}

//! The story of a chroot: what is to be done for it, done in a work directory, and only then in use.

use std::time::{Instant, SystemTime};

use super::{BodyError, hand_out, interrupt, make, outcome::Attempt, task::Task, upgrade, upkeep};
use crate::{
    config::{Chroot, Config},
    sandbox::{Runs, Sandbox},
    spec::{self, ChrootId, Fresh, JobName},
    store::{Action, Generation, Place, Record, Store},
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
    attempt: &mut Attempt<'_, Record>,
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

/// Does the work, if there is any.
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
    upkeep::in_work_dir(sandbox, place, |work| {
        let begun = (SystemTime::now(), Instant::now());
        let task = Task { config, id, chroot, sandbox, work, begun };
        meet(&task, place, need)
    })
}

/// Does what is needed; gives the new generation, if there is one.
fn meet(task: &Task<'_>, place: &Place, need: &Need<'_>) -> Result<Option<Generation>, BodyError> {
    let number = task.work.number();
    match need {
        Need::Making => {
            println!("making generation {number}");
            make::make(task, place, None).map(Some)
        }
        Need::Remaking { current, changes } => {
            println!("making generation {number}, for the config changed: {changes}");
            make::make(task, place, Some(current)).map(Some)
        }
        Need::Looking { current, always } => upgrade::upgrade(task, place, current, *always),
        Need::Nothing { .. } => Ok(None),
    }
}

pub(super) fn not_configured(config: &Config, id: &ChrootId) -> BodyError {
    let known: Vec<String> = config.chroots.keys().map(ToString::to_string).collect();
    let near = spec::nearest(&id.to_string(), known.iter().map(String::as_str));
    let near = near.map(|near| format!(", did you mean `{near}'?")).unwrap_or_default();
    BodyError::NotConfigured { id: id.clone(), near }
}

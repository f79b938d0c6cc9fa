//! The story of a chroot: what is to be done for it, done in a work directory, and only then in use.

use std::{
    env,
    path::PathBuf,
    thread,
    time::{Duration, Instant, SystemTime},
};

use super::{BodyError, interrupt, make, process, task::Task, upgrade};
use crate::{
    config::Config,
    sandbox::Sandbox,
    spec::{self, ChrootId, Fresh, JobName, Recipe},
    store::{Generation, Place, Store, Work},
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
/// generation in either case. `fresh` counts before what the config says.
pub(super) fn keep(config: &Config, id: &ChrootId, fresh: Option<Fresh>) -> Result<(), BodyError> {
    let chroot = config.chroots.get(id).ok_or_else(|| not_configured(config, id))?;
    let sandbox = Sandbox::open_for(id.arch, config.host.arch)?;

    let store = Store::new(config.state_dir.clone());
    let place = store.prepare(id)?;
    let name = JobName::Chroot(id.clone()).to_string();
    let _lock = store.lock(&name, |holder| match holder {
        Some(process) => eprintln!("waiting for process {process}, which works on this chroot"),
        None => eprintln!("waiting for another process, which works on this chroot"),
    })?;
    for leftover in place.leftovers()? {
        remove(sandbox, &place, leftover)?;
    }
    // Looked at under the lock: another run may have made it meanwhile.
    let old = place.current()?;
    let need = Need::of(old.as_ref(), &chroot.recipe, fresh.unwrap_or(chroot.fresh));
    if let Need::Nothing { current } = need {
        println!("generation {} is there: {}", current.number, current.tree.display());
        return Ok(());
    }

    // Not before: who only waits for the lock has nothing to put in order.
    interrupt::begin().map_err(BodyError::Settle)?;
    let work = place.begin()?;
    let begun = (SystemTime::now(), Instant::now());
    let task = Task { config, id, chroot, sandbox, place: &place, work: &work, begun };
    let done = meet(&task, &need);
    if interrupt::has_signal() {
        eprintln!("interrupted: deleting unfinished work");
    }
    let cleared = clear(sandbox, &place, &work);
    interrupt::end().map_err(BodyError::Settle)?;
    let new = done?;
    cleared?;
    if let Some(new) = new {
        println!("generation {} is in use: {}", new.number, new.tree.display());
    }
    Ok(())
}

impl<'a> Need<'a> {
    fn of(old: Option<&'a Generation>, recipe: &Recipe, fresh: Fresh) -> Self {
        let Some(current) = old else {
            return Self::Making;
        };
        let changes = recipe.changes_since(&current.record.recipe).join(", ");
        match fresh {
            _ if !changes.is_empty() => Self::Remaking { current, changes },
            Fresh::Create => Self::Nothing { current },
            Fresh::Force => Self::Looking { current, always: true },
            // How old it may be is for the scheduler to say: this was started to look.
            Fresh::Within(_) => Self::Looking { current, always: false },
        }
    }
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

/// Deletes the work directory. Tools that were killed may take a moment longer to die than their parent, and write a
/// last file meanwhile.
fn clear(sandbox: Sandbox, place: &Place, work: &Work) -> Result<(), BodyError> {
    for _ in 0..3 {
        if remove(sandbox, place, work.dir().to_owned()).is_ok() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    remove(sandbox, place, work.dir().to_owned())
}

/// Deletes a directory of ours where its files belong to root or to this user's subordinate ids.
fn remove(sandbox: Sandbox, place: &Place, path: PathBuf) -> Result<(), BodyError> {
    let what = "deleting unfinished work";
    let path = place.to_work(path)?;
    let own = env::current_exe().map_err(|source| BodyError::Start { what, source })?;
    let mut command = sandbox.outside(own);
    command.arg("remove-tree").arg(path);
    process::clean_up(what, command).map(drop)
}

//! The story of a chroot: made in a work directory, verified there, and only then the one in use.

use std::{
    env,
    path::PathBuf,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use super::{BodyError, bootstrap, hand_out, interrupt, process, seal, verify};
use crate::{
    config::{Chroot, Config},
    sandbox::Sandbox,
    spec::{self, ChrootId, JobName},
    store::{Generation, Place, Record, Store, Work},
    tools,
};

/// Makes the chroot unless it is there as its recipe says, as a new generation in either case.
pub(super) fn create(config: &Config, id: &ChrootId) -> Result<(), BodyError> {
    let chroot = config.chroots.get(id).ok_or_else(|| not_configured(config, id))?;
    let sandbox = Sandbox::open_for(id.arch, config.host.arch)?;
    tools::require(&["mmdebstrap"])?;
    hand_out::check(config, id, chroot)?;

    let store = Store::new(config.state_dir.clone());
    let place = store.prepare(id)?;
    let name = JobName::Chroot(id.clone()).to_string();
    let _lock = store.lock(&name, |holder| match holder {
        Some(process) => eprintln!("waiting for process {process}, which works on this chroot"),
        None => eprintln!("waiting for another process, which works on this chroot"),
    })?;
    // Looked at under the lock: another run may have made it meanwhile.
    let old = place.current()?;
    if let Some(old) = old.as_ref().filter(|old| old.record.recipe == chroot.recipe) {
        println!("generation {} is up to date: {}", old.number, old.tree.display());
        return hand_out::hand_out(config, id, chroot, old, sandbox);
    }

    for leftover in place.leftovers()? {
        remove(sandbox, &place, leftover)?;
    }
    // Not before the lock is held: who only waits has nothing to put in order.
    interrupt::begin().map_err(BodyError::Settle)?;
    let work = place.begin()?;
    let made = make(config, id, chroot, sandbox, &place, &work, old.as_ref());
    if interrupt::has_signal() {
        eprintln!("interrupted: deleting unfinished work");
    }
    let cleared = clear(sandbox, &place, &work);
    let handed_out = made.and_then(|new| {
        println!("generation {} is in use: {}", new.number, new.tree.display());
        hand_out::hand_out(config, id, chroot, &new, sandbox)
    });
    interrupt::end().map_err(BodyError::Settle)?;
    handed_out.and(cleared)
}

fn not_configured(config: &Config, id: &ChrootId) -> BodyError {
    let known: Vec<String> = config.chroots.keys().map(ToString::to_string).collect();
    let near = spec::nearest(&id.to_string(), known.iter().map(String::as_str));
    let near = near.map(|near| format!(", did you mean `{near}'?")).unwrap_or_default();
    BodyError::NotConfigured { id: id.clone(), near }
}

fn make(
    config: &Config,
    id: &ChrootId,
    chroot: &Chroot,
    sandbox: Sandbox,
    place: &Place,
    work: &Work,
    old: Option<&Generation>,
) -> Result<Generation, BodyError> {
    let created = SystemTime::now();
    let begun = Instant::now();
    match old.map(|old| chroot.recipe.changes_since(&old.record.recipe).join(", ")) {
        Some(changes) => {
            println!("making generation {}, for the config changed: {changes}", work.number());
        }
        None => println!("making generation {}", work.number()),
    }

    let indexes = bootstrap::bootstrap(config, id, chroot, sandbox, work)?;
    seal::seal(sandbox, &work.tree(), &chroot.recipe)?;
    let packages = verify::verify(sandbox, &work.tree(), id.arch, &chroot.recipe)?;

    let record = Record {
        version: Record::VERSION,
        chroot: id.clone(),
        parent: old.map(|old| old.number),
        recipe: chroot.recipe.clone(),
        created: created.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        took: begun.elapsed().as_secs(),
        size: size_of(sandbox, work)?,
        indexes,
        packages,
    };
    Ok(place.commit(work, &record)?)
}

/// The disk space of the tree; parts of it may be closed to this user outside the sandbox.
fn size_of(sandbox: Sandbox, work: &Work) -> Result<u64, BodyError> {
    let mut du = sandbox.outside("du");
    du.args(["--summarize", "--one-file-system", "--block-size=1"]).arg(work.tree());
    let said = process::output("measuring the tree", du)?;
    let said = String::from_utf8_lossy(&said);
    said.split_whitespace()
        .next()
        .and_then(|size| size.parse().ok())
        .ok_or_else(|| BodyError::Unfit(format!("du said `{}'", said.trim())))
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

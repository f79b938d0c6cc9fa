//! The story of a chroot: made in a work directory, verified there, and only then the one in use.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::{BodyError, bootstrap, interrupt, process, seal, upkeep, verify};
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

    let _lock = upkeep::lock(config, &JobName::Chroot(id.clone()))?;
    // Not before: who holds the lock may be removing the chroot, with its directories.
    let place = Store::new(config.state_dir.clone()).prepare(id)?;
    upkeep::clear_leftovers(sandbox, &place)?;
    // Looked at under the lock: another run may have made it meanwhile.
    let old = place.current()?;
    if let Some(old) = old.as_ref().filter(|old| place.judged_by(old) == chroot.recipe) {
        println!("generation {} is up to date: {}", old.number, old.tree.display());
        return Ok(());
    }

    // Not before the lock is held: who only waits has nothing to put in order.
    interrupt::begin().map_err(BodyError::Settle)?;
    let work = place.begin()?;
    let made = make(config, id, chroot, sandbox, &place, &work, old.as_ref());
    if interrupt::has_signal() {
        eprintln!("interrupted: deleting unfinished work");
    }
    let cleared = upkeep::delete(sandbox, &place, work.dir().to_owned());
    interrupt::end().map_err(BodyError::Settle)?;
    let new = made?;
    cleared?;
    println!("generation {} is in use: {}", new.number, new.tree.display());
    upkeep::collect(config, sandbox, &place);
    Ok(())
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

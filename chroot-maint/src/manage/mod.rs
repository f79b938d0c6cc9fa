//! Commands on what is there: `rollback`, `remove` and `gc`. They make nothing, and need no archive.
//!
//! They work on chroots by what is in the state directory, for a chroot that is in the config no longer is still there.

mod error;
mod gc;
mod logs;
mod remove;
mod rollback;
mod words;

pub(crate) use error::ManageError;
pub(crate) use gc::gc;
pub(crate) use remove::remove;
pub(crate) use rollback::rollback;

use crate::{
    body::upkeep,
    config::Config,
    spec::{self, ChrootId, JobName},
    store::{Lock, Place, Store},
};

/// The chroot that is named, when nobody else works on it.
fn locked(config: &Config, name: &str) -> Result<(ChrootId, Place, Lock), ManageError> {
    let (id, _) = choose(config, name)?;
    let lock = upkeep::lock(config, &JobName::Chroot(id))?;
    // Who held the lock may have removed it.
    let (id, place) = choose(config, name)?;
    Ok((id, place, lock))
}

/// The chroot that is named, which must be there, at least in parts.
fn choose(config: &Config, name: &str) -> Result<(ChrootId, Place), ManageError> {
    let id = ChrootId::parse(name)?;
    let store = Store::new(config.state_dir.clone());
    let place = store.place(&id);
    if place.exists() {
        return Ok((id, place));
    }
    let there: Vec<String> = store.chroots()?.iter().map(ToString::to_string).collect();
    let near = spec::nearest(name, there.iter().map(String::as_str));
    Err(ManageError::Unknown {
        near: near.map(|near| format!(", did you mean `{near}'?")).unwrap_or_default(),
        there: if there.is_empty() { "none".to_owned() } else { there.join(", ") },
        dir: config.state_dir.clone(),
        id,
    })
}

//! When it was last found that a chroot is as it should be. Does not look for that itself.
//!
//! Of the three files beside the generations it is the one that anybody may write, without a lock: it is replaced by
//! one rename, and whichever of two writers comes last has looked last.

use std::{fs, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{Place, StoreError, durable};
use crate::spec::Indexes;

/// What was found of a generation. `checked.json` holds it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Stamp {
    /// The generation that it is about; of any other it says nothing.
    pub(crate) generation: u32,
    /// When its archive was looked at, in seconds since 1970.
    pub(crate) at: u64,
    /// What the archive had then, if it is known: with the same, there is nothing to upgrade.
    pub(crate) indexes: Option<Indexes>,
}

impl Place {
    /// The last stamp, if it is about this generation. One that can't be read counts as none: it costs a look.
    pub(crate) fn stamp(&self, generation: u32) -> Option<Stamp> {
        let text = fs::read(self.stamp_path()).ok()?;
        serde_json::from_slice(&text).ok().filter(|stamp: &Stamp| stamp.generation == generation)
    }

    /// Keeps a stamp. Not synced: a power cut loses it, which costs a look.
    pub(crate) fn put_stamp(&self, stamp: &Stamp) -> Result<(), StoreError> {
        let path = self.stamp_path();
        let json = serde_json::to_vec_pretty(stamp)
            .map_err(|error| StoreError::Write { path: path.clone(), source: error.into() })?;
        durable::replace(&path, &json)
    }

    fn stamp_path(&self) -> PathBuf {
        self.dir.join("checked.json")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Stamp;
    use crate::{spec::ChrootId, store::Store};

    #[test]
    fn a_stamp_is_about_one_generation_and_one_that_is_broken_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let id = ChrootId::parse("trixie-amd64").unwrap();
        let place = Store::new(dir.path().to_owned()).prepare(&id).unwrap();
        assert_eq!(place.stamp(1), None);
        let stamp = Stamp { generation: 1, at: 7, indexes: None };
        place.put_stamp(&stamp).unwrap();
        assert_eq!((place.stamp(1), place.stamp(2)), (Some(stamp), None));
        fs::write(place.stamp_path(), "{").unwrap();
        assert_eq!(place.stamp(1), None);
    }
}

//! When it was last found that a chroot is as it should be. Does not look for that itself.
//!
//! Of the three files beside the generations it is the one that anybody may write, without a lock: it is replaced by
//! one rename, and whichever of two writers comes last has looked last.

use std::{fs, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{Described, Generation, Place, StoreError, durable};
use crate::spec::{Indexes, Recipe};

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
    /// After a rollback, the recipe of what was rolled back from: as if made by that, the generation is good until the
    /// config changes. It stays as long as the generation is in use, whoever writes new stamps.
    #[serde(default)]
    pub(crate) recipe: Option<Recipe>,
    /// The same for the tools in it.
    #[serde(default)]
    pub(crate) tools: Option<String>,
}

impl Place {
    /// The recipe that a generation counts as made by.
    pub(crate) fn judged_by(&self, generation: &Generation) -> Recipe {
        let stamp = self.stamp(generation.number);
        stamp.and_then(|stamp| stamp.recipe).unwrap_or_else(|| generation.record.recipe.clone())
    }

    /// The tree of tools that a generation counts as having; empty if none.
    pub(crate) fn tools_of(&self, generation: &Generation) -> String {
        match self.stamp(generation.number) {
            Some(Stamp { recipe: Some(_), tools, .. }) => tools.unwrap_or_default(),
            _ => generation.tools().to_owned(),
        }
    }
}

impl<R: Described> Place<R> {
    /// Notes that a generation was found to be as it should be, with what its archive had then; unless another one is in
    /// use by now.
    pub(crate) fn note_checked(
        &self,
        generation: u32,
        at: u64,
        indexes: Option<Indexes>,
    ) -> Result<(), StoreError> {
        if self.current_number()? != Some(generation) {
            return Ok(());
        }
        let (recipe, tools) =
            self.stamp(generation).map_or((None, None), |stamp| (stamp.recipe, stamp.tools));
        self.put_stamp(&Stamp { generation, at, indexes, recipe, tools })
    }

    /// The last stamp, if it is about this generation. One that can't be read counts as none: it costs a look.
    pub(crate) fn stamp(&self, generation: u32) -> Option<Stamp> {
        let text = fs::read(self.stamp_path()).ok()?;
        serde_json::from_slice(&text).ok().filter(|stamp: &Stamp| stamp.generation == generation)
    }

    /// Keeps a stamp. Where it only says when somebody looked, a power cut may lose it, which costs a look; where it says
    /// that a generation was gone back to, it may not.
    pub(crate) fn put_stamp(&self, stamp: &Stamp) -> Result<(), StoreError> {
        let path = self.stamp_path();
        let json = serde_json::to_vec_pretty(stamp)
            .map_err(|error| StoreError::Write { path: path.clone(), source: error.into() })?;
        match stamp.recipe {
            None => durable::replace(&path, &json),
            Some(_) => durable::replace_for_good(&path, &json),
        }
    }

    fn stamp_path(&self) -> PathBuf {
        self.dir.join("checked.json")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Stamp;
    use crate::{
        spec::Recipe,
        store::testing::{commit, place, record},
    };

    #[test]
    fn a_stamp_is_about_one_generation_and_one_that_is_broken_is_none() {
        let (_dir, place) = place();
        assert_eq!(place.stamp(1), None);
        let stamp = Stamp { generation: 1, at: 7, indexes: None, recipe: None, tools: None };
        place.put_stamp(&stamp).unwrap();
        assert_eq!((place.stamp(1), place.stamp(2)), (Some(stamp), None));
        fs::write(place.stamp_path(), "{").unwrap();
        assert_eq!(place.stamp(1), None);
    }

    #[test]
    fn the_recipe_that_a_generation_counts_as_made_by_survives_later_looks() {
        let (_dir, place) = place();
        let generation = commit(&place);
        assert_eq!(place.judged_by(&generation), record(&place).recipe);
        let other = Recipe { include: vec!["x".to_owned()], ..record(&place).recipe };
        let stamp =
            Stamp { generation: 1, at: 7, indexes: None, recipe: Some(other.clone()), tools: None };
        place.put_stamp(&stamp).unwrap();
        place.note_checked(1, 8, None).unwrap();
        assert_eq!(place.judged_by(&generation), other);
        assert_eq!(place.stamp(1).unwrap().at, 8);
        assert_eq!(place.judged_by(&commit(&place)), record(&place).recipe);
    }

    #[test]
    fn what_a_killed_writer_left_is_swept_away() {
        let (_dir, place) = place();
        fs::write(place.dir.join(".new.4194305.x"), "{").unwrap();
        fs::write(place.dir.join(format!("{}x", crate::temporary::prefix(".new"))), "{").unwrap();
        assert_eq!((place.sweep().unwrap(), place.sweep().unwrap()), (1, 0));
    }
}

//! Generations that are not in use any more: which of them are kept, and how the others leave `gen/`. Does not delete
//! trees: that may take a user namespace.

use std::path::{Path, PathBuf};

use super::{Described, Generation, Place, StoreError, User, durable, generation, users};

/// What became of a generation that was to leave.
#[derive(Debug)]
pub(crate) enum Retired {
    /// Its tree is in `work/`, to be deleted.
    Aside(PathBuf),
    /// It is still where it was.
    InUse(Vec<User>),
}

/// How the tree of a retired generation is called in `work/`, after its number.
const GONE: &str = "gone";

impl<R: Described> Place<R> {
    /// The generation that a rollback from this one leads to: the one that was in use before, or the one made before.
    pub(crate) fn previous(&self, number: u32) -> Result<Option<Generation<R>>, StoreError> {
        let parent = self.generation(number).and_then(|generation| generation.record.parent());
        let parent = parent.filter(|&parent| parent < number);
        if let Some(parent) = parent.and_then(|parent| self.generation(parent)) {
            return Ok(Some(parent));
        }
        let before = self.whole()?.into_iter().rev().filter(|&other| other < number);
        Ok(before.into_iter().find_map(|other| self.generation(other)))
    }

    /// The generations that are not among the last so many: the one in use, the one before it, and so on. One that a
    /// rollback has left stays until the next one is made.
    pub(crate) fn superfluous(&self, keep: u32) -> Result<Vec<u32>, StoreError> {
        let Some(current) = self.current()? else {
            return Ok(Vec::new());
        };
        let mut kept = vec![current.number];
        let mut last = current.number;
        while kept.len() < usize::try_from(keep).unwrap_or(usize::MAX) {
            let Some(previous) = self.previous(last)? else {
                break;
            };
            last = previous.number;
            kept.push(last);
        }
        // Where handing out the one in use failed, schroot still has one before.
        let handed_out = self.handed_out();
        let entries = handed_out.schroot.into_iter().chain(handed_out.begun.schroot);
        kept.extend(entries.map(|entry| entry.generation));
        let was_left = self.stamp(current.number).is_some_and(|stamp| stamp.recipe.is_some());
        let is_superfluous = |number: &u32| {
            // A later one that was never in use is from a run that was killed at its last step.
            let is_later = *number > current.number && was_left;
            !is_later && !kept.contains(number)
        };
        Ok(self.whole()?.into_iter().filter(is_superfluous).collect())
    }

    /// The numbers of all generations that have both tree and record.
    pub(crate) fn whole(&self) -> Result<Vec<u32>, StoreError> {
        let paths = super::list(&self.generations())?;
        let mut numbers: Vec<u32> = paths
            .iter()
            .filter(|path| generation::is_whole(path))
            .filter_map(|path| generation::number_of(path))
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    /// A generation that is whole, and whose record can be read.
    pub(crate) fn generation(&self, number: u32) -> Option<Generation<R>> {
        Generation::read(&self.generations(), number).ok()
    }

    /// Takes a generation out of `gen/`, unless somebody uses it. Who came while it was being taken out counts too: it is put
    /// back then. A kill in between leaves it in `work/`, where [`Self::leftovers`] finds it, and looks again.
    pub(crate) fn retire(&self, number: u32) -> Result<Retired, StoreError> {
        let tree = self.generations().join(number.to_string());
        let users = self.users(number)?;
        if !users.is_empty() {
            return Ok(Retired::InUse(users));
        }
        let aside = self.work().join(format!("{number}.{GONE}"));
        durable::rename(&tree, &aside)?;
        match users_of(&aside, &tree) {
            Ok(users) if users.is_empty() => {}
            found => {
                durable::rename(&aside, &tree)?;
                return found.map(Retired::InUse);
            }
        }
        durable::remove(&generation::record_path(&tree))?;
        durable::sync_dir(&self.generations())?;
        Ok(Retired::Aside(aside))
    }

    /// Who uses a generation now.
    pub(crate) fn users(&self, number: u32) -> Result<Vec<User>, StoreError> {
        let tree = self.generations().join(number.to_string());
        users_of(&tree, &tree)
    }

    /// Who uses a leftover in `work/`, if that has ever been in use.
    pub(super) fn late_users(&self, leftover: &Path) -> Result<Vec<User>, StoreError> {
        if leftover.extension().is_none_or(|ending| ending != GONE) {
            return Ok(Vec::new());
        }
        let number = leftover.file_stem().unwrap_or_default();
        users_of(leftover, &self.generations().join(number))
    }
}

pub(super) fn users_of(tree: &Path, known_as: &Path) -> Result<Vec<User>, StoreError> {
    users::of(tree, known_as).map_err(|source| StoreError::Users { path: tree.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Retired;
    use crate::store::{
        HandedOut, Place, SchrootEntry, Stamp, remove_tree,
        testing::{commit, place, record},
    };

    fn roll_back(place: &Place) -> u32 {
        let left = place.current().unwrap().unwrap();
        let before = place.previous(left.number).unwrap().unwrap().number;
        let recipe = Some(record(place).recipe);
        let stamp = Stamp { generation: before, at: 0, indexes: None, recipe, tools: None };
        place.put_stamp(&stamp).unwrap();
        place.roll_back_to(before).unwrap();
        before
    }

    #[test]
    fn the_one_in_use_counts_among_those_that_are_kept() {
        let (_dir, place) = place();
        assert!(place.superfluous(1).unwrap().is_empty());
        for _ in 0..4 {
            commit(&place);
        }
        assert_eq!(place.superfluous(1).unwrap(), [1, 2, 3]);
        assert_eq!(place.superfluous(2).unwrap(), [1, 2]);
        assert_eq!(place.superfluous(9).unwrap(), [0_u32; 0]);
    }

    #[test]
    fn one_that_schroot_still_has_is_kept() {
        let (_dir, place) = place();
        for _ in 0..3 {
            commit(&place);
        }
        let schroot = Some(SchrootEntry { path: "/etc/schroot/chroot.d/x".into(), generation: 1 });
        place.put_handed_out(&HandedOut { schroot, ..HandedOut::default() }).unwrap();
        assert_eq!(place.superfluous(1).unwrap(), [2]);
    }

    #[test]
    fn each_rollback_goes_one_further_and_the_last_one_nowhere() {
        let (_dir, place) = place();
        for _ in 0..3 {
            commit(&place);
        }
        assert_eq!((roll_back(&place), roll_back(&place)), (2, 1));
        assert!(place.previous(1).unwrap().is_none());
    }

    #[test]
    fn what_was_left_is_kept_until_the_next_is_made_and_never_gone_back_to() {
        let (_dir, place) = place();
        for _ in 0..3 {
            commit(&place);
        }
        roll_back(&place);
        assert_eq!(place.superfluous(2).unwrap(), [0_u32; 0], "3 was left, 2 and 1 are kept");
        assert_eq!(commit(&place).number, 4);
        assert_eq!(place.superfluous(2).unwrap(), [1, 3]);
        assert_eq!(roll_back(&place), 2);
    }

    #[test]
    fn one_that_was_never_in_use_is_superfluous() {
        let (_dir, place) = place();
        commit(&place);
        commit(&place);
        // As if killed before the last rename.
        fs::remove_file(place.current_link()).unwrap();
        place.roll_back_to(1).unwrap();
        assert_eq!(place.superfluous(9).unwrap(), [2]);
    }

    #[test]
    fn a_generation_without_a_readable_record_is_passed_over() {
        let (_dir, place) = place();
        for _ in 0..3 {
            commit(&place);
        }
        fs::write(place.generations().join("2.json"), "{").unwrap();
        assert_eq!(place.previous(3).unwrap().unwrap().number, 1);
    }

    #[test]
    fn a_retired_generation_is_no_more_and_one_in_use_stays_as_it_is() {
        let (_dir, place) = place();
        commit(&place);
        commit(&place);
        let file = fs::File::create(place.generations().join("1/etc/file")).unwrap();
        match place.retire(1).unwrap() {
            Retired::InUse(users) => assert_eq!(users.len(), 1),
            Retired::Aside(path) => panic!("{}", path.display()),
        }
        assert_eq!(place.whole().unwrap(), [1, 2]);
        drop(file);
        let Retired::Aside(aside) = place.retire(1).unwrap() else { panic!("nobody uses it") };
        assert_eq!(aside, place.work().join("1.gone"));
        assert_eq!(place.whole().unwrap(), [2]);
        assert!(!place.generations().join("1.json").exists());
        remove_tree(&aside).unwrap();
    }

    #[test]
    fn the_number_of_a_tree_that_is_not_deleted_yet_is_not_used_again() {
        let (_dir, place) = place();
        fs::create_dir(place.work().join("7.gone")).unwrap();
        assert_eq!(place.begin().unwrap().number(), 8);
    }

    #[test]
    fn a_retired_generation_that_a_kill_left_and_somebody_has_entered_is_not_deleted() {
        let (_dir, place) = place();
        commit(&place);
        commit(&place);
        let tree = place.generations().join("1");
        let file = fs::File::create(tree.join("etc/file")).unwrap();
        fs::rename(&tree, place.work().join("1.gone")).unwrap();
        let leftovers = place.leftovers().unwrap();
        assert_eq!(leftovers.in_use[0].0, place.work().join("1.gone"));
        assert_eq!(leftovers.unused, [place.generations().join("1.json")]);
        drop(file);
        assert!(place.leftovers().unwrap().in_use.is_empty());
    }
}

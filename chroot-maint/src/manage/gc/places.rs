//! The part of `gc` that has generations: chroots, and the tools for foreign ones. Each is seen to under its lock; what
//! becomes of several of them together is not known here.

use std::fmt::Display;

use super::{Run, remove, words};
use crate::{
    body::upkeep,
    config::Config,
    manage::ManageError,
    spec::{ChrootId, JobName},
    store::{Described, Place, Store},
};

/// What is deleted of something whose removal had been begun, or of which only traces are there.
const LEFT: &str = "what was left of it";

impl Run<'_> {
    pub(super) fn chroot(&mut self, id: &ChrootId) -> Result<(), ManageError> {
        let Some(lock) = self.lock(id, &JobName::Chroot(id.clone()))? else {
            return Ok(());
        };
        let place = self.store.place(id);
        if !place.exists() {
            // Removed just now; `locks` will see to the lock.
            return Ok(());
        }
        let is_configured = self.config.chroots.contains_key(id);
        let is_empty = place.whole()?.is_empty() && place.current_number()?.is_none();
        if place.is_departing() || !is_configured && is_empty {
            if self.is_dry {
                return self.foretell_departure(id, &place);
            }
            let removed = remove::finish(self.config, self.sandbox()?, id, &place, lock)?;
            self.say_departed(id, LEFT, removed);
            return Ok(());
        }
        self.collect(id, &place)?;
        self.say_if_unknown(id, is_configured);
        Ok(())
    }

    /// The tools for a foreign chroot.
    pub(super) fn tools(&mut self, id: &ChrootId) -> Result<(), ManageError> {
        let job = JobName::CrossTools(id.clone());
        let Some(lock) = self.lock(&job, &job)? else {
            return Ok(());
        };
        let place = self.store.tools(id);
        if !place.exists() {
            return Ok(());
        }
        if !place.is_departing() && are_of_use(self.config, &self.store, id) {
            return self.collect(&job, &place);
        }
        if self.is_dry {
            return self.foretell_departure(&job, &place);
        }
        let what =
            if place.is_departing() { LEFT } else { "what no chroot in the config is to have" };
        let removed = remove::give_up(self.sandbox()?, &place, lock)?;
        self.say_departed(&job, what, removed);
        Ok(())
    }

    /// What killed runs have left, and generations that are not kept.
    fn collect<R: Described>(
        &mut self,
        what: &impl Display,
        place: &Place<R>,
    ) -> Result<(), ManageError> {
        if self.is_dry {
            return self.foretell(what, place, place.superfluous(self.config.keep_generations)?);
        }
        place.sweep()?;
        let leftovers = place.leftovers()?;
        if !leftovers.unused.is_empty() {
            let mut freed = 0;
            for leftover in leftovers.unused {
                match upkeep::delete(self.sandbox()?, place, leftover) {
                    Ok(space) => freed += space,
                    Err(error) => self.unless_failed(what, Err(error.into())),
                }
            }
            if freed > 0 {
                self.say_freed(what, "what killed runs have left", freed);
            }
        }
        for (path, users) in leftovers.in_use {
            self.say(what, format!("{} is kept: {}", path.display(), upkeep::who(&users)));
        }
        let superfluous = place.superfluous(self.config.keep_generations)?;
        if !superfluous.is_empty() {
            let collected = upkeep::retire(self.sandbox()?, place, superfluous)?;
            if !collected.deleted.is_empty() {
                let numbers: Vec<u32> =
                    collected.deleted.iter().map(|(number, _)| *number).collect();
                self.say_freed(what, words::generations(&numbers), collected.freed());
            }
            for (number, users) in collected.in_use {
                self.say(what, format!("generation {number} is kept: {}", upkeep::who(&users)));
            }
        }
        Ok(())
    }

    /// What would become of these generations, and that there is more.
    fn foretell<R: Described>(
        &mut self,
        what: &impl Display,
        place: &Place<R>,
        numbers: Vec<u32>,
    ) -> Result<(), ManageError> {
        let leftovers = place.leftovers()?.unused;
        if !leftovers.is_empty() {
            self.say(what, "what killed runs have left would be deleted");
        }
        for number in numbers {
            let users = place.users(number)?;
            if users.is_empty() {
                let size = place.generation(number).map_or(0, |found| found.record.size());
                self.say_freed(what, words::generations(&[number]), size);
            } else {
                self.say(
                    what,
                    format!("generation {number} would be kept: {}", upkeep::who(&users)),
                );
            }
        }
        Ok(())
    }

    /// The same of one of which nothing is to stay.
    fn foretell_departure<R: Described>(
        &mut self,
        what: &impl Display,
        place: &Place<R>,
    ) -> Result<(), ManageError> {
        if place.is_departing() {
            self.say(what, "its removal would be finished");
        }
        self.foretell(what, place, place.whole()?)
    }

    fn say_departed(
        &mut self,
        what: &impl Display,
        deleted: &'static str,
        removed: remove::Removed,
    ) {
        if removed.freed > 0 || removed.in_use.is_empty() {
            self.say_freed(what, deleted, removed.freed);
        }
        for (kept, users) in removed.in_use {
            self.say(what, format!("{kept} is kept: {}", upkeep::who(&users)));
        }
    }

    fn say_if_unknown(&self, id: &ChrootId, is_configured: bool) {
        if !is_configured {
            self.say(id, format!("not in the config; to delete it: chroot-maint remove {id}"));
        }
    }
}

/// Whether the tools for this chroot are to stay: the config's word counts. Of a chroot that it knows nothing of, nothing is
/// deleted while that is there, for another config may be the one that it is of.
fn are_of_use(config: &Config, store: &Store, id: &ChrootId) -> bool {
    match config.chroots.get(id) {
        Some(chroot) => !chroot.cross_tools.is_empty(),
        None => store.place(id).exists(),
    }
}

#[cfg(test)]
mod tests {
    use super::{ChrootId, Config, Store, are_of_use};

    #[test]
    fn tools_stay_if_the_config_wants_them_or_knows_nothing_of_a_chroot_that_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path().to_owned());
        let id = ChrootId::parse("sid-arm64").unwrap();
        let config = |tools: &str| Config::fake(&format!("[dist.sid]\narchs = ['arm64']\n{tools}"));
        let (wanting, declining) = (config(""), config("cross-tools = []"));
        let ignorant = Config::fake("[dist.sid]\n");
        assert!(are_of_use(&wanting, &store, &id));
        assert!(!are_of_use(&declining, &store, &id));
        assert!(!are_of_use(&ignorant, &store, &id));
        store.prepare(&id).unwrap();
        assert!(!are_of_use(&declining, &store, &id));
        assert!(are_of_use(&ignorant, &store, &id));
    }
}

//! How a generation stands that is there already: how old it is, and whether its archives have anything else by now. The same for
//! chroots and for their tools; what else either of them depends on, their jobs know.

use super::{age::Age, archives::Found, seconds_since_1970};
use crate::{
    spec::{ChrootId, Fresh, Indexes},
    store::{Described, Generation, Place},
};

/// A generation that is in use, and when it was last known to be good.
pub(super) struct Standing<'a, R> {
    place: &'a Place<R>,
    id: &'a ChrootId,
    number: u32,
    age: Age,
    /// What the archives had then.
    then: Option<Indexes>,
}

impl<'a, R: Described> Standing<'a, R> {
    pub(super) fn of(place: &'a Place<R>, current: &'a Generation<R>) -> Self {
        let stamp = place.stamp(current.number);
        let age = Age::of(current.record.created(), stamp.as_ref(), seconds_since_1970());
        let then = match stamp {
            Some(stamp) => stamp.indexes,
            None => current.record.indexes().cloned(),
        };
        Self { place, id: current.record.id(), number: current.number, age, then }
    }

    /// In words, for who asks why.
    pub(super) fn shown(&self) -> String {
        format!("generation {}, {}", self.number, self.age)
    }

    /// Whether it needs no look.
    pub(super) fn is_young(&self, fresh: Fresh) -> bool {
        match fresh {
            Fresh::Create => true,
            Fresh::Force => false,
            Fresh::Within(limit) => self.age.is_below(limit),
        }
    }

    /// Whether the archives have just what they had; then that is noted, with when they were looked at.
    pub(super) fn holds(&self, now: Found) -> bool {
        if self.then.as_ref().is_none_or(|then| !now.indexes.changed_since(then).is_empty()) {
            return false;
        }
        // If that fails it costs another look, no more.
        if let Err(error) = self.place.note_checked(self.number, now.at, Some(now.indexes)) {
            eprintln!("{}: that it was looked at is not kept: {error}", self.id);
        }
        true
    }
}

//! What came of the work on a chroot, kept for those who were not there. Does not know what the work is.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::failure::Failure;
use super::{BodyError, interrupt};
use crate::{
    spec::OutcomeFailure,
    store::{Action, Described, Outcome, Place},
};

/// Work on a chroot that is under way; the chroot's lock is held.
pub(super) struct Attempt<'a, R> {
    place: &'a Place<R>,
    action: Action,
    is_emulated: bool,
    begun: Instant,
}

impl<'a, R: Described> Attempt<'a, R> {
    /// From now on; as long as nothing else is said, it is to bring the chroot up to date.
    pub(super) fn begin(place: &'a Place<R>) -> Self {
        let begun = Instant::now();
        Self { place, action: Action::Upgrade, is_emulated: false, begun }
    }

    /// What it is about from here on.
    pub(super) fn sets_out_to(&mut self, action: Action) {
        self.action = action;
    }

    /// Programs in the chroot run in an emulator, which may crash.
    pub(super) fn is_emulated(&mut self) {
        self.is_emulated = true;
    }

    /// Keeps what came of it, and gives it back with its true cause. To be called when things are in order again, and
    /// before a signal takes its course.
    pub(super) fn end<T>(self, result: Result<T, BodyError>) -> Result<T, BodyError> {
        let result = result.map_err(|error| self.cause_of(error));
        let failure = result.as_ref().err().map(BodyError::failure);
        let outcome = Outcome {
            at: since_1970(),
            took: self.begun.elapsed().as_secs(),
            action: self.action,
            failure: failure.map(OutcomeFailure::from),
        };
        // On a full disk it can't be kept, which must not hide what came of the work.
        if let Err(error) = self.place.put_outcome(&outcome) {
            eprintln!("what came of this is not kept: {error}");
        }
        result
    }

    /// What was ended from outside fails in some way or other; that is not the reason.
    fn cause_of(&self, error: BodyError) -> BodyError {
        match interrupt::cause() {
            Some(cause) => cause.into(),
            None if self.is_emulated => error.under_emulation(),
            None => error,
        }
    }
}

impl From<Failure> for OutcomeFailure {
    fn from(failure: Failure) -> Self {
        let Failure { class, reason, advice, last_lines } = failure;
        Self { class, reason, advice, last_lines }
    }
}

fn since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).as_ref().map_or(0, Duration::as_secs)
}

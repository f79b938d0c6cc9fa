//! What there is of a place, where parts of it may be beyond reading. Knows nothing of what is kept there.

use std::path::PathBuf;

use crate::store::{Described, Holder, Place, Store, StoreError};

/// Who works on it, and what is unfinished. Whoever has begun meanwhile is asked for again, so that nothing that
/// somebody works on is taken for what a killed run left.
pub(super) fn at_work<R: Described>(
    store: &Store,
    place: &Place<R>,
    job: &str,
    faults: &mut Vec<String>,
) -> (Option<Holder>, Vec<PathBuf>) {
    let mut holder = or_fault(store.holder(job), faults).flatten();
    let unfinished = or_fault(place.unfinished(), faults).unwrap_or_default();
    if holder.is_none() && !unfinished.is_empty() {
        holder = or_fault(store.holder(job), faults).flatten();
    }
    (holder, unfinished)
}

/// What was found, or nothing with the fault noted, once.
pub(super) fn or_fault<T>(found: Result<T, StoreError>, faults: &mut Vec<String>) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(error) => {
            let fault = error.to_string();
            if !faults.contains(&fault) {
                faults.push(fault);
            }
            None
        }
    }
}

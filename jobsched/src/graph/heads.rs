//! One number for some of the jobs. Doesn't know what it is the number of.

/// No number.
pub(super) const NONE: u32 = u32::MAX;

/// Where a list of a job begins or ends, for lists that few jobs have: as long as none has one,
/// this takes no room at all.
#[derive(Default)]
pub(super) struct Heads(Vec<u32>);

impl Heads {
    /// `NONE` if nothing was put there.
    pub(super) fn get(&self, place: usize) -> u32 {
        self.0.get(place).copied().unwrap_or(NONE)
    }

    /// Puts a number there; answers the one before.
    pub(super) fn replace(&mut self, place: usize, head: u32) -> u32 {
        if place >= self.0.len() {
            self.0.resize(place + 1, NONE);
        }
        std::mem::replace(&mut self.0[place], head)
    }

    /// Forgets all numbers.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

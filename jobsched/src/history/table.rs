//! What is known of each job, in memory: moving averages by name. Doesn't know files.
//!
//! Names are not kept, only a hash of 64 bits with a seed of this process: 32 bytes a job, however
//! long its name is. Two names of the same hash share their estimates, which is harmless, and
//! among 200,000 happens once in a billion runs.

use std::hash::BuildHasher as _;
use std::time::Duration;

use hashbrown::{DefaultHashBuilder, HashTable};

/// What one run adds to an average: a quarter of the difference. A job that has become slower or
/// faster for good is known for it to within a tenth after eight runs; one odd run is forgotten as
/// fast.
const WEIGHT: u32 = 4;

/// What is longer counts as this: some ten years. Keeps sums and the numbers of the file small.
const MAX_WALL: Duration = Duration::from_secs(300_000_000);

/// The estimates of one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Estimate {
    /// The exponential moving average of wall time.
    pub(super) wall: Duration,
    /// In bytes; 0 if unknown. A decaying maximum: more is believed at once, less by a quarter of
    /// the difference a run. Too low an estimate costs a job its life, too high a one some idle slots.
    pub(super) peak_memory: u64,
}

impl Estimate {
    /// Of a job that has run once.
    fn first(wall: Duration, peak_memory: u64) -> Self {
        Self { wall: whole_micros(wall), peak_memory }
    }

    /// The estimate after a further run. Zero memory is no measurement.
    fn after(self, wall: Duration, peak_memory: u64) -> Self {
        let wall = wall.min(MAX_WALL);
        let quarter = self.wall.abs_diff(wall) / WEIGHT;
        let wall =
            if wall > self.wall { self.wall + quarter } else { self.wall.saturating_sub(quarter) };
        let peak_memory = match peak_memory {
            0 => self.peak_memory,
            measured if measured >= self.peak_memory => measured,
            measured => self.peak_memory - (self.peak_memory - measured).div_ceil(WEIGHT.into()),
        };
        Self { wall: whole_micros(wall), peak_memory }
    }
}

/// As exact as the file is, so that an estimate is the same before and after it went there.
fn whole_micros(wall: Duration) -> Duration {
    let wall = wall.min(MAX_WALL);
    Duration::new(wall.as_secs(), wall.subsec_micros() * 1000)
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    /// Grows with every change of any entry: the larger, the newer.
    stamp: u64,
    wall_micros: u64,
    peak_memory: u64,
}

impl Entry {
    fn wall(&self) -> Duration {
        Duration::from_micros(self.wall_micros)
    }
}

/// The estimates of at most twice `limit` jobs, the newest `limit` among them.
#[derive(Debug)]
pub(super) struct Table {
    entries: HashTable<Entry>,
    hasher: DefaultHashBuilder,
    limit: usize,
    stamp: u64,
}

impl Table {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            entries: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            limit: limit.max(1),
            stamp: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn get(&self, name: &str) -> Option<Estimate> {
        let hash = self.hasher.hash_one(name);
        let entry = self.entries.find(hash, |entry| entry.hash == hash)?;
        Some(Estimate { wall: entry.wall(), peak_memory: entry.peak_memory })
    }

    /// Takes in a run of a job.
    pub(super) fn add(&mut self, name: &str, wall: Duration, peak_memory: u64) -> Estimate {
        self.change(name, |before| match before {
            Some(before) => before.after(wall, peak_memory),
            None => Estimate::first(wall, peak_memory),
        })
    }

    /// Takes in an estimate as it is, instead of an earlier one.
    pub(super) fn set(&mut self, name: &str, wall: Duration, peak_memory: u64) {
        self.change(name, |_| Estimate::first(wall, peak_memory));
    }

    fn change(
        &mut self,
        name: &str,
        estimate: impl FnOnce(Option<Estimate>) -> Estimate,
    ) -> Estimate {
        self.stamp += 1;
        let hash = self.hasher.hash_one(name);
        let known = self.entries.find_mut(hash, |entry| entry.hash == hash);
        let before = known
            .as_ref()
            .map(|entry| Estimate { wall: entry.wall(), peak_memory: entry.peak_memory });
        let estimate = estimate(before);
        // No wall time exceeds `MAX_WALL`.
        let wall_micros = u64::try_from(estimate.wall.as_micros()).unwrap_or(u64::MAX);
        let entry =
            Entry { hash, stamp: self.stamp, wall_micros, peak_memory: estimate.peak_memory };
        if let Some(known) = known {
            *known = entry;
        } else {
            if self.entries.len() >= 2 * self.limit {
                self.forget_the_oldest();
            }
            self.entries.insert_unique(hash, entry, |entry| entry.hash);
        }
        estimate
    }

    /// Leaves the newest `limit`. Done once in that many insertions, so its cost is constant for each.
    fn forget_the_oldest(&mut self) {
        let mut stamps: Vec<u64> = self.entries.iter().map(|entry| entry.stamp).collect();
        let Some(first_to_go) = stamps.len().checked_sub(self.limit + 1) else { return };
        let (_, &mut newest_to_go, _) = stamps.select_nth_unstable(first_to_go);
        self.entries.retain(|entry| entry.stamp > newest_to_go);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn wall_time_is_a_moving_average() {
        let mut table = Table::new(10);
        assert_eq!(table.add("a", seconds(8), 0).wall, seconds(8));
        assert_eq!(table.add("a", seconds(16), 0).wall, seconds(10));
        assert_eq!(table.add("a", seconds(2), 0).wall, seconds(8));
        for _ in 0..8 {
            table.add("a", seconds(100), 0);
        }
        let wall = table.get("a").unwrap().wall;
        assert!((seconds(89)..seconds(100)).contains(&wall), "{wall:?}");
    }

    #[test]
    fn peak_memory_rises_at_once_and_fades() {
        let mut table = Table::new(10);
        assert_eq!(table.add("a", seconds(1), 1000).peak_memory, 1000);
        assert_eq!(table.add("a", seconds(1), 9000).peak_memory, 9000);
        assert_eq!(table.add("a", seconds(1), 1000).peak_memory, 7000);
        assert_eq!(table.add("a", seconds(1), 0).peak_memory, 7000, "not measured");
        for _ in 0..40 {
            table.add("a", seconds(1), 1000);
        }
        assert_eq!(table.get("a").unwrap().peak_memory, 1000);
    }

    #[test]
    fn extremes_do_not_overflow() {
        let mut table = Table::new(10);
        for _ in 0..3 {
            assert_eq!(table.add("a", Duration::MAX, u64::MAX).wall, MAX_WALL);
            table.set("b", Duration::MAX, u64::MAX);
        }
        table.add("a", Duration::ZERO, 1);
        table.set("b", Duration::ZERO, 1);
        assert_eq!(table.get("b").unwrap().wall, Duration::ZERO);
    }

    #[test]
    fn newest_are_kept_and_no_more_than_twice_the_limit() {
        let mut table = Table::new(100);
        for number in 0..2_000u64 {
            table.add("old, but seen again", seconds(7), 0);
            table.add(&format!("job {number}"), seconds(number), 0);
            assert!(table.len() <= 200);
            assert!(table.get("old, but seen again").is_some());
            for recent in number.saturating_sub(98)..=number {
                assert_eq!(table.get(&format!("job {recent}")).unwrap().wall, seconds(recent));
            }
        }
        assert!(table.entries.capacity() <= 512);
    }
}

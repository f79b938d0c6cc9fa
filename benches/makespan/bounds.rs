//! A makespan that no order of starts can beat, closer to the truth than the longer of critical path
//! and work by slots. Knows tasks; doesn't know how they are played.
//!
//! A task's *head* is a time before which it can't start, its *tail* one that has to pass after its
//! end. Tasks with heads of at least `r` and tails of at least `q` have to be done between the two, so
//! that all takes at least `r + share + q`, where a share is what these tasks take side by side as
//! if they needed nothing: see [`Share`]. The same said of what comes before one task gives its head,
//! and of what comes after it its tail; behind a barrier the head is thus at least the sum over the
//! stages of the longer of longest task and work by slots.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use jobsched::simulation::Simulation;

/// The bound. In nanoseconds inside, rounded up where slots divide.
pub(crate) fn by_heads_and_tails(simulation: &Simulation, slots: NonZeroUsize) -> Duration {
    let tasks = simulation.tasks();
    let lengths: Vec<u64> = tasks.iter().map(|task| nanos(task.actual)).collect();
    let needs: Vec<Vec<usize>> = tasks.iter().map(|task| task.needs.clone()).collect();
    let mut dependents = vec![Vec::new(); tasks.len()];
    for (index, task) in tasks.iter().enumerate() {
        task.needs.iter().for_each(|&need| dependents[need].push(index));
    }
    let sorted = || simulation.sorted().iter().copied();
    let heads = heads(&needs, sorted(), &lengths, slots.get());
    let tails = self::heads(&dependents, sorted().rev(), &lengths, slots.get());

    // For each head as `r`: the tasks that have no smaller one, by falling tail, each of which may
    // be the last that counts.
    let mut falling: Vec<usize> = (0..tasks.len()).collect();
    falling.sort_by_key(|&task| Reverse(tails[task]));
    let mut rs = heads.clone();
    rs.sort_unstable();
    rs.dedup();
    let mut bound = 0;
    for r in rs {
        let mut share = Share::new(slots.get());
        for &task in falling.iter().filter(|&&task| heads[task] >= r) {
            share.add(lengths[task]);
            bound = bound.max(r + share.least() + tails[task]);
            bound = bound.max(heads[task] + lengths[task] + tails[task]);
        }
    }
    Duration::from_nanos(bound)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The head of each task, given in an order in which each comes after what it needs.
fn heads(
    needs: &[Vec<usize>],
    sorted: impl Iterator<Item = usize>,
    lengths: &[u64],
    slots: usize,
) -> Vec<u64> {
    let mut heads = vec![0; needs.len()];
    // By what is needed directly: tasks of one stage have the same head.
    let mut known: HashMap<&[usize], u64> = HashMap::new();
    let mut seen = vec![usize::MAX; needs.len()];
    for task in sorted {
        let head = *known.entry(&needs[task]).or_insert_with(|| {
            let mut before = needs[task].clone();
            before.retain(|&need| std::mem::replace(&mut seen[need], task) != task);
            let mut next = 0;
            while let Some(&need) = before.get(next) {
                next += 1;
                for &further in &needs[need] {
                    if std::mem::replace(&mut seen[further], task) != task {
                        before.push(further);
                    }
                }
            }
            before.sort_by_key(|&task| Reverse(heads[task]));
            let mut share = Share::new(slots);
            let ends = before.iter().map(|&before| {
                share.add(lengths[before]);
                heads[before] + lengths[before].max(share.least())
            });
            ends.max().unwrap_or(0)
        });
        heads[task] = head;
    }
    heads
}

/// How long some tasks take at least if they need nothing.
struct Share {
    slots: usize,
    work: u64,
    /// The longest of them, longest first, as many as count.
    longest: Vec<u64>,
}

impl Share {
    /// How many tasks in one slot are thought of. With more, work by slots says almost as much.
    const DEEPEST: usize = 4;

    fn new(slots: usize) -> Self {
        Self { slots, work: 0, longest: Vec::new() }
    }

    fn add(&mut self, length: u64) {
        self.work += length;
        let place = self.longest.partition_point(|&other| other >= length);
        let room = self.slots * (Self::DEEPEST - 1) + 1;
        if place < room {
            self.longest.truncate(room - 1);
            self.longest.insert(place, length);
        }
    }

    /// All slots are busy all the time; or else, as of one more than `n` times as many tasks as
    /// there are slots some slot gets `n + 1`, it takes as long as the `n + 1` shortest of these.
    fn least(&self) -> u64 {
        let crowded = (0..Self::DEEPEST).filter_map(|n| {
            let last = n * self.slots;
            Some(self.longest.get(last.checked_sub(n)?..=last)?.iter().sum())
        });
        crowded.max().unwrap_or(0).max(self.work.div_ceil(self.slots as u64))
    }
}

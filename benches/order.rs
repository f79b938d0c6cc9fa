//! What it costs to find the order of starts, in this process and without starting anything.
//!
//! ```text
//! cargo bench -p jobsched --features simulation --bench order
//! ```
//!
//! Graphs are played from the beginning to the end by the real machine with a virtual clock, once with the
//! longest path and once first come: the difference is what the order costs. The column that counts is that of
//! items per second: jobs, so that 1 Mitem/s is a microsecond a job. Each play is looked at: all jobs were
//! started, and it took no less time than the bound.

#![allow(missing_docs, reason = "the attributes make functions that can't have any")]
#![allow(clippy::expect_used, reason = "a bench that can't go on has nothing to say but why")]

use std::num::NonZeroUsize;
use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;

use jobsched::Order;
use jobsched::simulation::{Simulation, Task};

fn main() {
    divan::main();
}

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
const SLOTS: NonZeroUsize = NonZeroUsize::new(64).expect("it is more than 0");
const ORDERS: [Order; 2] = [Order::LongestPath, Order::FirstCome];

/// Random numbers of good enough a kind (xorshift64*), the same in each run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap_or(0) % limit
    }
}

/// Jobs that each need some of those before them, at random.
fn graph(jobs: usize, needs: usize) -> Simulation {
    let mut draw = Draw(0x9e37_79b9_7f4a_7c15);
    let mut tasks: Vec<Task> = Vec::with_capacity(jobs);
    for job in 0..jobs {
        let count = if job == 0 { 0 } else { needs };
        let needs = (0..count).map(|_| draw.below(job)).collect();
        let micros = u64::try_from(1 + draw.below(1_000_000)).unwrap_or(1);
        tasks.push(Task::known(Duration::from_micros(micros), needs));
    }
    Simulation::new(tasks).expect("nobody needs a later one")
}

fn play(bencher: Bencher<'_, '_>, jobs: usize, needs: usize, order: Order) {
    let simulation = graph(jobs, needs);
    let bound = simulation.lower_bound(SLOTS);
    bencher.counter(ItemsCount::new(jobs)).bench(|| {
        let played = simulation.play(SLOTS, order).expect("there is no cycle");
        assert!(played.starts.len() == jobs && played.makespan >= bound);
    });
}

#[divan::bench(consts = SIZES, args = ORDERS)]
fn all_ready_at_once<const JOBS: usize>(bencher: Bencher<'_, '_>, order: Order) {
    play(bencher, JOBS, 0, order);
}

#[divan::bench(consts = SIZES, args = ORDERS)]
fn three_needs_each<const JOBS: usize>(bencher: Bencher<'_, '_>, order: Order) {
    play(bencher, JOBS, 3, order);
}

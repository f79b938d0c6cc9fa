//! What the graph and the machine cost, in this process and without starting anything.
//!
//! ```text
//! cargo bench -p jobsched --bench graph
//! ```
//!
//! The column that counts is the one with items per second: jobs, so that 1 Mitem/s is a microsecond
//! a job. Down the sizes of one shape it should hardly fall. Every run that is measured is looked at
//! afterwards: all jobs were checked.

#![allow(missing_docs, reason = "the attributes make functions that can't have any")]
#![allow(clippy::expect_used, reason = "a bench that can't go on has nothing to say but why")]

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

use jobsched::{Check, Checking, Error, Job, JobId, Plan, Scheduler, Summary, Work};

fn main() {
    divan::main();
}

const SIZES: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// What jobs need.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// Nothing.
    Loose,
    /// Each the one before.
    Chain,
    /// The last one all others.
    FanIn,
    /// All but the first one the first.
    FanOut,
    /// Each four at random of the thousand in the layer before.
    Layers,
    /// Each three of those before, at random.
    Random,
}

impl Shape {
    fn needs(self, job: u32, jobs: u32, random: &mut Draw, needs: &mut Vec<u32>) {
        const LAYER: u32 = 1_000;
        needs.clear();
        let layer = job / LAYER;
        match self {
            Self::Chain if job > 0 => needs.push(job - 1),
            Self::FanIn if job + 1 == jobs => needs.extend(0..job),
            Self::FanOut if job > 0 => needs.push(0),
            Self::Layers if layer > 0 => {
                needs.extend((0..4).map(|_| (layer - 1) * LAYER + random.below(LAYER)));
            }
            Self::Random if job > 0 => needs.extend((0..3).map(|_| random.below(job))),
            _ => {}
        }
    }
}

/// Random numbers of good enough a kind (xorshift64*), the same in each run.
struct Draw(u64);

impl Draw {
    fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        u32::try_from((high * u64::from(limit)) >> 32).unwrap_or(0)
    }
}

/// A job that has nothing to do.
struct Nothing {
    number: u32,
    needs: Box<[JobId]>,
}

impl Job for Nothing {
    fn name(&self) -> String {
        format!("job.{}", self.number)
    }

    fn plan(&mut self, plan: &mut Plan<'_>) -> Result<(), Error> {
        for need in std::mem::take(&mut self.needs) {
            plan.needs_id(need)?;
        }
        Ok(())
    }

    fn check(&mut self, _: &mut Checking<'_>) -> Check {
        Check::done()
    }

    fn run(&mut self) -> Work {
        Work::impossible("there is nothing to do")
    }
}

/// A job that finds out only when it is checked that it needs up to three more, which are new.
struct Growing {
    number: u32,
    jobs: u32,
    grown: bool,
}

impl Job for Growing {
    fn name(&self) -> String {
        format!("job.{}", self.number)
    }

    fn check(&mut self, cx: &mut Checking<'_>) -> Check {
        if !std::mem::replace(&mut self.grown, true) {
            let first = self.number.saturating_mul(3).saturating_add(1);
            for number in (first..self.jobs).take(3) {
                if cx.needs(Growing { number, jobs: self.jobs, grown: false }).is_err() {
                    return Check::failed("there is no room for more");
                }
            }
        }
        Check::done()
    }

    fn run(&mut self) -> Work {
        Work::impossible("there is nothing to do")
    }
}

/// A job that finds out when it is checked that it needs three that come after it and are there.
struct Finding {
    number: u32,
    needs: Vec<JobId>,
}

impl Job for Finding {
    fn name(&self) -> String {
        format!("job.{}", self.number)
    }

    fn check(&mut self, cx: &mut Checking<'_>) -> Check {
        for need in std::mem::take(&mut self.needs) {
            if cx.needs_id(need).is_err() {
                return Check::failed("there is no room for more");
            }
        }
        Check::done()
    }

    fn run(&mut self) -> Work {
        Work::impossible("there is nothing to do")
    }
}

fn scheduler() -> Scheduler {
    Scheduler::builder().build().expect("a scheduler can be made")
}

fn ensure(scheduler: &mut Scheduler, job: impl Job) -> JobId {
    scheduler.ensure(job).expect("there is room for the job")
}

fn built(shape: Shape, jobs: u32) -> Scheduler {
    let mut scheduler = scheduler();
    let mut random = Draw::new();
    let mut ids = Vec::new();
    let mut needs = Vec::new();
    for number in 0..jobs {
        shape.needs(number, jobs, &mut random, &mut needs);
        let needs = needs.iter().map(|&need| ids[need as usize]).collect();
        ids.push(ensure(&mut scheduler, Nothing { number, needs }));
    }
    scheduler
}

fn run(scheduler: &mut Scheduler) -> Summary {
    scheduler.run().expect("nothing can go wrong where nothing is started")
}

/// Runs it; all jobs have to be up to date afterwards.
fn run_all(mut scheduler: Scheduler, jobs: u32) -> Scheduler {
    assert_eq!(run(&mut scheduler).up_to_date, jobs as usize);
    scheduler
}

macro_rules! shapes {
    ($($name:ident $shape:ident),*) => {$(
        #[divan::bench_group(sample_count = 9, sample_size = 1)]
        mod $name {
            use super::{Bencher, ItemsCount, SIZES, Shape, black_box, built, run_all};

            #[divan::bench(args = SIZES)]
            fn build(bencher: Bencher, jobs: u32) {
                let counted = bencher.counter(ItemsCount::new(jobs));
                counted.bench_local(|| built(black_box(Shape::$shape), jobs));
            }

            #[divan::bench(args = SIZES)]
            fn run(bencher: Bencher, jobs: u32) {
                let counted = bencher.counter(ItemsCount::new(jobs));
                counted
                    .with_inputs(|| built(Shape::$shape, jobs))
                    .bench_local_values(|scheduler| run_all(scheduler, jobs));
            }
        }
    )*};
}

shapes!(loose Loose, chain Chain, fan_in FanIn, fan_out FanOut, layers Layers, random Random);

/// One job is there at the start; all others are found by checks.
#[divan::bench(args = SIZES, sample_count = 9, sample_size = 1)]
fn late_jobs(bencher: Bencher, jobs: u32) {
    let begun = || {
        let mut scheduler = scheduler();
        ensure(&mut scheduler, Growing { number: 0, jobs, grown: false });
        scheduler
    };
    bencher
        .counter(ItemsCount::new(jobs))
        .with_inputs(begun)
        .bench_local_values(|scheduler| run_all(scheduler, jobs));
}

/// All jobs are there at the start, but what they need is found by checks.
#[divan::bench(args = SIZES, sample_count = 9, sample_size = 1)]
fn late_edges(bencher: Bencher, jobs: u32) {
    let begun = || {
        let mut draw = Draw::new();
        // Ids are the same for the same jobs. They are needed before the jobs are there.
        let mut dry = scheduler();
        let ids: Vec<JobId> = (0..jobs)
            .map(|number| ensure(&mut dry, Finding { number, needs: Vec::new() }))
            .collect();
        let mut scheduler = scheduler();
        for number in 0..jobs {
            let later = jobs - 1 - number;
            let needs = (0..later.min(3)).map(|_| ids[(number + 1 + draw.below(later)) as usize]);
            let needs = needs.collect();
            ensure(&mut scheduler, Finding { number, needs });
        }
        scheduler
    };
    bencher
        .counter(ItemsCount::new(jobs))
        .with_inputs(begun)
        .bench_local_values(|scheduler| run_all(scheduler, jobs));
}

/// All jobs need each other in a circle, which is found and told, and the jobs are cancelled.
#[divan::bench(args = SIZES, sample_count = 9, sample_size = 1)]
fn cycle(bencher: Bencher, jobs: u32) {
    /// Needs the next one.
    struct Circle(u32, u32);

    impl Job for Circle {
        fn name(&self) -> String {
            format!("job.{}", self.0)
        }

        fn plan(&mut self, plan: &mut Plan<'_>) -> Result<(), Error> {
            plan.needs(Self((self.0 + 1) % self.1, self.1))?;
            Ok(())
        }

        fn run(&mut self) -> Work {
            Work::impossible("there is nothing to do")
        }
    }

    let begun = || {
        let mut scheduler = scheduler();
        ensure(&mut scheduler, Circle(0, jobs));
        scheduler
    };
    bencher.counter(ItemsCount::new(jobs)).with_inputs(begun).bench_local_values(
        |mut scheduler| {
            let summary = run(&mut scheduler);
            assert_eq!(summary.cancelled, jobs as usize);
            let cycle = summary.stall.as_ref().and_then(|stall| stall.cycle.as_ref());
            assert_eq!(cycle.map(Vec::len), Some(jobs as usize + 1));
            scheduler
        },
    );
}

//! How much time and memory a graph costs in which nothing has to be run.
//!
//! ```text
//! cargo run --release -p jobsched --example checks -- 1000000 3
//! ```
//!
//! `checks JOBS NEEDS`: a random graph (always the same) of JOBS jobs, each of which needs
//! NEEDS of those before it and finds that it has nothing to do. The last line is
//! `checks: JOBS jobs, build SECONDS s, run SECONDS s, N bytes/job`, where the bytes are the growth
//! of the process's resident memory over the number of jobs.

use std::error::Error;
use std::time::Instant;

use jobsched::{Check, Checking, Job, JobId, Plan, Scheduler, Work};

/// A job that has nothing to do.
struct Nothing {
    number: usize,
    needs: Box<[JobId]>,
}

impl Job for Nothing {
    fn name(&self) -> String {
        format!("job.{}", self.number)
    }

    fn plan(&mut self, plan: &mut Plan<'_>) -> Result<(), jobsched::Error> {
        // What is said once need not be kept.
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

/// Random numbers of good enough a kind (xorshift64*), the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }
}

/// Resident memory in bytes.
fn resident() -> Result<usize, Box<dyn Error>> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: usize = statm.split(' ').nth(1).ok_or("no such field in statm")?.parse()?;
    Ok(pages * 4096)
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [jobs, needs] = args.as_slice() else {
        eprintln!("usage: checks JOBS NEEDS");
        std::process::exit(64);
    };
    let (jobs, needs): (usize, usize) = (jobs.parse()?, needs.parse()?);

    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let before = resident()?;
    let start = Instant::now();
    let mut scheduler = Scheduler::builder().build()?;
    let mut ids: Vec<JobId> = Vec::with_capacity(jobs);
    for number in 0..jobs {
        let count = needs.min(number);
        let needs = (0..count).map(|_| ids[random.below(number)]).collect();
        ids.push(scheduler.ensure(Nothing { number, needs })?);
    }
    let build = start.elapsed().as_secs_f64();

    let start = Instant::now();
    let summary = scheduler.run()?;
    let run = start.elapsed().as_secs_f64();
    if summary.up_to_date != jobs {
        return Err(format!("{} of {jobs} jobs were checked", summary.up_to_date).into());
    }

    let bytes = resident()?.saturating_sub(before) / jobs.max(1);
    println!("checks: {jobs} jobs, build {build:.3} s, run {run:.3} s, {bytes} bytes/job");
    Ok(())
}

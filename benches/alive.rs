//! Whether a job costs more when many are alive.
//!
//! ```text
//! cargo bench -p jobsched --bench alive -- 5
//! ```
//!
//! `alive [ROUNDS]`: 2,000 times `/bin/true`, two at a time, beside 2 and beside 2,000 jobs that begin before
//! them and end after them, in turn. Those read from a fifo that nobody writes to. What is measured begins
//! with the start of the last of these and ends with the end of the last of the others. The processor time is that
//! of this process, which is the scheduler. Without arguments the numbers are small: that only shows that
//! everything works.

use std::cell::RefCell;
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use jobsched::{Event, Jobs, Program, Scheduler, command};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::stat::Mode;
use nix::sys::time::TimeValLike as _;
use nix::unistd::mkfifo;

/// A moment, and how much processor time this process had used by then.
#[derive(Debug, Clone, Copy)]
struct Moment {
    at: Instant,
    used: Duration,
}

impl Moment {
    fn now() -> Self {
        let micros = getrusage(UsageWho::RUSAGE_SELF).map_or(0, |usage| {
            usage.user_time().num_microseconds() + usage.system_time().num_microseconds()
        });
        Self { at: Instant::now(), used: Duration::from_micros(u64::try_from(micros).unwrap_or(0)) }
    }
}

/// Takes the time while the others are alive, and lets them end afterwards.
struct Watch {
    to_start: usize,
    to_end: usize,
    begin: Moment,
    end: Moment,
    /// What the others read from. They end when nobody holds it open to write.
    fifo: Option<File>,
}

impl Watch {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Started { job, .. } if job.name.starts_with("other") => {
                self.to_start -= 1;
                if self.to_start == 0 {
                    self.begin = Moment::now();
                }
            }
            Event::Finished { job, .. } if job.name.starts_with("one") => {
                self.to_end -= 1;
                if self.to_end == 0 {
                    self.end = Moment::now();
                    self.fifo = None;
                }
            }
            _ => {}
        }
    }
}

/// What one of `count` jobs costs beside others, in microseconds.
#[derive(Debug, Clone, Copy)]
struct Cost {
    wall: f64,
    used: f64,
}

fn measure(others: usize, count: usize, fifo: &Path) -> Result<Cost, Box<dyn Error>> {
    let watch = Rc::new(RefCell::new(Watch {
        to_start: others,
        to_end: count,
        begin: Moment::now(),
        end: Moment::now(),
        fifo: Some(OpenOptions::new().read(true).write(true).open(fifo)?),
    }));
    let observer = Rc::clone(&watch);
    let mut scheduler = Scheduler::builder()
        .jobs(Jobs::AtMost(others + 2))
        .observer(move |event: &Event<'_>| observer.borrow_mut().event(event))
        .build()?;
    let reader = Program::new("/bin/cat").arg(fifo);
    for number in 0..others {
        scheduler.ensure(command(format!("other.{number}"), reader.clone()))?;
    }
    for number in 0..count {
        scheduler.ensure(command(format!("one.{number}"), Program::new("/bin/true")))?;
    }
    let summary = scheduler.run()?;
    if summary.succeeded != others + count {
        return Err(format!("beside {others}: {summary}").into());
    }
    let Watch { begin, end, .. } = *watch.borrow();
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let each = |time: Duration| time.as_secs_f64() / count as f64 * 1e6;
    Ok(Cost { wall: each(end.at - begin.at), used: each(end.used.saturating_sub(begin.used)) })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let rounds = args.next().map(|rounds| rounds.parse::<usize>()).transpose()?;
    let (rounds, many, count) = rounds.map_or((1, 50, 100), |rounds| (rounds, 2_000, 2_000));
    let directory = tempfile::tempdir()?;
    let fifo = directory.path().join("fifo");
    mkfifo(&fifo, Mode::S_IRWXU)?;

    let (mut few, mut crowd) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        few.push(measure(2, count, &fifo)?);
        crowd.push(measure(many, count, &fifo)?);
    }
    println!("\n{count} × `/bin/true`, two at a time, {rounds} rounds:\n");
    println!("| beside | µs a job | µs of processor time a job, in this library |");
    println!("|--:|--:|--:|");
    for (others, costs) in [(2, &few), (many, &crowd)] {
        let wall = median(costs.iter().map(|cost| cost.wall).collect());
        let used = median(costs.iter().map(|cost| cost.used).collect());
        println!("| {others} | {wall:.0} | {used:.0} |");
    }
    let ratio = |of: fn(&Cost) -> f64| {
        median(few.iter().zip(&crowd).map(|(few, crowd)| of(crowd) / of(few)).collect())
    };
    println!("| ratio | {:.2} | {:.2} |", ratio(|cost| cost.wall), ratio(|cost| cost.used));
    Ok(())
}

//! Runs one program many times, to see what starting and watching a job costs.
//!
//! ```text
//! cargo run --release -p jobsched --example flood -- -j2 10000 /bin/true
//! ```
//!
//! `flood [-jN|-J] [-q] [--no-logs] [--shuffle SEED] COUNT PROGRAM [ARG…]`: COUNT jobs of PROGRAM, up
//! to N at once (`-J`: as many as possible; without either as many as make grants, or one). `-q`
//! shows no output, `--no-logs` keeps none; else each job has a log in a temporary directory (below
//! `TMPDIR`, or in memory), which is removed at the end. `--shuffle` starts them in an order drawn from
//! SEED. The last line is `flood: COUNT jobs in SECONDS s (N jobs/s)`.

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::rc::Rc;
use std::time::Instant;

use jobsched::report::Plain;
use jobsched::{Job, Jobs, Order, Program, Scheduler, Work};

const USAGE: &str = "usage: flood [-jN|-J] [-q] [--no-logs] [--shuffle SEED] COUNT PROGRAM [ARG…]";

/// One of the many.
struct Run {
    number: u32,
    program: Rc<Program>,
}

impl Job for Run {
    fn name(&self) -> String {
        format!("flood.{}", self.number)
    }

    fn run(&mut self) -> Work {
        Program::clone(&self.program).into()
    }
}

struct Options {
    jobs: Option<Jobs>,
    quiet: bool,
    logs: bool,
    order: Order,
    count: u32,
    command: Vec<OsString>,
}

fn options() -> Option<Options> {
    let order = Order::default();
    let mut options =
        Options { jobs: None, quiet: false, logs: true, order, count: 0, command: vec![] };
    let mut args = std::env::args_os().skip(1);
    loop {
        let arg = args.next()?;
        match arg.to_str()? {
            "-J" => options.jobs = Some(Jobs::Unlimited),
            "-q" => options.quiet = true,
            "--no-logs" => options.logs = false,
            "--shuffle" => options.order = Order::Shuffled(args.next()?.to_str()?.parse().ok()?),
            jobs if jobs.starts_with("-j") => {
                let jobs = jobs[2..].parse().ok().filter(|&jobs| jobs > 0)?;
                options.jobs = Some(Jobs::AtMost(jobs));
            }
            count => {
                options.count = count.parse().ok()?;
                options.command = args.collect();
                return (!options.command.is_empty()).then_some(options);
            }
        }
    }
}

/// A directory for logs that nobody will read: in `TMPDIR` if that is set, else in memory if it can be.
/// On disk, making files soon after many were removed takes ext4 several times as long, and the logs
/// of the flood before have just been removed.
fn log_directory() -> std::io::Result<tempfile::TempDir> {
    if std::env::var_os("TMPDIR").is_none() {
        if let Ok(directory) = tempfile::tempdir_in("/dev/shm") {
            return Ok(directory);
        }
    }
    tempfile::tempdir()
}

fn main() -> Result<(), Box<dyn Error>> {
    let Some(options) = options() else {
        eprintln!("{USAGE}");
        std::process::exit(64);
    };
    let logs = log_directory()?;
    let mut builder = Scheduler::builder()
        .inherit_jobserver(true)
        .keep_going(true)
        .handle_signals(true)
        .order(options.order)
        .observer(Plain::stdout().quiet(options.quiet));
    if let Some(jobs) = options.jobs {
        builder = builder.jobs(jobs);
    }
    if options.logs {
        builder = builder.log_dir(logs.path());
    }
    let mut scheduler = builder.build()?;

    let start = Instant::now();
    let (program, args) = options.command.split_first().ok_or(USAGE)?;
    let program = Rc::new(Program::new(program).args(args));
    for number in 1..=options.count {
        scheduler.ensure(Run { number, program: Rc::clone(&program) })?;
    }
    let summary = scheduler.run()?;
    let seconds = start.elapsed().as_secs_f64();

    let count = options.count;
    let rate = f64::from(count) / seconds;
    // Who reads this may have seen enough, which is no failure of the jobs.
    let _ = writeln!(io::stdout(), "flood: {count} jobs in {seconds:.3} s ({rate:.0} jobs/s)");
    drop(logs);
    summary.exit()
}

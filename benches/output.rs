//! What it costs to capture much output, beside the least that any capture can cost.
//!
//! ```text
//! cargo bench -p jobsched --bench output -- [BYTES]
//! ```
//!
//! A producer writes BYTES (100 MB, unless told otherwise) into a pipe as fast as it can. What comes
//! out goes to a file in these ways, in turn, several rounds, in `/dev/shm` and in `TMPDIR` (or `/tmp`),
//! which should be on a disk:
//!
//! - `cat`: `producer | cat >file`,
//! - `log`: a job's log, nobody listening,
//! - `live`: the report for people, to a file, without logs,
//! - `both`: log and report.
//!
//! Every byte of every file is compared with what should be there. The table has for each way the
//! median of the rates, the median of its ratios to the `cat` of the same round with the worst and
//! the best of them, the processor time that it took (of cat, or of the scheduler; the producer's is
//! not in it), and the scheduler's peak resident memory. Rates count what was produced,
//! not the names and markers that come before each line in a log or a report.
#![expect(clippy::unwrap_used, reason = "a benchmark that can't go on has failed")]

use std::env;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jobsched::report::{Plain, Unbuffered};
use jobsched::{Scheduler, command};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike as _};

const BYTES: usize = 100_000_000;
const ROUNDS: usize = 7;
/// How much the producer writes at a time, at least: several times what a pipe holds.
const BLOCK: usize = 256 * 1024;
const JOB: &str = "producer";

fn main() {
    let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
    match (args.next(), args.next(), args.next()) {
        (Some(part), Some(shape), Some(blocks)) if part == "produce" => {
            produce(&Shape::named(&shape).block(), blocks.parse().unwrap());
        }
        (bytes, None, None) => {
            let bytes = bytes.map(|bytes| bytes.parse().ok());
            let Some(bytes) = bytes.unwrap_or(Some(BYTES)) else { usage() };
            compare(bytes);
        }
        _ => usage(),
    }
}

fn usage() -> ! {
    eprintln!("usage: cargo bench -p jobsched --bench output -- [BYTES]");
    std::process::exit(64)
}

/// What the lines look like.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// 80 bytes with the newline, printable ASCII.
    Even,
    /// 1 to 400 bytes, some with accents, every hundredth with a colour.
    Mixed,
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Self::Even => "80-byte lines",
            Self::Mixed => "mixed lines",
        }
    }

    fn named(name: &str) -> Self {
        [Self::Even, Self::Mixed].into_iter().find(|shape| shape.name() == name).unwrap()
    }

    /// Whole lines, which the producer writes again and again.
    fn block(self) -> Vec<u8> {
        let mut block = Vec::new();
        let mut number: usize = 0;
        while block.len() < BLOCK {
            number += 1;
            let start = block.len();
            match self {
                Self::Even => {
                    write!(block, "{number:8} ").unwrap();
                    block.resize(start + 79, b'.');
                }
                Self::Mixed => {
                    // A multiplier that spreads the lengths evenly, and most of them are short.
                    let length = 1 + number.wrapping_mul(0x9E37_79B9) % 400 * (number % 7) / 6;
                    if number % 10 == 0 {
                        block.extend_from_slice("größer ".as_bytes());
                    }
                    if number % 100 == 0 {
                        block.extend_from_slice(COLOUR);
                    }
                    block.resize(start + length.max(block.len() - start), b'x');
                }
            }
            block.push(b'\n');
        }
        block
    }
}

const COLOUR: &[u8] = b"\x1b[31m";

/// What the block becomes on its way.
fn expected(block: &[u8], prefix: &str, shown: bool) -> Vec<u8> {
    let mut text = Vec::new();
    for line in block.split_inclusive(|&byte| byte == b'\n') {
        text.extend_from_slice(prefix.as_bytes());
        let colour = line.windows(COLOUR.len()).position(|part| part == COLOUR);
        match colour {
            Some(at) if shown => {
                text.extend_from_slice(&line[..at]);
                text.extend_from_slice(&line[at + COLOUR.len()..]);
            }
            _ => text.extend_from_slice(line),
        }
    }
    text
}

fn produce(block: &[u8], blocks: usize) {
    let mut out = Unbuffered::new(io::stdout());
    for _ in 0..blocks {
        out.write_all(block).unwrap();
    }
}

fn producer(shape: Shape, blocks: usize) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["produce", shape.name(), &blocks.to_string()]);
    command
}

/// How the output gets into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Cat,
    Log,
    Live,
    Both,
}

impl Way {
    const ALL: [Self; 4] = [Self::Cat, Self::Log, Self::Live, Self::Both];

    fn name(self) -> &'static str {
        match self {
            Self::Cat => "cat",
            Self::Log => "log",
            Self::Live => "live",
            Self::Both => "both",
        }
    }

    /// Runs a producer, and checks what came of it.
    fn measure(self, shape: Shape, blocks: usize, directory: &Path) -> Measured {
        let directory = tempfile::tempdir_in(directory).unwrap();
        let file = directory.path().join("file");
        let logs = directory.path().join("log");
        forget_peak();
        let start = Instant::now();
        let cpu = match self {
            Self::Cat => cat(producer(shape, blocks), &file),
            Self::Log => capture(producer(shape, blocks), None, Some(&logs)),
            Self::Live => capture(producer(shape, blocks), Some(&file), None),
            Self::Both => capture(producer(shape, blocks), Some(&file), Some(&logs)),
        };
        let time = start.elapsed();
        let peak = peak_memory();

        let block = shape.block();
        if self == Self::Cat {
            assert_repeats(&file, &block, blocks);
        }
        if matches!(self, Self::Live | Self::Both) {
            assert_repeats(&file, &expected(&block, &format!("{JOB:24} | "), true), blocks);
        }
        if matches!(self, Self::Log | Self::Both) {
            let log = fs::read_dir(&logs).unwrap().next().unwrap().unwrap().path();
            assert_repeats(&log, &expected(&block, "| ", false), blocks);
        }
        Measured { time, cpu, peak }
    }
}

struct Measured {
    time: Duration,
    /// Processor time of cat, or of this process.
    cpu: Duration,
    /// Peak resident memory of this process, in kB.
    peak: u64,
}

/// Returns the processor time that cat took.
fn cat(mut producer: Command, file: &Path) -> Duration {
    let mut producer = producer.stdout(Stdio::piped()).spawn().unwrap();
    let mut cat = Command::new("cat");
    let output = producer.stdout.take().unwrap();
    let before = processor_time(UsageWho::RUSAGE_CHILDREN);
    let status = cat.stdin(output).stdout(File::create(file).unwrap()).status().unwrap();
    // The producer counts only when it has been waited for.
    let cpu = processor_time(UsageWho::RUSAGE_CHILDREN).saturating_sub(before);
    assert!(status.success() && producer.wait().unwrap().success());
    cpu
}

/// Returns the processor time that this process took.
fn capture(producer: Command, file: Option<&Path>, logs: Option<&Path>) -> Duration {
    let before = processor_time(UsageWho::RUSAGE_SELF);
    let mut builder = Scheduler::builder();
    if let Some(logs) = logs {
        builder = builder.log_dir(logs);
    }
    if let Some(file) = file {
        let writer = Unbuffered::new(File::create(file).unwrap());
        builder = builder.observer(Plain::new(writer).silent(true));
    }
    let mut scheduler = builder.build().unwrap();
    scheduler.ensure(command(JOB, producer)).unwrap();
    assert_eq!(scheduler.run().unwrap().succeeded, 1);
    processor_time(UsageWho::RUSAGE_SELF).saturating_sub(before)
}

fn processor_time(who: UsageWho) -> Duration {
    let usage = getrusage(who).unwrap();
    let microseconds = |time: TimeVal| u64::try_from(time.num_microseconds()).unwrap();
    Duration::from_micros(microseconds(usage.user_time()) + microseconds(usage.system_time()))
}

/// Checks that a file is this text, so many times.
fn assert_repeats(path: &Path, text: &[u8], times: usize) {
    let mut file = File::open(path).unwrap();
    assert_eq!(file.metadata().unwrap().len(), (text.len() * times) as u64, "{}", path.display());
    let mut found = vec![0; text.len()];
    for time in 0..times {
        file.read_exact(&mut found).unwrap();
        assert!(found == text, "{}: repetition {time} differs", path.display());
    }
}

/// Has the kernel count peak memory from here on.
fn forget_peak() {
    // Where it may not be written to, the peaks are those since the beginning.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn compare(bytes: usize) {
    let directories = [PathBuf::from("/dev/shm"), env::temp_dir()];
    println!("{bytes} bytes, {ROUNDS} rounds\n");
    println!("| file in | output | way | MB/s | of cat | worst | best | CPU s/GB | peak kB |");
    println!("|---|---|---|---:|---:|---:|---:|---:|---:|");
    for directory in directories.iter().filter(|directory| directory.is_dir()) {
        let place = directory.display();
        for shape in [Shape::Even, Shape::Mixed] {
            let blocks = bytes.div_ceil(shape.block().len());
            let produced = blocks * shape.block().len();
            let rounds: Vec<_> = (0..ROUNDS)
                .map(|_| Way::ALL.map(|way| way.measure(shape, blocks, directory)))
                .collect();
            for (index, way) in Way::ALL.into_iter().enumerate() {
                let seconds = sorted(rounds.iter().map(|round| round[index].time.as_secs_f64()));
                let ratios = sorted(
                    rounds.iter().map(|round| round[0].time.div_duration_f64(round[index].time)),
                );
                let cpu = sorted(rounds.iter().map(|round| round[index].cpu.as_secs_f64()));
                let peak = rounds.iter().map(|round| round[index].peak).max().unwrap();
                #[expect(clippy::cast_precision_loss, reason = "it is printed in megabytes")]
                let megabytes = produced as f64 / 1e6;
                let rate = megabytes / seconds[ROUNDS / 2];
                let cpu = cpu[ROUNDS / 2] * 1000.0 / megabytes;
                println!(
                    "| {place} | {} | {} | {rate:.0} | {:.2} | {:.2} | {:.2} | {cpu:.2} | {peak} |",
                    shape.name(),
                    way.name(),
                    ratios[ROUNDS / 2],
                    ratios[0],
                    ratios[ROUNDS - 1],
                );
            }
        }
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

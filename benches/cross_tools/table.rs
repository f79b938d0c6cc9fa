//! What came of several ways to do the same, measured in turn, as a Markdown table with what is wanted of it. Does not know
//! what is measured.

use std::{fmt, time::Duration};

use crate::Result;

/// How often all ways are measured in turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rounds {
    pub(crate) all: u32,
    /// Those that take the longest, if they are not to be measured every time: in the first rounds.
    pub(crate) emulated: u32,
}

/// What is wanted of a ratio.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// A ratio of two ways' times, by their numbers.
#[derive(Debug)]
struct Target {
    of: usize,
    to: usize,
    bound: Bound,
}

#[derive(Debug)]
struct Way {
    name: String,
    is_emulated: bool,
    seconds: Vec<f64>,
}

/// The first way is what the column of ratios compares with.
#[derive(Debug)]
pub(crate) struct Table {
    title: String,
    ways: Vec<Way>,
    targets: Vec<Target>,
    notes: Vec<String>,
}

impl Table {
    pub(crate) fn new<const N: usize>(title: impl Into<String>, names: [String; N]) -> Self {
        let ways = names.map(|name| Way { name, is_emulated: false, seconds: Vec::new() }).into();
        Self { title: title.into(), ways, targets: Vec::new(), notes: Vec::new() }
    }

    /// Has the way of this number measured as seldom as those that are emulated.
    pub(crate) fn emulated(mut self, way: usize) -> Self {
        self.ways[way].is_emulated = true;
        self
    }

    /// Wants a ratio of the time of the way `of` to that of the way `to`.
    pub(crate) fn target(mut self, of: usize, to: usize, bound: Bound) -> Self {
        self.targets.push(Target { of, to, bound });
        self
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Has each way measured once a round, or less often. An hour of this is not silent: it says on standard error what it found.
    pub(crate) fn measure(
        &mut self,
        rounds: Rounds,
        mut once: impl FnMut(usize) -> Result<Duration>,
    ) -> Result<()> {
        let Rounds { all: rounds, emulated } = rounds;
        for round in 1..=rounds {
            for (number, way) in self.ways.iter_mut().enumerate() {
                if way.is_emulated && round > emulated {
                    continue;
                }
                eprint!("round {round} of {rounds}: {}, {}: ", self.title, way.name);
                let time = once(number).map_err(|error| format!("{}: {error}", way.name))?;
                eprintln!("{:.1} s", time.as_secs_f64());
                way.seconds.push(time.as_secs_f64());
            }
        }
        Ok(())
    }

    fn ratios(&self, of: usize, to: usize) -> Ratios {
        let pairs = self.ways[of].seconds.iter().zip(&self.ways[to].seconds);
        let ratios: Vec<f64> = pairs.map(|(of, to)| of / to).collect();
        Ratios {
            least: ratios.iter().copied().fold(f64::INFINITY, f64::min),
            greatest: ratios.iter().copied().fold(0.0, f64::max),
            median: median(ratios),
        }
    }
}

#[derive(Debug)]
struct Ratios {
    median: f64,
    least: f64,
    greatest: f64,
}

impl Bound {
    fn holds(self, ratio: f64) -> bool {
        match self {
            Self::AtMost(limit) => ratio <= limit,
            Self::AtLeast(limit) => ratio >= limit,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => write!(f, "at most {limit:.2}"),
            Self::AtLeast(limit) => write!(f, "at least {limit:.2}"),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds = self.ways[0].seconds.len();
        let plural = if rounds == 1 { "" } else { "s" };
        writeln!(f, "{}, {rounds} round{plural}:\n", self.title)?;
        writeln!(f, "| | seconds | ratio | from … to |")?;
        writeln!(f, "|---|--:|--:|---|")?;
        for (number, way) in self.ways.iter().enumerate() {
            let seconds = median(way.seconds.clone());
            let Ratios { median, least, greatest } = self.ratios(number, 0);
            let range =
                if number == 0 { String::new() } else { format!("{least:.2} … {greatest:.2}") };
            writeln!(f, "| {} | {seconds:.1} | {median:.2} | {range} |", way.name)?;
        }
        writeln!(f)?;
        writeln!(f, "| wanted | | ratio | from … to | |")?;
        writeln!(f, "|---|---|--:|---|---|")?;
        for Target { of, to, bound } in &self.targets {
            let Ratios { median, least, greatest } = self.ratios(*of, *to);
            let met = if bound.holds(median) { "met" } else { "missed" };
            writeln!(
                f,
                "| {} / {} | {bound} | {median:.2} | {least:.2} … {greatest:.2} | {met} |",
                self.ways[*of].name, self.ways[*to].name,
            )?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "\n{note}"))
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

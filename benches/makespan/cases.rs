//! Each graph with each number of slots, played in each order. Doesn't know what is made of it.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use jobsched::Order;
use jobsched::simulation::{Simulation, SimulationError, Task};

use crate::random::{DURATIONS, Random};
use crate::{bounds, builds, exhaustive, graphs};

pub(crate) const SLOTS: [usize; 6] = [2, 4, 8, 16, 32, 64];

/// What decides which ready task starts first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The longest remaining path, with durations that are as expected.
    History,
    /// The same, but each duration is expected wrongly, by a factor of up to two either way.
    Wrong,
    /// The same, but of half of the tasks nothing is known.
    Half,
    /// The same, but nothing is known of any.
    Unit,
    FirstCome,
    Random,
}

pub(crate) const ORDERS: [Rule; 6] =
    [Rule::History, Rule::Wrong, Rule::Half, Rule::Unit, Rule::FirstCome, Rule::Random];

impl Rule {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::Wrong => "wrong by two",
            Self::Half => "half known",
            Self::Unit => "unit weights",
            Self::FirstCome => "first come",
            Self::Random => "random",
        }
    }

    fn order(self, seed: u64) -> Order {
        match self {
            Self::History | Self::Wrong | Self::Half | Self::Unit => Order::LongestPath,
            Self::FirstCome => Order::FirstCome,
            Self::Random => Order::Shuffled(seed),
        }
    }

    fn expected(self, actual: Duration, random: &mut Random) -> Option<Duration> {
        match self {
            Self::Wrong => Some(actual.mul_f64((2.0 * random.unit() - 1.0).exp2())),
            Self::Half => random.toss().then_some(actual),
            Self::Unit => None,
            Self::History | Self::FirstCome | Self::Random => Some(actual),
        }
    }
}

/// A graph with a number of slots, and how it went.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) family: &'static str,
    pub(crate) graph: String,
    pub(crate) tasks: usize,
    pub(crate) work: Duration,
    pub(crate) path: Duration,
    simple: Duration,
    better: Duration,
    /// In the order of [`ORDERS`].
    makespans: [Duration; ORDERS.len()],
}

impl Case {
    pub(crate) fn over_better(&self, rule: Rule) -> f64 {
        self.makespan(rule).as_secs_f64() / self.better.as_secs_f64()
    }

    pub(crate) fn over_simple(&self, rule: Rule) -> f64 {
        self.makespan(rule).as_secs_f64() / self.simple.as_secs_f64()
    }

    pub(crate) fn better_over_simple(&self) -> f64 {
        self.better.as_secs_f64() / self.simple.as_secs_f64()
    }

    fn makespan(&self, rule: Rule) -> Duration {
        self.makespans[rule as usize]
    }
}

/// A graph of which the best schedule is known.
#[derive(Debug)]
pub(crate) struct Small {
    pub(crate) bound: Duration,
    pub(crate) best: Duration,
    /// With the longest path first.
    pub(crate) played: Duration,
    #[expect(dead_code, reason = "printed if the bound is wrong")]
    graph: (usize, Vec<Task>),
}

/// Random graphs, so many of each family and kind of duration.
pub(crate) fn of_families(count: usize, slots: &[usize]) -> Result<Vec<Case>, SimulationError> {
    let families: [(&str, graphs::Make); 3] = [
        ("layered", graphs::layered),
        ("fork-join", graphs::fork_join),
        ("chains", graphs::chains),
    ];
    let mut cases = Vec::new();
    for (family, make) in families {
        for durations in DURATIONS {
            for seed in 0..count {
                let graph = format!("{family} {durations:?} {seed}");
                let tasks = make(&mut seeded(&graph), durations);
                cases.extend(played(family, &graph, &tasks, slots)?);
            }
        }
    }
    Ok(cases)
}

/// The graphs in these files.
pub(crate) fn of_builds(
    files: &[PathBuf],
    slots: &[usize],
) -> Result<Vec<Case>, Box<dyn std::error::Error>> {
    let mut cases = Vec::new();
    for file in files {
        let graph = file.file_stem().unwrap_or_default().to_string_lossy();
        cases.extend(played("builds", &graph, &builds::read(file)?, slots)?);
    }
    Ok(cases)
}

/// So many random graphs of at most so many tasks.
pub(crate) fn of_small_graphs(count: usize, most: usize) -> Result<Vec<Small>, SimulationError> {
    let mut cases = Vec::new();
    for number in 0..count {
        let mut random = seeded(&format!("small {number}"));
        let tasks = exhaustive::small(&mut random, DURATIONS[number % DURATIONS.len()], most);
        let count = random.between(2, 3);
        let simulation = Simulation::new(tasks.clone())?;
        let bound = bounds::by_heads_and_tails(&simulation, slots(count));
        cases.push(Small {
            bound,
            best: exhaustive::best(&simulation, slots(count), bound),
            played: simulation.play(slots(count), Order::LongestPath)?.makespan,
            graph: (count, tasks),
        });
    }
    Ok(cases)
}

fn played(
    family: &'static str,
    graph: &str,
    tasks: &[Task],
    counts: &[usize],
) -> Result<Vec<Case>, SimulationError> {
    let mut random = seeded(graph);
    let mut simulations = Vec::with_capacity(ORDERS.len());
    for rule in ORDERS {
        let tasks = tasks
            .iter()
            .map(|task| Task { expected: rule.expected(task.actual, &mut random), ..task.clone() });
        simulations.push(Simulation::new(tasks.collect())?);
    }
    let mut cases = Vec::with_capacity(counts.len());
    for &count in counts {
        let mut makespans = [Duration::ZERO; ORDERS.len()];
        for (rule, simulation) in ORDERS.into_iter().zip(&simulations) {
            let played = simulation.play(slots(count), rule.order(random.next()))?;
            makespans[rule as usize] = played.makespan;
        }
        let simulation = &simulations[0];
        cases.push(Case {
            family,
            graph: graph.to_owned(),
            tasks: tasks.len(),
            work: simulation.work(),
            path: simulation.critical_path(),
            simple: simulation.lower_bound(slots(count)),
            better: bounds::by_heads_and_tails(simulation, slots(count)),
            makespans,
        });
    }
    Ok(cases)
}

fn slots(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN)
}

/// Random numbers that belong to a name.
fn seeded(name: &str) -> Random {
    let mut random = Random::new(0);
    for byte in name.bytes() {
        random = Random::new(random.next() ^ u64::from(byte));
    }
    random
}

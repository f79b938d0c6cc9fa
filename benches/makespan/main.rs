//! How well the order of starts uses the slots: graphs played with the real `order` and `machine` and
//! a virtual clock (`jobsched::simulation`). The same figures on every machine. A case is a graph with a
//! number of slots, from 2 to 64.
//!
//! ```text
//! cargo bench -p jobsched --features simulation --bench makespan [-- [--markdown] [GRAPH…]]
//! ```
//!
//! Without `--bench`, which `cargo bench` passes, few graphs are played: a check that all works. With
//! files (as in `benches/data`) only these are played. The exit status is 1 if a target is missed.
//!
//! What is printed is the makespan over two bounds below which no order can get. The *simple* one is
//! max(critical path, work / slots). Often nothing can reach it: behind a barrier, or where a graph
//! begins or ends narrowly, slots are idle whatever the order; the longest path is at 1.44 of it in
//! the worst case, where no schedule at all gets below 1.35. The *better* one (see
//! `bounds`) takes account of that, and of a fork-join it is at least the sum over the stages of
//! max(longest, work / slots). No case is left out: the target for the worst is judged by the better
//! bound, and the simple one is printed beside it. That the better bound is one is checked on small
//! graphs, of which all schedules are tried.

mod bounds;
mod builds;
mod cases;
mod exhaustive;
mod graphs;
mod random;
mod ratios;
mod table;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use cases::{Case, ORDERS, Rule};
use ratios::Ratios;
use table::Table;

/// What the longest path with true durations has to reach: in the middle, and in the worst case.
const MEDIAN: f64 = 1.005;
const WORST: f64 = 1.10;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut markdown = false;
    let mut whole = false;
    let mut files: Vec<PathBuf> = Vec::new();
    for arg in std::env::args_os().skip(1) {
        match arg.to_str() {
            Some("--markdown") => markdown = true,
            Some("--bench") => whole = true,
            Some(option) if option.starts_with('-') => {
                return Err(format!("no such option: {option}").into());
            }
            _ => files.push(arg.into()),
        }
    }
    if !files.is_empty() {
        print_builds(&cases::of_builds(&files, &cases::SLOTS)?, markdown);
        return Ok(ExitCode::SUCCESS);
    }

    let slots: &[usize] = if whole { &cases::SLOTS } else { &[4, 32] };
    let builds = cases::of_builds(&builds::files()?, slots)?;
    let mut all = cases::of_families(if whole { 35 } else { 2 }, slots)?;
    all.extend(builds.iter().cloned());
    print_families(&all, markdown);
    print_builds(&builds, markdown);
    println!("{}", beyond_the_simple_bound(&all));
    let small = cases::of_small_graphs(if whole { 400 } else { 40 }, if whole { 7 } else { 5 })?;
    println!("{}\n", against_the_best(&small)?);
    Ok(if targets_met(&all) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print_families(cases: &[Case], markdown: bool) {
    let graphs = cases.chunk_by(|a, b| a.graph == b.graph).count();
    let count = cases.len();
    println!(
        "Makespan over the better bound, then over the simple one; {count} cases, {graphs} graphs\n"
    );
    let mut head = vec!["graphs", "order"];
    head.extend(["median", "90 %", "worst", "mean"]);
    head.extend(["simple: median", "90 %", "worst", "mean"]);
    let mut table = Table::new(2, &head);
    let mut families: Vec<&str> = cases.iter().map(|case| case.family).collect();
    families.dedup();
    for family in families.into_iter().map(Some).chain([None]) {
        let of_family = |case: &&Case| family.is_none_or(|family| case.family == family);
        for (index, rule) in ORDERS.iter().enumerate() {
            let name = if index == 0 { family.unwrap_or("all") } else { "" };
            let mut row = vec![name.to_owned(), rule.name().to_owned()];
            let cases = || cases.iter().filter(of_family);
            row.extend(Ratios::of(cases().map(|case| case.over_better(*rule))).cells());
            row.extend(Ratios::of(cases().map(|case| case.over_simple(*rule))).cells());
            table.row(row);
        }
    }
    table.print(markdown);
}

fn print_builds(cases: &[Case], markdown: bool) {
    println!("Real builds: makespan over the better bound, in the mean of all numbers of slots\n");
    let mut head = vec!["build", "tasks", "work s", "path s"];
    head.extend(ORDERS.iter().map(|rule| rule.name()));
    let mut table = Table::new(1, &head);
    for build in cases.chunk_by(|a, b| a.graph == b.graph) {
        let Case { graph, tasks, work, path, .. } = &build[0];
        let mut row = vec![graph.clone(), tasks.to_string()];
        row.extend([work, path].map(|time| format!("{:.1}", time.as_secs_f64())));
        row.extend(ORDERS.iter().map(|&rule| {
            let ratios = Ratios::of(build.iter().map(|case| case.over_better(rule)));
            format!("{:.3}", ratios.mean)
        }));
        table.row(row);
    }
    table.print(markdown);
}

/// Why the simple bound is not what the worst case is judged by.
fn beyond_the_simple_bound(cases: &[Case]) -> String {
    let over: Vec<&Case> =
        cases.iter().filter(|case| case.over_simple(Rule::History) > WORST).collect();
    let hopeless = over.iter().filter(|case| case.better_over_simple() > WORST).count();
    let worst = Ratios::of(over.iter().map(|case| case.over_better(Rule::History))).worst;
    format!(
        "With history, {} of {} cases are above {WORST:.2} of the simple bound. In {hopeless} of \
         them no order can get below that; none is above {worst:.3} of the better bound.",
        over.len(),
        cases.len(),
    )
}

/// How the longest path does where the best of all schedules is known.
fn against_the_best(cases: &[cases::Small]) -> Result<String, String> {
    if let Some(case) = cases.iter().find(|case| case.best < case.bound) {
        return Err(format!("the better bound is none: {case:?}"));
    }
    if let Some(case) = cases.iter().find(|case| case.played < case.best) {
        return Err(format!("the best of all schedules was not found: {case:?}"));
    }
    let ratio = |case: &cases::Small| case.played.as_secs_f64() / case.best.as_secs_f64();
    let ratios = Ratios::of(cases.iter().map(ratio));
    Ok(format!(
        "Of {} small graphs all schedules were tried: with history the makespan is the best in {:.0} \
         %, {:.3} of it in the mean and {:.3} in the worst case.",
        cases.len(),
        100.0 * ratios.share_of_best,
        ratios.mean,
        ratios.worst,
    ))
}

fn targets_met(cases: &[Case]) -> bool {
    let of = |rule| Ratios::of(cases.iter().map(|case: &Case| case.over_better(rule)));
    let [history, wrong, unit] = [Rule::History, Rule::Wrong, Rule::Unit].map(of);
    let targets = [
        (format!("history: median at most {MEDIAN}"), history.median <= MEDIAN),
        (format!("history: worst at most {WORST:.2}"), history.worst <= WORST),
        ("wrong by up to two beats unit weights in the median".into(), wrong.median < unit.median),
        ("wrong by up to two beats unit weights in the mean".into(), wrong.mean < unit.mean),
    ];
    for (target, met) in &targets {
        println!("{}  {target}", if *met { "met   " } else { "MISSED" });
    }
    targets.iter().all(|(_, met)| *met)
}

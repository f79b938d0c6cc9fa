//! The graphs of real builds, as they are in `benches/data`. Doesn't know how they were measured.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jobsched::simulation::Task;

/// The files that come with the bench, by name.
pub(crate) fn files() -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/data");
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "graph") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

pub(crate) fn read(path: &Path) -> Result<Vec<Task>, Box<dyn Error>> {
    let name = path.display();
    let text =
        fs::read_to_string(path).map_err(|error| format!("failed to read {name}: {error}"))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
    let mut tasks = Vec::new();
    for (number, line) in lines {
        let task = parse(line).ok_or_else(|| format!("{name}:{}: no task: {line}", number + 1))?;
        tasks.push(task);
    }
    Ok(tasks)
}

/// A line `milliseconds name needs…`.
fn parse(line: &str) -> Option<Task> {
    let mut words = line.split_whitespace();
    let milliseconds = words.next()?.parse().ok()?;
    let _name = words.next()?;
    let needs = words.map(|word| word.parse().ok()).collect::<Option<Vec<usize>>>()?;
    Some(Task::known(Duration::from_millis(milliseconds), needs))
}

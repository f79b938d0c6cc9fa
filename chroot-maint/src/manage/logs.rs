//! The logs of jobs that nobody will want to read any more. Knows how they are named, `JOB-YYYY-MM-DD#N`; not what is in
//! them.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::ManageError;

/// So many of each job are kept,
const KEPT: usize = 10;
/// if they are not older than this; but the last one always is.
const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// None of today's goes, for then a later one would get its number.
const MIN_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// A log that can go.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Log {
    pub(super) path: PathBuf,
    modified: SystemTime,
    /// The disk space that it takes.
    pub(super) size: u64,
}

/// The logs in a directory that can go at this time.
pub(super) fn superfluous(dir: &Path, now: SystemTime) -> Result<Vec<Log>, ManageError> {
    let fault = |source| ManageError::Read { path: dir.to_owned(), source };
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(fault)?,
    };
    let mut jobs: BTreeMap<String, Vec<Log>> = BTreeMap::new();
    for entry in entries {
        let entry = entry.map_err(fault)?;
        let (Ok(found), Some(job)) =
            (entry.metadata(), job_of(&entry.file_name().to_string_lossy()))
        else {
            continue;
        };
        if let (true, Ok(modified)) = (found.is_file(), found.modified()) {
            let log = Log { path: entry.path(), modified, size: found.blocks() * 512 };
            jobs.entry(job).or_default().push(log);
        }
    }
    Ok(jobs.into_values().flat_map(|logs| choose(logs, now)).collect())
}

/// Those of one job.
fn choose(mut logs: Vec<Log>, now: SystemTime) -> Vec<Log> {
    logs.sort_by(|a, b| b.modified.cmp(&a.modified).then_with(|| a.path.cmp(&b.path)));
    let can_go = |(place, log): (usize, Log)| {
        // One from the future has no age.
        let age = now.duration_since(log.modified).unwrap_or_default();
        let is_old = place >= KEPT || age > MAX_AGE;
        (place > 0 && is_old && age > MIN_AGE).then_some(log)
    };
    logs.into_iter().enumerate().filter_map(can_go).collect()
}

fn job_of(name: &str) -> Option<String> {
    let (stem, number) = name.rsplit_once('#')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let mut parts = stem.rsplitn(4, '-');
    let date = [parts.next()?, parts.next()?, parts.next()?];
    (is_number(number) && date.into_iter().all(is_number))
        .then(|| parts.next().map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::{Duration, Log, MAX_AGE, MIN_AGE, SystemTime, choose, job_of, superfluous};

    const HOUR: Duration = Duration::from_secs(3600);

    /// Which of the logs of these ages go, by their places.
    fn gone(ages: &[Duration]) -> Vec<usize> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let log = |(place, age): (usize, &Duration)| Log {
            path: place.to_string().into(),
            modified: now - *age,
            size: 0,
        };
        let logs = ages.iter().enumerate().map(log).collect();
        let name = |log: Log| log.path.to_str().unwrap().parse().unwrap();
        choose(logs, now).into_iter().map(name).collect()
    }

    #[test]
    fn the_last_ten_of_a_job_are_kept() {
        let ages: Vec<_> = (1..=12).map(|n| MIN_AGE + HOUR * n).collect();
        assert_eq!(gone(&ages), [10, 11]);
    }

    #[test]
    fn old_ones_go_but_the_last() {
        assert_eq!(gone(&[MAX_AGE + HOUR, MAX_AGE + HOUR * 2]), [1]);
        assert_eq!(gone(&[HOUR, MIN_AGE * 2, MAX_AGE + HOUR]), [2]);
    }

    #[test]
    fn todays_are_kept_however_many_there_are() {
        assert_eq!(gone(&[HOUR; 50]), [0_usize; 0]);
    }

    #[test]
    fn what_is_no_log_is_not_touched() {
        assert_eq!(job_of("chroot.a-b-amd64-2026-01-02#3").as_deref(), Some("chroot.a-b-amd64"));
        for name in ["history", "x#1", "x-2026-01-02", "x-2026-01-02#", "x-2026-01-zz#1"] {
            assert_eq!(job_of(name), None, "{name}");
        }
        assert!(superfluous("/nonexistent".as_ref(), SystemTime::now()).unwrap().is_empty());
    }
}

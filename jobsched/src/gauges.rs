//! What the machine is like just now: running tasks, available memory, memory pressure. Doesn't know
//! what is too much.
//!
//! The files of `/proc` stay open and are read anew with one call each, and only those that a limit
//! needs: one sample is some microseconds for each of them.
//!
//! - *Available memory* is `MemAvailable`, or less if a cgroup (version 2) that we are in, at
//!   whatever level, has a `memory.max` and less room in it: what is not in use, and of what is, the
//!   cached files that nobody has looked at for long. Which levels have a limit is looked up once.
//!   `memory.high` is not heeded: what is above it is slow, and so shows in the pressure.
//! - *Pressure* is that of the machine, also within a cgroup with a file of its own: the tasks of all
//!   cgroups that wait count in it, ours among them, and holding back is for the sake of the others,
//!   too. The price is that somebody else, who is short of memory within limits of his own, holds us
//!   back as well. Where the machine's file can't be read (in containers it may be hidden) that of
//!   our cgroup serves.

mod cgroup;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::gates::{Limits, Sample};
use cgroup::Room;

/// Larger than any of the files up to the line that counts in it.
const BUFFER: usize = 8192;

/// A file of the kernel's that says something else each time it is read.
#[derive(Debug)]
struct Gauge(File);

impl Gauge {
    fn open(path: &Path) -> io::Result<Self> {
        File::open(path).map(Self)
    }

    /// The first of these files that `parse` can make something of, or what is wrong with the first
    /// one. A kernel may have the file and not the numbers.
    fn that_works<T>(
        paths: &[Option<&Path>],
        parse: fn(&str) -> Option<T>,
    ) -> Result<Self, String> {
        let mut first_error = None;
        for path in paths.iter().flatten() {
            match Self::open(path).and_then(|gauge| gauge.read(parse).map(|_| gauge)) {
                Ok(gauge) => return Ok(gauge),
                Err(error) => {
                    let told = || format!("failed to read `{}': {error}", path.display());
                    first_error.get_or_insert_with(told);
                }
            }
        }
        Err(first_error.unwrap_or_default())
    }

    /// What `parse` makes of it now.
    fn read<T>(&self, parse: impl FnOnce(&str) -> Option<T>) -> io::Result<T> {
        let mut buffer = [0; BUFFER];
        let length = loop {
            match self.0.read_at(&mut buffer, 0) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        let text = std::str::from_utf8(buffer.get(..length).unwrap_or_default());
        let value = text.ok().and_then(parse);
        value.ok_or_else(|| io::Error::other("it isn't in the form that is expected"))
    }
}

/// The gauges that some limits need.
#[derive(Debug)]
pub(crate) struct Gauges {
    running: Option<Gauge>,
    available: Option<Gauge>,
    rooms: Vec<Room>,
    pressure: Option<Gauge>,
}

impl Gauges {
    /// Opens what these limits need. The texts are for the user: what can't be measured here, and so
    /// isn't heeded.
    pub(crate) fn open(limits: &Limits) -> (Self, Vec<String>) {
        let groups = match limits {
            Limits { min_available: None, max_pressure: None, .. } => Vec::new(),
            _ => cgroup::levels(),
        };
        let own_pressure = groups.first().map(|group| group.join("memory.pressure"));
        let pressures = [Some(Path::new("/proc/pressure/memory")), own_pressure.as_deref()];

        let mut warnings = Vec::new();
        let mut heeded = |what, gauge: Result<Gauge, String>| {
            let warn = |why| warnings.push(format!("{what} is not heeded: {why}"));
            gauge.map_err(warn).ok()
        };
        let loadavg = [Some(Path::new("/proc/loadavg"))];
        let running = limits.max_load.and_then(|_| {
            heeded("the limit of running processes", Gauge::that_works(&loadavg, running))
        });
        let meminfo = [Some(Path::new("/proc/meminfo"))];
        let available = limits.min_available.and_then(|_| {
            heeded("the floor of available memory", Gauge::that_works(&meminfo, available))
        });
        let pressure = limits.max_pressure.and_then(|_| {
            heeded("the ceiling of memory pressure", Gauge::that_works(&pressures, pressure))
        });
        let rooms = limits.min_available.map_or(Vec::new(), |_| cgroup::rooms(&groups));
        (Self { running, available, rooms, pressure }, warnings)
    }

    /// What they show now.
    pub(crate) fn sample(&mut self) -> Sample {
        let machine = self.available.as_ref().and_then(|gauge| gauge.read(available).ok());
        let rooms = self.rooms.iter().filter_map(Room::bytes);
        Sample {
            running: self.running.as_ref().and_then(|gauge| gauge.read(running).ok()),
            available: machine.into_iter().chain(rooms).min(),
            pressure: self.pressure.as_ref().and_then(|gauge| gauge.read(pressure).ok()),
        }
    }
}

/// The running tasks in `/proc/loadavg`, without the one that reads it.
fn running(text: &str) -> Option<u32> {
    let (running, _) = text.split_ascii_whitespace().nth(3)?.split_once('/')?;
    Some(running.parse::<u32>().ok()?.saturating_sub(1))
}

/// `MemAvailable` in `/proc/meminfo`, in bytes.
fn available(text: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = rest.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// The part of the last ten seconds for which some task waited, in percent.
fn pressure(text: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let average = rest.split_ascii_whitespace().find_map(|word| word.strip_prefix("avg10="))?;
    average.parse().ok().filter(|average: &f64| average.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_tasks_are_told_without_the_one_that_asks() {
        assert_eq!(running("0.33 0.16 0.09 1/88 9487\n"), Some(0));
        assert_eq!(running("12.01 7.00 3.10 17/1088 9487\n"), Some(16));
        assert_eq!(running("12.01 7.00 3.10 0/1088 9487\n"), Some(0));
        for text in ["", "0.33 0.16 0.09", "0.33 0.16 0.09 x/88 1", "0.33 0.16 0.09 188 1"] {
            assert_eq!(running(text), None, "{text:?}");
        }
    }

    #[test]
    fn available_memory_is_in_bytes() {
        let text = "MemTotal:       49368164 kB\nMemFree:        44519668 kB\nMemAvailable:   \
                    47820304 kB\nBuffers:          123456 kB\n";
        assert_eq!(available(text), Some(47_820_304 * 1024));
        for text in ["", "MemTotal: 5 kB\n", "MemAvailable: kB\n", "MemAvailable: 5 MB\n"] {
            assert_eq!(available(text), None, "{text:?}");
        }
    }

    #[test]
    fn pressure_is_that_of_some_tasks_over_ten_seconds() {
        let text = "some avg10=31.25 avg60=2.00 avg300=0.10 total=12345\n\
                    full avg10=7.00 avg60=1.00 avg300=0.00 total=1234\n";
        assert_eq!(pressure(text), Some(31.25));
        for text in ["", "full avg10=7.00 avg60=1.00\n", "some avg60=1.00\n", "some avg10=nan\n"] {
            assert_eq!(pressure(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_files_of_this_machine_can_be_read_or_it_is_told_that_they_can_not() {
        let limits =
            Limits { max_load: Some(1.0), min_available: Some(1), max_pressure: Some(1.0) };
        let (mut gauges, warnings) = Gauges::open(&limits);
        for _ in 0..2 {
            let Sample { running, available, pressure } = gauges.sample();
            let unknown = [running.is_none(), available.is_none(), pressure.is_none()];
            let unknown = unknown.iter().filter(|&&unknown| unknown).count();
            assert_eq!(unknown, warnings.len(), "{warnings:?}");
            assert!(pressure.is_none_or(|percent| (0.0..=100.0).contains(&percent)));
        }
    }

    #[test]
    fn the_first_file_that_works_is_taken_and_the_first_that_does_not_is_told() {
        let directory = tempfile::TempDir::new().unwrap();
        let gone = directory.path().join("gone");
        let odd = directory.path().join("odd");
        let good = directory.path().join("good");
        std::fs::write(&odd, "something else").unwrap();
        std::fs::write(&good, "some avg10=3.00\n").unwrap();
        let open = |paths: &[&Path]| {
            let paths: Vec<_> = paths.iter().map(|&path| Some(path)).collect();
            Gauge::that_works(&paths, pressure)
        };
        assert_eq!(
            open(&[&gone, &odd, &good]).unwrap().read(pressure).unwrap().to_bits(),
            3f64.to_bits()
        );
        let path = odd.display();
        assert_eq!(
            open(&[&odd, &gone]).unwrap_err(),
            format!("failed to read `{path}': it isn't in the form that is expected")
        );
    }

    #[test]
    fn a_gauge_says_what_is_there_now() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("pressure");
        std::fs::write(&path, "some avg10=3.00\n").unwrap();
        let gauge = Gauge::open(&path).unwrap();
        for _ in 0..2 {
            assert_eq!(gauge.read(|text| text.strip_suffix('\n').map(str::len)).unwrap(), 15);
        }
        std::fs::write(&path, "some avg10=13.00\n").unwrap();
        assert_eq!(gauge.read(|text| text.strip_suffix('\n').map(str::len)).unwrap(), 16);
    }

    #[test]
    fn what_no_limit_needs_is_neither_opened_nor_told() {
        let (mut gauges, warnings) = Gauges::open(&Limits::default());
        assert!(warnings.is_empty());
        assert_eq!(gauges.sample(), Sample::default());
        let load = Limits { max_load: Some(1.0), ..Limits::default() };
        let (mut gauges, _) = Gauges::open(&load);
        assert!(gauges.rooms.is_empty());
        assert_eq!(gauges.sample().available, None);
        assert_eq!(gauges.sample().pressure, None);
    }
}

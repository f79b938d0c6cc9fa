//! Whether the machine has room for one more job: limits and a sample in, a verdict out. Doesn't
//! know where samples come from, nor that a verdict must never stop all progress: whoever asks lets
//! a job start all the same when none of ours runs.
//!
//! # The limit of running processes, and make's
//!
//! It is GNU make's `-l` as make 4.4 has it on Linux: what counts is not an average over a minute
//! but the number of runnable tasks at this moment, the fourth field of `/proc/loadavg`, and no job
//! is started while that exceeds the limit. The task that asks is always among them. So make holds
//! back if the *others* and itself exceed the limit; here the sample leaves out the asking task, and
//! the job that is to start takes its place: with a limit of 4, the fourth may start and the fifth
//! may not, as with make. The rest is the same, too: make starts a job whatever the load if none of
//! its own runs, and asks again when one has ended or a second has gone by.
//!
//! - make's protections of old, an estimate of the load that jobs started within the last two
//!   seconds will yet cause, are of no use here, where a process counts at once; make 4.4 applies
//!   them only where it has to do with `getloadavg`.
//! - Where `/proc/loadavg` can't be read make falls back on that average; here the user is told that
//!   the limit isn't heeded.
//! - Tasks are threads: a process that computes with eight of them counts eight times. One that waits
//!   for a disk, a lock or another process does not count. All of the machine count, in whatever
//!   container they are.

use std::fmt;

/// What must not be exceeded for a further job to start.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Limits {
    /// The largest number of running processes of the machine, the new one included.
    pub(crate) max_load: Option<f64>,
    /// The least memory that has to be available, in bytes.
    pub(crate) min_available: Option<u64>,
    /// The largest part of the last ten seconds, in percent, for which some task had to wait for
    /// memory.
    pub(crate) max_pressure: Option<f64>,
}

/// What the machine was like at some moment. What isn't known exceeds nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Sample {
    /// Runnable tasks, without the one that asks.
    pub(crate) running: Option<u32>,
    /// Bytes.
    pub(crate) available: Option<u64>,
    /// Percent.
    pub(crate) pressure: Option<f64>,
}

/// Why no job may start now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Excess {
    /// So many processes run already.
    Running { running: u32, limit: f64 },
    /// So little memory is available, in bytes.
    Available { available: u64, floor: u64 },
    /// So much time is spent with waiting for memory, in percent.
    Pressure { pressure: f64, ceiling: f64 },
}

impl Limits {
    /// Whether nothing is limited, so that no sample is needed.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The first limit that a further job would exceed, or that is exceeded already.
    pub(crate) fn exceeded(&self, sample: &Sample) -> Option<Excess> {
        let running = self.max_load.zip(sample.running);
        let available = self.min_available.zip(sample.available);
        let pressure = self.max_pressure.zip(sample.pressure);
        running
            .filter(|&(limit, running)| f64::from(running) + 1.0 > limit)
            .map(|(limit, running)| Excess::Running { running, limit })
            .or(available
                .filter(|(floor, available)| available < floor)
                .map(|(floor, available)| Excess::Available { available, floor }))
            .or(pressure
                .filter(|(ceiling, pressure)| pressure > ceiling)
                .map(|(ceiling, pressure)| Excess::Pressure { pressure, ceiling }))
    }
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Running { running: 1, limit } => {
                write!(f, "1 process runs on this machine, the limit is {limit}")
            }
            Self::Running { running, limit } => {
                write!(f, "{running} processes run on this machine, the limit is {limit}")
            }
            Self::Available { available, floor } => {
                // Rounded apart, so that what is less is never shown as equal.
                let (available, floor) = (Size::down(available), Size::up(floor));
                write!(f, "{available} of memory are available, the floor is {floor}")
            }
            Self::Pressure { pressure, ceiling } => {
                write!(f, "memory pressure is {pressure} %, the ceiling is {ceiling} %")
            }
        }
    }
}

/// A number of bytes as people read it, in tenths of a unit.
struct Size {
    tenths: u128,
    unit: &'static str,
}

impl Size {
    fn down(bytes: u64) -> Self {
        let (unit_bytes, unit) = unit_of(bytes);
        Self { tenths: u128::from(bytes) * 10 / u128::from(unit_bytes), unit }
    }

    fn up(bytes: u64) -> Self {
        let (unit_bytes, unit) = unit_of(bytes);
        Self { tenths: (u128::from(bytes) * 10).div_ceil(u128::from(unit_bytes)), unit }
    }
}

fn unit_of(bytes: u64) -> (u64, &'static str) {
    [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
        .into_iter()
        .find(|&(unit, _)| bytes >= unit)
        .unwrap_or((1, "bytes"))
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.tenths / 10, self.tenths % 10) {
            (whole, 0) => write!(f, "{whole} {}", self.unit),
            (whole, tenth) => write!(f, "{whole}.{tenth} {}", self.unit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn told(limits: &Limits, sample: &Sample) -> Option<String> {
        limits.exceeded(sample).map(|excess| excess.to_string())
    }

    fn load(limit: f64, running: u32) -> Option<String> {
        let limits = Limits { max_load: Some(limit), ..Limits::default() };
        told(&limits, &Sample { running: Some(running), ..Sample::default() })
    }

    fn memory(floor: u64, available: u64) -> Option<String> {
        let limits = Limits { min_available: Some(floor), ..Limits::default() };
        told(&limits, &Sample { available: Some(available), ..Sample::default() })
    }

    fn pressure(ceiling: f64, pressure: f64) -> Option<String> {
        let limits = Limits { max_pressure: Some(ceiling), ..Limits::default() };
        told(&limits, &Sample { pressure: Some(pressure), ..Sample::default() })
    }

    #[test]
    fn no_limits_hold_nothing_back() {
        let crowded = Sample { running: Some(9999), available: Some(0), pressure: Some(100.0) };
        assert!(Limits::default().is_empty());
        assert_eq!(told(&Limits::default(), &crowded), None);
        assert!(!Limits { min_available: Some(0), ..Limits::default() }.is_empty());
    }

    #[test]
    fn what_is_not_known_exceeds_nothing() {
        let strict =
            Limits { max_load: Some(0.0), min_available: Some(u64::MAX), max_pressure: Some(0.0) };
        assert_eq!(told(&strict, &Sample::default()), None);
    }

    #[test]
    fn the_new_process_is_the_last_that_the_limit_allows() {
        assert_eq!(load(4.0, 3), None);
        assert_eq!(load(4.0, 4).unwrap(), "4 processes run on this machine, the limit is 4");
        assert_eq!(load(4.0, 5).unwrap(), "5 processes run on this machine, the limit is 4");
        assert_eq!(load(2.5, 1), None);
        assert_eq!(load(2.5, 2).unwrap(), "2 processes run on this machine, the limit is 2.5");
        assert_eq!(load(1.0, 0), None);
        assert_eq!(load(1.0, 1).unwrap(), "1 process runs on this machine, the limit is 1");
        assert_eq!(load(0.0, 0).unwrap(), "0 processes run on this machine, the limit is 0");
    }

    #[test]
    fn memory_may_fall_to_its_floor_and_not_below() {
        assert_eq!(memory(2 * GIB, 2 * GIB), None);
        let text = memory(2 * GIB, 13 * GIB / 10).unwrap();
        assert_eq!(text, "1.2 GiB of memory are available, the floor is 2 GiB");
        let text = memory(2 * GIB, 2 * GIB - 1).unwrap();
        assert_eq!(text, "1.9 GiB of memory are available, the floor is 2 GiB");
        let text = memory(2 * GIB + 1, 2 * GIB).unwrap();
        assert_eq!(text, "2 GiB of memory are available, the floor is 2.1 GiB");
        let text = memory(u64::MAX, 1000).unwrap();
        assert_eq!(text, "1000 bytes of memory are available, the floor is 16777216 TiB");
    }

    #[test]
    fn pressure_may_rise_to_its_ceiling_and_not_above() {
        assert_eq!(pressure(20.0, 20.0), None);
        let text = pressure(20.0, 31.0).unwrap();
        assert_eq!(text, "memory pressure is 31 %, the ceiling is 20 %");
        let text = pressure(20.0, 20.01).unwrap();
        assert_eq!(text, "memory pressure is 20.01 %, the ceiling is 20 %");
    }

    #[test]
    fn the_first_excess_is_told() {
        let limits =
            Limits { max_load: Some(1.0), min_available: Some(10), max_pressure: Some(5.0) };
        let sample = |running, available, pressure| Sample {
            running: Some(running),
            available: Some(available),
            pressure: Some(pressure),
        };
        let kind = |sample| limits.exceeded(&sample);
        assert!(matches!(kind(sample(3, 5, 9.0)), Some(Excess::Running { running: 3, .. })));
        assert!(matches!(kind(sample(0, 5, 9.0)), Some(Excess::Available { available: 5, .. })));
        assert!(matches!(kind(sample(0, 10, 9.0)), Some(Excess::Pressure { .. })));
        assert_eq!(kind(sample(0, 10, 5.0)), None);
    }
}

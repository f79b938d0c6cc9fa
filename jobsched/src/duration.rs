//! Durations as people read them.

use std::fmt;
use std::time::Duration;

/// A duration as people read it: `0.4 s`, `2 min 5 s`, `3 h 20 min`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seconds(pub(crate) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0..60 => write!(f, "{:.1} s", self.0.as_secs_f64()),
            60..3600 => write!(f, "{} min {} s", seconds / 60, seconds % 60),
            _ => write!(f, "{} h {} min", seconds / 3600, seconds % 3600 / 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_people_read_them() {
        let text = |seconds| Seconds(Duration::from_secs_f64(seconds)).to_string();
        assert_eq!(text(0.44), "0.4 s");
        assert_eq!(text(125.0), "2 min 5 s");
        assert_eq!(text(12_000.0), "3 h 20 min");
    }
}

//! Random numbers that are the same in each run, and durations drawn with them. Knows no graphs.

use std::time::Duration;

/// A small deterministic generator (`SplitMix64`).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `least` to `most`, both included.
    pub(crate) fn between(&mut self, least: usize, most: usize) -> usize {
        let choices = (most - least + 1) as u64;
        // What is left of a division by a `usize` is one.
        least + usize::try_from(self.next() % choices).unwrap_or(0)
    }

    /// From 0 to 1, without 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what an f64 has")]
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The one or the other, half of the time each.
    pub(crate) fn toss(&mut self) -> bool {
        self.next() >> 63 == 1
    }
}

/// How durations are distributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durations {
    /// Most about a second, some a few times that: the compiler's runs in one project.
    Lognormal,
    /// 0.1 s to 2 s, all alike often.
    Uniform,
    /// Most a fraction of a second, few up to a minute: tests, links, documentation.
    HeavyTailed,
}

pub(crate) const DURATIONS: [Durations; 3] =
    [Durations::Lognormal, Durations::Uniform, Durations::HeavyTailed];

impl Durations {
    /// In whole milliseconds, as a history has them.
    pub(crate) fn draw(self, random: &mut Random) -> Duration {
        let seconds = match self {
            Self::Lognormal => {
                // A sum of twelve is as good as normal, with a standard deviation of 1.
                let normal = (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
                normal.exp()
            }
            Self::Uniform => 0.1 + 1.9 * random.unit(),
            // Pareto's, with an exponent at which the variance would be infinite but for the limit.
            Self::HeavyTailed => (0.1 * (1.0 - random.unit()).powf(-1.0 / 1.3)).min(60.0),
        };
        Duration::from_millis(
            Duration::from_secs_f64(seconds).as_millis().try_into().unwrap_or(u64::MAX),
        )
    }
}

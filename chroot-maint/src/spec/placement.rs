//! What became of the host's tools in a foreign chroot. Does not know how they got there.

use serde::{Deserialize, Serialize};

/// All tools that the config wants in a chroot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Placement {
    /// The tree that they are of.
    pub(crate) hash: String,
    /// By name.
    pub(crate) groups: Vec<Placed>,
    /// What they gain, if that was measured.
    #[serde(default)]
    pub(crate) gain: Option<Gain>,
}

/// What became of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Placed {
    pub(crate) name: String,
    pub(crate) tier: super::Tier,
    /// Whether the host's programs stand in the places of the chroot's.
    pub(crate) is_in: bool,
    /// `exact`, or `close`, `refused`, `absent`, `failed` with what that means here.
    pub(crate) verdict: String,
}

/// How long the same work took in the chroot with and without the tools, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Gain {
    pub(crate) emulated: u64,
    pub(crate) accelerated: u64,
}

impl Placed {
    /// The verdict in one word.
    pub(crate) fn word(&self) -> &str {
        self.verdict.split(':').next().unwrap_or_default()
    }
}

impl Gain {
    /// How many times faster it was.
    #[expect(clippy::cast_precision_loss, reason = "nobody waits that long")]
    pub(crate) fn factor(self) -> f64 {
        self.emulated as f64 / self.accelerated.max(1) as f64
    }
}

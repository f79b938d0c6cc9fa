//! The name of a chroot, `DIST-ARCH`. Does not know whether the chroot is configured or exists.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Arch, Dist, nearest};

/// A distribution for an architecture: what a chroot is called everywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct ChrootId {
    pub(crate) dist: Dist,
    pub(crate) arch: Arch,
}

/// Why a text is not the name of a chroot.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub(crate) enum ChrootIdError {
    #[error("`{0}' is not of the form DIST-ARCH, such as trixie-amd64")]
    Form(String),
    #[error("unknown architecture `{arch}' in `{name}'{}", suggestion(arch))]
    Arch { name: String, arch: String },
}

/// `; did you mean ...?` for an unknown architecture, or nothing.
fn suggestion(arch: &str) -> String {
    nearest(arch, Arch::names())
        .map(|known| format!("; did you mean `{known}'?"))
        .unwrap_or_default()
}

impl ChrootId {
    /// Reads `DIST-ARCH` from the right, for a suite's name may contain dashes.
    pub(crate) fn parse(name: &str) -> Result<Self, ChrootIdError> {
        let form = || ChrootIdError::Form(name.to_owned());
        let (dist, arch) = name.rsplit_once('-').ok_or_else(form)?;
        let dist = Dist::parse(dist).ok_or_else(form)?;
        let arch = Arch::find(arch)
            .ok_or_else(|| ChrootIdError::Arch { name: name.to_owned(), arch: arch.to_owned() })?;
        Ok(Self { dist, arch })
    }
}

impl fmt::Display for ChrootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-{}", self.dist, self.arch))
    }
}

impl From<ChrootId> for String {
    fn from(id: ChrootId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for ChrootId {
    type Error = ChrootIdError;

    fn try_from(name: String) -> Result<Self, ChrootIdError> {
        Self::parse(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::{ChrootId, ChrootIdError};

    #[test]
    fn the_architecture_is_what_follows_the_last_dash() {
        let id = ChrootId::parse("bookworm-backports-arm64").unwrap();
        assert_eq!(
            (id.dist.as_str(), id.arch.to_string().as_str()),
            ("bookworm-backports", "arm64")
        );
        assert_eq!(id.to_string(), "bookworm-backports-arm64");
    }

    #[test]
    fn a_mistyped_architecture_is_put_right() {
        let error = ChrootId::parse("trixie-adm64").unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown architecture `adm64' in `trixie-adm64'; did you mean `amd64'?"
        );
    }

    #[test]
    fn a_name_without_both_parts_is_refused() {
        for name in ["trixie", "-amd64", "", "../x-amd64"] {
            assert!(matches!(ChrootId::parse(name), Err(ChrootIdError::Form(_))), "{name}");
        }
    }
}

//! The names of jobs, `KIND.WHAT`, and what each stands for. Does not know how a job is done.

use std::fmt;

use thiserror::Error;

use super::{ArchiveId, ChrootId, ChrootIdError, Nap, NapError, nearest};

/// A job as its name says it; the name is all that a job's process is told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum JobName {
    /// `archive.SUITE-HASH`
    Archive(ArchiveId),
    /// `chroot.DIST-ARCH`
    Chroot(ChrootId),
    /// `cross-tools.DIST-ARCH`, by the chroot that they are for
    CrossTools(ChrootId),
    /// `sleep.LABEL-SECONDS`
    Sleep(Nap),
    /// `bad`
    Bad,
}

/// Why a text is not the name of a job.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub(crate) enum JobNameError {
    #[error("unknown job `{name}'{}; jobs are called archive.SUITE-HASH, chroot.DIST-ARCH, cross-tools.DIST-ARCH, sleep.LABEL-SECONDS or bad", .near.as_ref().map(|near| format!(", did you mean `{near}'?")).unwrap_or_default())]
    Kind { name: String, near: Option<String> },
    #[error(
        "unknown job `{name}': jobs of archives are called archive.SUITE-HASH, with ten digits"
    )]
    Archive { name: String },
    #[error("unknown job `{name}': {source}")]
    Chroot { name: String, source: ChrootIdError },
    #[error("unknown job `{name}': {source}")]
    Sleep { name: String, source: NapError },
}

const KINDS: [&str; 5] = ["archive", "chroot", "cross-tools", "sleep", "bad"];

impl JobName {
    pub(crate) fn parse(name: &str) -> Result<Self, JobNameError> {
        let own = || name.to_owned();
        match name.split_once('.') {
            Some(("archive", id)) => ArchiveId::parse(id)
                .map(Self::Archive)
                .ok_or_else(|| JobNameError::Archive { name: own() }),
            Some(("chroot", id)) => ChrootId::parse(id)
                .map(Self::Chroot)
                .map_err(|source| JobNameError::Chroot { name: own(), source }),
            Some(("cross-tools", id)) => ChrootId::parse(id)
                .map(Self::CrossTools)
                .map_err(|source| JobNameError::Chroot { name: own(), source }),
            Some(("sleep", nap)) => Nap::parse(nap)
                .map(Self::Sleep)
                .map_err(|source| JobNameError::Sleep { name: own(), source }),
            None if name == "bad" => Ok(Self::Bad),
            parts => {
                let kind = parts.map_or(name, |(kind, _)| kind);
                let near = nearest(kind, KINDS).and_then(|near| match parts {
                    _ if near == "bad" => Some(near.to_owned()),
                    Some((_, rest)) => Some(format!("{near}.{rest}")),
                    // A kind alone is no job's name.
                    None => None,
                });
                Err(JobNameError::Kind { name: own(), near })
            }
        }
    }
}

impl fmt::Display for JobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Archive(id) => write!(f, "archive.{id}"),
            Self::Chroot(id) => write!(f, "chroot.{id}"),
            Self::CrossTools(id) => write!(f, "cross-tools.{id}"),
            Self::Sleep(nap) => write!(f, "sleep.{nap}"),
            Self::Bad => f.write_str("bad"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::JobName;

    #[test]
    fn a_name_reads_back_as_the_job_that_wrote_it() {
        for name in [
            "archive.trixie-0123456789",
            "chroot.bookworm-backports-amd64",
            "cross-tools.trixie-arm64",
            "sleep.j0.3-0.2",
            "bad",
        ] {
            assert_eq!(JobName::parse(name).unwrap().to_string(), name);
        }
    }

    #[test]
    fn an_unknown_kind_is_met_with_the_nearest_one() {
        let said = JobName::parse("chrot.trixie-amd64").unwrap_err().to_string();
        assert!(said.contains("did you mean `chroot.trixie-amd64'?"), "{said}");
        let said = JobName::parse("bda").unwrap_err().to_string();
        assert!(said.contains("did you mean `bad'?"), "{said}");
    }

    #[test]
    fn a_kind_alone_is_not_met_with_itself() {
        for name in ["chroot", "chrot", "sleep"] {
            let said = JobName::parse(name).unwrap_err().to_string();
            assert!(!said.contains("did you mean"), "{said}");
            assert!(said.contains("chroot.DIST-ARCH"), "{said}");
        }
    }

    #[test]
    fn what_is_wrong_inside_a_name_is_said() {
        let said = JobName::parse("chroot.trixie-adm64").unwrap_err().to_string();
        assert!(said.contains("did you mean `amd64'?"), "{said}");
        assert!(JobName::parse("sleep.x-y").is_err());
    }
}

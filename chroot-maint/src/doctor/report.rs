//! What was found, as a person wants to read it. Does not know what there is to find.

use std::fmt;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    state: State,
    what: String,
    /// What to do, a line each.
    mend: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    /// Worth knowing; nothing fails for it.
    Note,
    Fault,
}

impl Finding {
    pub(super) fn good(what: impl Into<String>) -> Self {
        Self { state: State::Good, what: what.into(), mend: Vec::new() }
    }

    pub(super) fn note(what: impl Into<String>) -> Self {
        Self { state: State::Note, ..Self::good(what) }
    }

    pub(super) fn fault(what: impl Into<String>) -> Self {
        Self { state: State::Fault, ..Self::good(what) }
    }

    /// With what to do about it.
    pub(super) fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend.push(mend.into());
        self
    }

    /// From an error whose message says what to do after a semicolon.
    pub(super) fn error(error: &impl fmt::Display) -> Self {
        let said = error.to_string();
        match said.rsplit_once("; ") {
            Some((what, mend)) => Self::fault(what).mend(mend),
            None => Self::fault(said),
        }
    }

    pub(super) fn is_fault(&self) -> bool {
        self.state == State::Fault
    }
}

/// All of them, and a last line that says how many faults there are.
pub(super) struct Report<'a>(pub(super) &'a [Finding]);

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in self.0 {
            let word = match finding.state {
                State::Good => "ok",
                State::Note => "note",
                State::Fault => "FAULT",
            };
            writeln!(f, "{word:<6} {}", finding.what)?;
            for mend in &finding.mend {
                writeln!(f, "       -> {mend}")?;
            }
        }
        match self.0.iter().filter(|finding| finding.is_fault()).count() {
            0 => writeln!(f, "all is well"),
            1 => writeln!(f, "1 fault"),
            count => writeln!(f, "{count} faults"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Finding, Report};

    #[test]
    fn each_fault_is_followed_by_what_mends_it() {
        let findings = [
            Finding::good("kernel 6.12"),
            Finding::error(&"zstd not found; run as root: apt-get install zstd"),
            Finding::note("the state directory is mounted nosuid"),
        ];
        assert_eq!(
            Report(&findings).to_string(),
            "ok     kernel 6.12\n\
             FAULT  zstd not found\n       -> run as root: apt-get install zstd\n\
             note   the state directory is mounted nosuid\n\
             1 fault\n"
        );
    }

    #[test]
    fn notes_are_no_faults() {
        assert!(Report(&[Finding::note("x")]).to_string().ends_with("all is well\n"));
    }
}

//! Why apt could not fetch, out of what it says: a class, a reason, and what to do about it.
//!
//! apt's exit status is 100 for everything, so there is only its text to go by; it is asked to speak English.
//! Knows the words of apt 2.6 to 3, with gpgv and with sqv. Does not run apt, nor decide about retries:
//! of the class "mirror" is what may succeed a while later, with nothing changed here.

use std::fmt;

use crate::spec::FailureClass;

/// What is the matter with the archive, or with the way to it. In the order in which they are looked for: the
/// cause comes before what follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// No room here.
    DiskFull,
    /// Signed with a key that is not in the keyring.
    MissingKey,
    /// Signed with a key that has expired, is revoked or too weak, or not signed by it at all.
    BadKey,
    /// Older than it says it may be.
    Expired,
    /// From the future: a clock is wrong, here or there.
    NotYetValid,
    /// The suite was given another name, as testing is when it is released.
    Renamed,
    /// The suite has no such component or architecture.
    NoIndex,
    /// Packages that are wanted are not there, or can't be installed together.
    Unsatisfiable,
    /// Fetched something else than the signed lists say: a mirror that is being updated, or a broken cache on the way.
    Mismatch,
    /// No signature at all.
    Unsigned,
    /// The mirror has no such suite.
    NoSuite,
    /// The lists name a file that is not there.
    NotFound,
    /// The server has a fault of its own.
    ServerError,
    /// No answer in time.
    Stalled,
    /// No server under that address just now.
    Unreachable,
    /// Something that is not known here.
    Unknown,
}

/// A failure of apt, with the line that tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FetchFailure {
    pub(crate) cause: Cause,
    /// apt's own words.
    pub(crate) said: String,
    /// The key that is missing or bad, as far as apt names it.
    pub(crate) key: Option<String>,
    /// All of apt's words.
    pub(crate) output: String,
}

/// Words that tell, each cause's own.
const WORDS: &[(Cause, &[&str])] = &[
    (
        Cause::DiskFull,
        &["No space left on device", "You don't have enough free space", "Disk quota exceeded"],
    ),
    (Cause::MissingKey, &["NO_PUBKEY", "Missing key ", "no keyring", "No keyring installed"]),
    (
        Cause::BadKey,
        &[
            "EXPKEYSIG",
            "KEYEXPIRED",
            "REVKEYSIG",
            "BADSIG",
            "is not bound",
            "weak digest algorithm",
            "weak security information",
            "signatures were invalid",
            "not considered secure",
        ],
    ),
    (Cause::Expired, &["is expired (invalid since", "is expired."]),
    (Cause::NotYetValid, &["is not valid yet"]),
    (Cause::Renamed, &["changed its '"]),
    (Cause::NoIndex, &["doesn't have the component", "doesn't support architecture"]),
    (
        Cause::Mismatch,
        &[
            "Hash Sum mismatch",
            "unexpected size",
            "Size mismatch",
            "Writing more data than expected",
            "Mirror sync in progress",
            "Clearsigned file isn't valid",
            "into data and signature failed",
            "isn't clear-signed",
            "Insufficient information available to perform this download securely",
        ],
    ),
    (Cause::ServerError, &["  500  ", "  502  ", "  503  ", "  504  ", "  429  ", "  403  "]),
    (
        Cause::Stalled,
        &["timed out", "Connection timeout", "Could not wait for server fd", "Timeout was reached"],
    ),
    (
        Cause::Unreachable,
        &[
            "Could not connect",
            "Cannot initiate the connection",
            "Unable to connect",
            "Could not resolve",
            "Temporary failure resolving",
            "Something wicked happened resolving",
            "Connection failed",
            "Network is unreachable",
            "No route to host",
            "Connection refused",
            "Connection reset",
            "Error reading from server",
            "Could not open file descriptor",
            "Remote end closed connection",
            "Proxy",
        ],
    ),
    // apt says this too when it could not fetch the signature.
    (Cause::Unsigned, &["is not signed.", "is no longer signed."]),
    (Cause::NoSuite, &["does not have a Release file", "no longer has a Release file"]),
    (Cause::NotFound, &["  404  ", "File not found"]),
    (
        Cause::Unsatisfiable,
        &[
            "Unable to locate package",
            "has no installation candidate",
            "unmet dependencies",
            "Unmet dependencies",
            "Unable to correct problems",
            REASONS,
            "pkgProblemResolver::Resolve generated breaks",
        ],
    ),
];

/// What comes before the reasons of apt 3.
const REASONS: &str = "Unable to satisfy dependencies";

/// How apt begins the line of what `satisfy` was asked for.
const ASKED_FOR: &str = " satisfy:command-line : ";

impl FetchFailure {
    /// Finds the cause in what apt wrote on standard error.
    pub(crate) fn read(said: &str) -> Self {
        let output = || said.to_owned();
        let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
        for (cause, words) in WORDS {
            let tells = |line: &&str| words.iter().any(|word| line.contains(word));
            // Of several, one that is an error: warnings go on about what is done instead.
            let error = lines().filter(|line| line.starts_with("E: ")).find(tells);
            if let Some(line) = error.or_else(|| lines().find(tells)) {
                let said = line.trim_start_matches("E: ").trim_start_matches("W: ");
                let said = said.trim_end_matches('.').to_owned();
                let key = match cause {
                    Cause::MissingKey | Cause::BadKey => key_in(line),
                    _ => None,
                };
                return Self { cause: *cause, said, key, output: output() };
            }
        }
        let first = lines().find(|line| line.starts_with("E: ")).or_else(|| lines().next_back());
        let said = first.unwrap_or("it said nothing").trim_start_matches("E: ").to_owned();
        Self { cause: Cause::Unknown, said, key: None, output: output() }
    }

    /// A warning that makes what apt did of no use, though it calls it a success: of a component that is not there it
    /// only warns, whatever it is told about errors.
    pub(crate) fn read_warnings(said: &str) -> Option<Self> {
        Some(Self::read(said)).filter(|failure| failure.cause == Cause::NoIndex)
    }

    /// Whether the words were among those that are known.
    pub(crate) fn is_known(&self) -> bool {
        self.cause != Cause::Unknown
    }

    /// Which dependency is not met, in apt's words, if that is what is the matter. apt says it on standard output, as a list of which
    /// this gives what comes first: of packages, rather than of what was asked for. What solves for apt 3 says it better at the
    /// end of its reasons, on standard error.
    pub(crate) fn unmet(&self) -> Option<String> {
        if self.cause != Cause::Unsatisfiable {
            return None;
        }
        let reasons = self.output.lines().skip_while(|line| !line.contains(REASONS)).skip(1);
        if let Some(reason) = reasons.filter_map(numbered).last() {
            return Some(reason.to_owned());
        }
        let is_heading = |line: &str| line.trim_end().ends_with("have unmet dependencies:");
        let list = self.output.lines().skip_while(|line| !is_heading(line)).skip(1);
        let list: Vec<&str> = list.take_while(|line| line.starts_with(' ')).collect();
        let begins = |line: &&str| !line.starts_with("  ") && line.contains(" : ");
        let is_of_package = |line: &&str| begins(line) && !line.starts_with(ASKED_FOR);
        let first = list.iter().position(is_of_package).or_else(|| list.iter().position(begins));
        let Some(first) = first else {
            return Some(self.said.clone());
        };
        let mut words = Vec::new();
        for line in &list[first..] {
            let line = line.strip_prefix(ASKED_FOR).unwrap_or(line).trim();
            words.push(line.replacen(" : ", ": ", 1));
            // An alternative is on the next line.
            if !line.ends_with(" or") {
                break;
            }
        }
        Some(words.join(" "))
    }

    /// Whose affair it is.
    pub(crate) fn class(&self) -> FailureClass {
        match self.cause {
            Cause::DiskFull => FailureClass::Disk,
            Cause::MissingKey
            | Cause::BadKey
            | Cause::Expired
            | Cause::NotYetValid
            | Cause::Unsigned => FailureClass::Policy,
            Cause::Renamed | Cause::NoSuite | Cause::NoIndex => FailureClass::Configuration,
            Cause::Unsatisfiable => FailureClass::Package,
            Cause::Mismatch
            | Cause::NotFound
            | Cause::ServerError
            | Cause::Stalled
            | Cause::Unreachable => FailureClass::Mirror,
            Cause::Unknown => FailureClass::Other,
        }
    }

    /// What is the matter, without apt's words.
    fn reason(&self) -> &'static str {
        match self.cause {
            Cause::DiskFull => "the disk is full",
            Cause::MissingKey => "the archive is signed with a key that the keyring does not have",
            Cause::BadKey => "the archive's signature is not good",
            Cause::Expired => "the archive's Release file has expired",
            Cause::NotYetValid => "the archive's Release file is from the future",
            Cause::Unsigned => "the archive is not signed",
            Cause::Renamed => "the suite has been renamed",
            Cause::NoSuite => "the mirror has no such suite",
            Cause::NoIndex => "the suite has no such component or architecture",
            Cause::Unsatisfiable => "packages are missing, or do not fit together",
            Cause::Mismatch => "the mirror is not in keeping with its own lists",
            Cause::NotFound => "the mirror lacks a file that its lists name",
            Cause::ServerError => "the mirror has a fault",
            Cause::Stalled => "the mirror does not answer in time",
            Cause::Unreachable => "the mirror can't be reached",
            Cause::Unknown => "apt failed",
        }
    }

    /// What is the matter, with the key and apt's words.
    pub(crate) fn reason_with_words(&self) -> String {
        let key = self.key.as_ref().map(|key| format!(" ({key})")).unwrap_or_default();
        format!("{}{key}: {}", self.reason(), self.said)
    }

    /// What to do.
    pub(crate) fn advice(&self) -> &'static str {
        match self.cause {
            Cause::DiskFull => "make room: `chroot-maint gc' deletes what nothing uses",
            Cause::MissingKey => {
                "for Debian, get a newer debian-archive-keyring (for ports, debian-ports-archive-keyring); \
                 for other archives, name their keyring in the config as `keyring'"
            }
            Cause::BadKey => {
                "get a newer keyring (for Debian, the package debian-archive-keyring); \
                 if that does not help, do not trust this mirror"
            }
            Cause::Expired => {
                "see whether this host's clock is right; then take another mirror, for this one is not updated any more"
            }
            Cause::NotYetValid => "set this host's clock right",
            Cause::Unsigned => "take a mirror that is signed; there is no way around that",
            Cause::Renamed => {
                "name the suite in the config by its new name, or by its codename, which stays"
            }
            Cause::NoSuite => {
                "correct `suites' or `mirror' in the config; releases move to other mirrors when they end"
            }
            Cause::NoIndex => "correct `components' or `archs' in the config",
            Cause::Unsatisfiable => {
                "correct `include' in the config, or wait until the archive has sorted it out"
            }
            Cause::Mismatch | Cause::NotFound => {
                "try again in a quarter of an hour, or take another mirror"
            }
            Cause::ServerError => "try again later, or take another mirror",
            Cause::Stalled | Cause::Unreachable => {
                "see whether network, `mirror' and `proxy' are right, or try again later"
            }
            Cause::Unknown => "see the log",
        }
    }
}

impl fmt::Display for FetchFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.reason_with_words(), self.advice())
    }
}

/// The words of a numbered line such as `  2. satisfy:command-line:amd64 Depends hello`, without who asks for it.
fn numbered(line: &str) -> Option<&str> {
    let (number, words) = line.trim_start().split_once(". ")?;
    number.parse::<u32>().ok()?;
    let asked = words.strip_prefix("satisfy:command-line:").and_then(|words| words.split_once(' '));
    Some(asked.map_or(words, |(_, words)| words))
}

/// The first word that looks like a key's id or fingerprint: sixteen or forty hexadecimal digits.
fn key_in(line: &str) -> Option<String> {
    line.split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| {
            matches!(word.len(), 16 | 40)
                && word.chars().all(|c| c.is_ascii_digit() || ('A'..='F').contains(&c))
        })
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{Cause, FailureClass, FetchFailure};

    #[test]
    fn sqvs_words_are_known_too() {
        let said = "W: OpenPGP signature verification failed: http://mirror.example/debian trixie InRelease: \
                    Sub-process /usr/bin/sqv returned an error code (1), error message is: Missing key \
                    05AB90340C0C5E797F44A8C8254CF3B5AEC0A8F0, which is needed to verify signature.\n\
                    E: The repository 'http://mirror.example/debian trixie InRelease' is not signed.";
        let failure = FetchFailure::read(said);
        assert_eq!(failure.cause, Cause::MissingKey);
        assert_eq!(failure.key.as_deref(), Some("05AB90340C0C5E797F44A8C8254CF3B5AEC0A8F0"));
        let said = "W: x: Sub-process /usr/bin/sqv returned an error code (1), error message is: Signing key on \
                    ABC is not bound: No binding signature at time 2026-02-01T00:00:00Z because: SHA1 is not \
                    considered secure since 2026-02-01T00:00:00Z";
        assert_eq!(FetchFailure::read(said).cause, Cause::BadKey);
    }

    #[test]
    fn the_cause_counts_before_what_follows_from_it() {
        let said = "E: Failed to fetch http://mirror.example/x  Error writing to file - write (28: No space left on device)\n\
                    E: Some index files failed to download. They have been ignored, or old ones used instead.";
        let failure = FetchFailure::read(said);
        assert_eq!((failure.cause, failure.class()), (Cause::DiskFull, FailureClass::Disk));
        assert!(failure.to_string().contains("chroot-maint gc"), "{failure}");
    }

    #[test]
    fn the_line_that_is_shown_is_an_error_if_there_is_one() {
        let said = "W: An error occurred. The previous index files will be used. GPG error: x: NO_PUBKEY 5D782D191D737B70\n\
                    E: Failed to fetch http://mirror.example/InRelease  not available: NO_PUBKEY 5D782D191D737B70";
        let failure = FetchFailure::read(said);
        assert!(failure.said.starts_with("Failed to fetch"), "{failure}");
        let said =
            "W: GPG error: x: NO_PUBKEY 5D782D191D737B70\nE: The repository 'x' is not signed.";
        assert_eq!(FetchFailure::read(said).cause, Cause::MissingKey);
    }

    #[test]
    fn a_suite_that_was_there_before_is_missed_too() {
        let said = "E: The repository 'http://mirror.example trixie Release' no longer has a Release file.";
        assert_eq!(FetchFailure::read(said).cause, Cause::NoSuite);
    }

    #[test]
    fn a_renamed_suite_is_the_configs_affair() {
        let said = "E: Repository 'http://mirror.example testing InRelease' changed its 'Codename' value from 'trixie' to 'forky'";
        let failure = FetchFailure::read(said);
        assert_eq!((failure.cause, failure.class()), (Cause::Renamed, FailureClass::Configuration));
    }

    /// What apt 2.6 says of these lines on unmet dependencies.
    fn unmet(lines: &str) -> Option<String> {
        let said = format!(
            "Reading package lists...\nThe following information may help to resolve the situation:\n\n\
             The following packages have unmet dependencies:\n{lines}\n\n\
             E: Unable to correct problems, you have held broken packages."
        );
        FetchFailure::read(&said).unmet()
    }

    #[test]
    fn an_unmet_dependency_is_told_in_apts_words() {
        let asked = " satisfy:command-line : Depends: gcc-none but it is not installable";
        let package = " gcc-aarch64-linux-gnu : Depends: gcc-12-aarch64-linux-gnu (>= 12.2.0-1~) but it is not installable";
        let reason = "gcc-aarch64-linux-gnu: Depends: gcc-12-aarch64-linux-gnu (>= 12.2.0-1~) but it is not installable";
        assert_eq!(unmet(asked).as_deref(), Some("Depends: gcc-none but it is not installable"));
        assert_eq!(unmet(&format!("{asked}\n{package}")).as_deref(), Some(reason));
        let further = "                Depends: y but it is not installable";
        assert_eq!(unmet(&format!("{package}\n{further}")).as_deref(), Some(reason));
    }

    #[test]
    fn of_apt_3s_reasons_the_last_one_is_told() {
        let said = |reasons: &str| {
            let said = format!(
                "The following packages have unmet dependencies:\n satisfy:command-line : Depends: aaa but it is not going to \
                 be installed\nE: Unable to satisfy dependencies. Reached two conflicting decisions:\n{reasons}"
            );
            FetchFailure::read(&said).unmet()
        };
        let none = "      but none of the choices are installable:\n      [no choices]";
        let first = "   1. aaa:amd64 is selected for install because:\n      1. satisfy:command-line:amd64 Depends aaa";
        let depends = said(&format!("{first}\n   2. aaa:amd64 Depends bbb (= 2)\n{none}"));
        assert_eq!(depends.as_deref(), Some("aaa:amd64 Depends bbb (= 2)"));
        let asked = said(&format!("{first}\n   2. satisfy:command-line:amd64 Depends zzz\n{none}"));
        assert_eq!(asked.as_deref(), Some("Depends zzz"));
        let conflict = "   2. bbb:amd64=1 is not selected for install because:\n      3. ccc:amd64 Conflicts bbb";
        let conflict = said(&format!("{first}\n{conflict}"));
        assert_eq!(conflict.as_deref(), Some("ccc:amd64 Conflicts bbb"));
    }

    #[test]
    fn alternatives_that_are_all_unmet_are_told_together() {
        let lines = " satisfy:command-line : Depends: x but it is not installable or\n                                 y but it is not installable";
        let reason = "Depends: x but it is not installable or y but it is not installable";
        assert_eq!(unmet(lines).as_deref(), Some(reason));
    }

    #[test]
    fn other_failures_are_no_unmet_dependencies() {
        let said =
            "E: Failed to fetch http://mirror.example/x  Could not connect to mirror.example:80";
        assert_eq!(FetchFailure::read(said).unmet(), None);
        let said = "E: Error, pkgProblemResolver::Resolve generated breaks, this may be caused by held packages.";
        assert!(FetchFailure::read(said).unmet().is_some());
    }

    #[test]
    fn unknown_words_are_passed_on() {
        let failure = FetchFailure::read("noise\nE: The moon is full\nE: Sorry");
        assert_eq!(failure.cause, Cause::Unknown);
        assert_eq!(failure.class(), FailureClass::Other);
        assert_eq!(failure.to_string(), "apt failed: The moon is full; see the log");
    }
}

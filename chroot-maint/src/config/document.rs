//! What a configuration file says, in whichever form, before the host's own values fill the gaps.

use std::{path::PathBuf, time::Duration};

use crate::spec::{Arch, Dist, Fresh, Output, Tier, Variant, nearest, parse_span};

/// A whole file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) state_dir: Option<PathBuf>,
    pub(super) proxy: Option<String>,
    pub(super) mirror_timeout: Option<Duration>,
    pub(super) keep_generations: Option<u32>,
    pub(super) retries: Option<u32>,
    pub(super) retry_delay: Option<Duration>,
    pub(super) time_limit: Option<Duration>,
    pub(super) sbuild_user: Option<String>,
    pub(super) schroot_dir: Option<PathBuf>,
    pub(super) tool_list: Option<PathBuf>,
    pub(super) defaults: Section,
    pub(super) dists: Vec<DistSection>,
}

/// What can be said for all distributions, and again for one.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) archs: Option<Vec<Arch>>,
    pub(super) variant: Option<Variant>,
    pub(super) components: Option<Vec<String>>,
    pub(super) include: Option<Vec<String>>,
    pub(super) mirror: Option<String>,
    pub(super) security_mirror: Option<String>,
    pub(super) keyring: Option<PathBuf>,
    pub(super) fresh: Option<Fresh>,
    pub(super) outputs: Option<Vec<Output>>,
    pub(super) cross_tools: Option<Vec<Tier>>,
}

/// What is said of one distribution.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DistSection {
    pub(super) dist: Dist,
    pub(super) aliases: Vec<String>,
    pub(super) suites: Option<Vec<String>>,
    pub(super) section: Section,
}

/// A path that means the same in every directory.
pub(super) fn absolute(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_absolute() { Ok(path) } else { Err(format!("`{text}' is not an absolute path")) }
}

/// A length of time.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    parse_span(text)
        .ok_or_else(|| format!("`{text}' is not a time: give one such as 30s, 10m or 4h"))
}

/// Says what is wrong with the name of a user.
pub(super) fn user(name: &str) -> Result<String, String> {
    let fits = |c: char| !c.is_whitespace() && !c.is_control() && !"/:".contains(c);
    if name.is_empty() || name.starts_with('-') || !name.chars().all(fits) {
        return Err(format!("`{name}' can't be the name of a user"));
    }
    Ok(name.to_owned())
}

/// Says which outputs there are, if this is none.
pub(super) fn output(name: &str) -> Result<Output, String> {
    let names = Output::ALL.iter().map(|&(name, _)| name);
    Output::find(name).ok_or_else(|| unknown("output", name, names))
}

/// Says which tiers of tools there are, if this is none.
pub(super) fn tier(name: &str) -> Result<Tier, String> {
    let names = Tier::ALL.iter().map(|&(name, _)| name);
    Tier::find(name).ok_or_else(|| unknown("kind of tools", name, names))
}

/// An address, or `DIRECT` for none whatever the host's apt uses.
pub(super) fn proxy(text: &str) -> Result<String, String> {
    if text == "DIRECT" { Ok(text.to_owned()) } else { address(text) }
}

/// Says which architectures there are, if this is none.
pub(super) fn arch(name: &str) -> Result<Arch, String> {
    Arch::find(name).ok_or_else(|| unknown("architecture", name, Arch::names()))
}

/// Says what is wrong with the address of a mirror or a proxy; gives it without slashes at its end.
pub(super) fn address(text: &str) -> Result<String, String> {
    let place = text.trim_end_matches('/');
    let scheme_end = place.find(":/").unwrap_or(0);
    let scheme_ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    if scheme_end == 0
        || !text[..scheme_end].chars().all(scheme_ok)
        || text.contains(|c: char| c.is_whitespace() || c.is_control())
    {
        return Err(format!(
            "`{text}' is not an address: give one such as http://mirror.example/debian"
        ));
    }
    Ok(place.to_owned())
}

/// Says what is wrong with a package's name.
pub(super) fn package(name: &str) -> Result<String, String> {
    let (plain, arch) = name.split_once(':').map_or((name, None), |(p, a)| (p, Some(a)));
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    let starts_well = plain.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let arch_ok = arch.is_none_or(|arch| arch == "any" || Arch::find(arch).is_some());
    if plain.len() < 2 || !starts_well || !plain.chars().all(letters) || !arch_ok {
        return Err(format!("`{name}' is not a package's name"));
    }
    Ok(name.to_owned())
}

/// Says what is wrong with the name of a suite or component, which goes into apt's sources.
pub(super) fn archive_word(word: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-+./_".contains(c);
    let starts_well = word.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts_well && word.chars().all(fits) && !word.contains("..") {
        Ok(word.to_owned())
    } else {
        Err(format!("`{word}' can't be the name of a suite or component"))
    }
}

/// The message for a word that is none of those known.
pub(super) fn unknown<'a>(
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}'?"),
        None => format!("there are: {}", known.join(", ")),
    };
    format!("unknown {what} `{name}'; {hint}")
}

#[cfg(test)]
mod tests {
    use super::{address, archive_word, package};

    #[test]
    fn an_address_loses_its_last_slash() {
        assert_eq!(
            address("http://mirror.example/debian/").unwrap(),
            "http://mirror.example/debian"
        );
        assert_eq!(address("file:/srv/debian").unwrap(), "file:/srv/debian");
        assert!(address("mirror.example/debian").is_err());
        assert!(address("http://mirror.example/a b").is_err());
    }

    #[test]
    fn package_names_follow_policy() {
        for name in ["g++", "libc6:arm64", "python3.11", "a0"] {
            assert!(package(name).is_ok(), "{name}");
        }
        for name in ["-x", "x", "Foo", "a b", "foo:pdp11", "foo=1", ""] {
            assert!(package(name).is_err(), "{name}");
        }
    }

    #[test]
    fn what_would_break_a_sources_file_is_no_suite() {
        assert!(archive_word("buster/updates").is_ok());
        for word in ["a\nb", "../x", "/", "", "a b"] {
            assert!(archive_word(word).is_err(), "{word:?}");
        }
    }
}

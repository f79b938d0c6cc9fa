//! apt's sources for a chroot, in the deb822 form. Does not know where they are written to.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use thiserror::Error;

use super::HostApt;
use crate::spec::{Recipe, is_security};

/// Debian's own keys: the newer package has a `.pgp` beside it, and keeps this name.
pub(crate) const DEFAULT_KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// What apt in a chroot fetches from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sources {
    /// The contents of a `.sources` file.
    Written(String),
    /// No mirror is known: mmdebstrap's own choice for the distribution.
    Mmdebstraps,
}

/// Why there can be no sources.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum SourcesError {
    #[error("the keyring {} is not there; run as root: apt-get install debian-archive-keyring", .0.display())]
    NoDefaultKeyring(PathBuf),
    #[error("the keyring {} is not there; correct `keyring' in the config", .0.display())]
    NoKeyring(PathBuf),
}

impl Sources {
    /// The config's mirrors, else the host's. A mirror that the config names for the main archive only is
    /// taken to carry the security archive under the same name with `-security`, if the host knows no better.
    pub(crate) fn plan(recipe: &Recipe, host: &HostApt) -> Result<Self, SourcesError> {
        let keyring = keyring(recipe)?;
        let Some(mirror) = recipe.mirror.as_ref().or(host.mirror.as_ref()) else {
            return Ok(Self::Mmdebstraps);
        };
        let security = recipe.security_mirror.as_ref().or(host.security_mirror.as_ref());
        let security = security.cloned().unwrap_or_else(|| format!("{mirror}-security"));
        let (from_security, from_mirror): (Vec<&str>, Vec<&str>) =
            recipe.suites.iter().map(String::as_str).partition(|suite| is_security(suite));
        let mut text = String::new();
        for (uri, suites) in [(mirror, from_mirror), (&security, from_security)] {
            if !suites.is_empty() {
                stanza(&mut text, uri, &suites, &recipe.components, keyring);
            }
        }
        Ok(Self::Written(text))
    }
}

/// The keyring to check with, which must be there on the host: that is where apt runs at first.
fn keyring(recipe: &Recipe) -> Result<&Path, SourcesError> {
    match &recipe.keyring {
        Some(path) if path.is_file() => Ok(path),
        Some(path) => Err(SourcesError::NoKeyring(path.clone())),
        None if Path::new(DEFAULT_KEYRING).is_file() => Ok(Path::new(DEFAULT_KEYRING)),
        None => Err(SourcesError::NoDefaultKeyring(DEFAULT_KEYRING.into())),
    }
}

fn stanza(text: &mut String, uri: &str, suites: &[&str], components: &[String], keyring: &Path) {
    let gap = if text.is_empty() { "" } else { "\n" };
    // Writing to a String can't fail.
    let _ = write!(
        text,
        "{gap}Types: deb\nURIs: {uri}\nSuites: {}\nComponents: {}\nSigned-By: {}\n",
        suites.join(" "),
        components.join(" "),
        keyring.display()
    );
}

#[cfg(test)]
mod tests {
    use super::{HostApt, Recipe, Sources, SourcesError};
    use crate::spec::Variant;

    fn recipe(mirror: Option<&str>) -> Recipe {
        Recipe {
            revision: 1,
            variant: Variant::Buildd,
            suites: ["trixie", "trixie-updates", "trixie-security"].map(str::to_owned).into(),
            components: vec!["main".to_owned(), "contrib".to_owned()],
            include: vec![],
            mirror: mirror.map(str::to_owned),
            security_mirror: None,
            keyring: Some("/proc/self/exe".into()),
        }
    }

    #[test]
    fn the_configs_mirror_counts_before_the_hosts() {
        let host =
            HostApt { mirror: Some("http://host.example/debian".to_owned()), ..HostApt::default() };
        let sources = Sources::plan(&recipe(Some("http://mirror.example/debian")), &host).unwrap();
        assert_eq!(
            sources,
            Sources::Written(
                "Types: deb\n\
                 URIs: http://mirror.example/debian\n\
                 Suites: trixie trixie-updates\n\
                 Components: main contrib\n\
                 Signed-By: /proc/self/exe\n\
                 \n\
                 Types: deb\n\
                 URIs: http://mirror.example/debian-security\n\
                 Suites: trixie-security\n\
                 Components: main contrib\n\
                 Signed-By: /proc/self/exe\n"
                    .to_owned()
            )
        );
    }

    #[test]
    fn without_any_mirror_the_choice_is_mmdebstraps() {
        assert_eq!(
            Sources::plan(&recipe(None), &HostApt::default()).unwrap(),
            Sources::Mmdebstraps
        );
    }

    #[test]
    fn a_keyring_that_is_not_there_is_an_error() {
        let recipe = Recipe { keyring: Some("/nowhere.gpg".into()), ..recipe(None) };
        let error = Sources::plan(&recipe, &HostApt::default()).unwrap_err();
        assert!(matches!(error, SourcesError::NoKeyring(_)));
    }
}

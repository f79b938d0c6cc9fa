//! The configuration: which file, in which form, and what it comes to on this host.
//!
//! `toml_form` and `shell_form` each read a [`Document`]; `resolve` turns one into a [`Config`].
//! Knows nothing of what exists in the state directory, nor of the host's apt.

mod document;
mod error;
mod resolve;
mod shell_form;
mod toml_form;
mod toml_table;

use std::{
    collections::BTreeMap,
    env, fs, io,
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
    time::Duration,
};

pub(crate) use error::{ConfigError, Place, Problem};

use document::Document;

use crate::{
    host::Host,
    spec::{ChrootId, Fresh, Output, Recipe, Selectable, Tier},
};

/// What to maintain, where, and how.
#[derive(Debug)]
pub(crate) struct Config {
    /// Where it was read, if there was a file.
    pub(crate) file: Option<PathBuf>,
    pub(crate) state_dir: PathBuf,
    /// The proxy that the config names; otherwise the host's apt decides.
    pub(crate) proxy: Option<String>,
    /// How long a mirror may be silent, if the config says it.
    pub(crate) mirror_timeout: Option<Duration>,
    pub(crate) host: Host,
    /// How many generations of a chroot are kept, the one in use among them; 1 or more.
    pub(crate) keep_generations: u32,
    /// How often a job is tried again whose mirror fails.
    pub(crate) retries: u32,
    /// How long to wait before the first of these; twice as long before each further one.
    pub(crate) retry_delay: Duration,
    /// How long the work on one chroot may take.
    pub(crate) time_limit: Duration,
    /// Whose sbuild gets tarballs; without, it is who runs this.
    pub(crate) sbuild_user: Option<String>,
    /// Where schroot's definitions go.
    pub(crate) schroot_dir: PathBuf,
    pub(crate) chroots: BTreeMap<ChrootId, Chroot>,
    /// More of the host's tools than this program knows of, as a file of its own.
    pub(crate) tool_list: Option<PathBuf>,
    /// Whether to fail rather than wait for what another process works on: no file says this, but the command line.
    pub(crate) no_wait: bool,
}

/// One configured chroot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chroot {
    pub(crate) recipe: Recipe,
    /// Other names of its distribution.
    pub(crate) aliases: Vec<String>,
    pub(crate) fresh: Fresh,
    /// Whom it is handed to; the directory is there whether or not it is listed.
    pub(crate) outputs: Vec<Output>,
    /// Which of the host's tools it gets; none for the host's own architecture.
    pub(crate) cross_tools: Vec<Tier>,
}

impl Config {
    /// Reads the first of `given`, the user's file and the system's; without any, the host's own
    /// release and architecture are the config.
    pub(crate) fn load(given: Option<&Path>, is_root: bool) -> Result<Self, ConfigError> {
        let host = Host::detect()?;
        let (document, file) = match given {
            // Jobs read it again: from a directory and with a standard input of their own.
            Some(path) => {
                (read(path)?, Some(path.canonicalize().unwrap_or_else(|_| path.to_owned())))
            }
            None => match first_existing()? {
                Some((path, document)) => (document, Some(path)),
                None => (Document::default(), None),
            },
        };
        resolve::resolve(document, file, host, is_root)
    }

    /// Where chroots and logs go if no config says it; `None` for a user without a home.
    pub(crate) fn default_state_dir(is_root: bool) -> Option<PathBuf> {
        if is_root {
            return Some(PathBuf::from("/var/lib/chroot-maint"));
        }
        xdg_dir("XDG_STATE_HOME", ".local/state").map(|dir| dir.join("chroot-maint"))
    }

    /// What a text in TOML comes to for root on amd64.
    #[cfg(test)]
    pub(crate) fn fake(text: &str) -> Self {
        let document = toml_form::parse(text).unwrap();
        resolve::resolve(document, None, Host::fake("trixie", "amd64"), true).unwrap()
    }

    /// The chroot that tools for this one are taken from: the same distribution for the host's architecture.
    pub(crate) fn donor_of(&self, id: &ChrootId) -> ChrootId {
        ChrootId { dist: id.dist.clone(), arch: self.host.arch }
    }

    /// The chroots as `WHICH` sees them.
    pub(crate) fn selectable(&self) -> Vec<Selectable<'_>> {
        self.chroots
            .iter()
            .map(|(id, chroot)| Selectable { id, aliases: &chroot.aliases })
            .collect()
    }
}

/// The places that are looked at when none is given, in order.
fn usual_places() -> impl Iterator<Item = PathBuf> {
    let own = xdg_dir("XDG_CONFIG_HOME", ".config").map(|dir| dir.join("chroot-maint.toml"));
    own.into_iter().chain([PathBuf::from("/etc/chroot-maint.toml")])
}

fn first_existing() -> Result<Option<(PathBuf, Document)>, ConfigError> {
    for path in usual_places() {
        match read(&path) {
            Ok(document) => return Ok(Some((path, document))),
            Err(ConfigError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn read(path: &Path) -> Result<Document, ConfigError> {
    let fault = |source| ConfigError::Read { path: path.to_owned(), source };
    if fs::metadata(path).map_err(fault)?.file_type().is_fifo() {
        return Err(ConfigError::Pipe { path: path.to_owned() });
    }
    let text = String::from_utf8(fs::read(path).map_err(fault)?).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..valid]);
        let place = Place::of(&before, valid);
        let problem = Problem { place, message: "this is not UTF-8".to_owned() };
        ConfigError::Bad { path: path.to_owned(), problem }
    })?;
    let is_shell = path.extension().is_some_and(|extension| extension == "sh");
    let parse = if is_shell { shell_form::parse } else { toml_form::parse };
    parse(&text).map_err(|problem| ConfigError::Bad { path: path.to_owned(), problem })
}

/// A directory of the XDG base directory specification, which says that a relative value counts as none.
fn xdg_dir(variable: &str, under_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(under_home)))
}

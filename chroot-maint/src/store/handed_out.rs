//! What was handed out of a chroot, and where to: to know it again, and to take it back when nobody wants it any more.
//! Does not know the formats, nor what is wanted.

use std::{
    fs::{self, File},
    io,
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use super::{Described, Place, StoreError, durable};

/// What there is of a chroot outside the state directory. `outputs.json` holds it as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct HandedOut {
    pub(crate) schroot: Option<SchrootEntry>,
    pub(crate) sbuild: Option<Tarball>,
    /// What a run was about to hand out. If it was killed, that may be there, and has to be taken back like the rest.
    #[serde(default)]
    pub(crate) begun: Begun,
}

/// Outputs that may be there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Begun {
    pub(crate) schroot: Option<SchrootEntry>,
    /// Its size and inode are not known yet.
    pub(crate) sbuild: Option<Tarball>,
}

/// A definition of schroot's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct SchrootEntry {
    pub(crate) path: PathBuf,
    /// The generation that it names; as long as it does, that one is in use.
    pub(crate) generation: u32,
}

/// A tarball of sbuild's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Tarball {
    pub(crate) user: String,
    /// The user's directory that it is in.
    pub(crate) dir: PathBuf,
    pub(crate) file: String,
    /// Symbolic links to it in the same directory.
    pub(crate) links: Vec<String>,
    /// The generation that it was made of.
    pub(crate) generation: u32,
    /// With the inode it tells this file from any that others put in its place.
    pub(crate) size: u64,
    pub(crate) inode: u64,
}

impl<R: Described> Place<R> {
    /// What was handed out, as far as it is known: one that can't be read counts as none, which costs the work.
    pub(crate) fn handed_out(&self) -> HandedOut {
        let text = fs::read(self.handed_out_path()).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Keeps what was handed out, on the disk before anything else happens: what is forgotten is never taken back.
    pub(crate) fn put_handed_out(&self, handed_out: &HandedOut) -> Result<(), StoreError> {
        let path = self.handed_out_path();
        let json = serde_json::to_vec_pretty(handed_out)
            .map_err(|error| StoreError::Write { path: path.clone(), source: error.into() })?;
        durable::keep(&path, &json)
    }

    /// A file without a name, on the same disk as the trees; nothing is left of it if this process is killed.
    pub(crate) fn unnamed_file(&self) -> Result<File, StoreError> {
        let dir = self.work();
        let made: io::Result<File> = tempfile::tempfile_in(&dir);
        made.map_err(|source| StoreError::Create { path: dir, source })
    }

    fn handed_out_path(&self) -> PathBuf {
        self.dir.join("outputs.json")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{HandedOut, SchrootEntry};
    use crate::{spec::ChrootId, store::Store};

    #[test]
    fn what_was_handed_out_is_known_again_and_a_broken_file_counts_as_none() {
        let dir = tempfile::tempdir().unwrap();
        let id = ChrootId::parse("trixie-amd64").unwrap();
        let place = Store::new(dir.path().to_owned()).prepare(&id).unwrap();
        assert_eq!(place.handed_out(), HandedOut::default());
        let schroot = Some(SchrootEntry { path: "/etc/x".into(), generation: 3 });
        let handed_out = HandedOut { schroot, ..HandedOut::default() };
        place.put_handed_out(&handed_out).unwrap();
        assert_eq!(place.handed_out(), handed_out);
        // As earlier versions wrote it.
        fs::write(place.handed_out_path(), "{\"schroot\":{\"path\":\"/etc/x\",\"generation\":3}}")
            .unwrap();
        assert_eq!(place.handed_out(), handed_out);
        fs::write(place.handed_out_path(), "{").unwrap();
        assert_eq!(place.handed_out(), HandedOut::default());
    }
}

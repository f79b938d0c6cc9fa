//! What a sandbox is to be like, handed by the process that wants it to those that build it. Only values.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::subids::Ids;

/// A sandbox, as JSON in the words of the program that builds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// The process that wants it, and without which it is not to be.
    pub(super) parent: i32,
    pub(super) mapping: Mapping,
    /// Whether it is cut off from the network.
    pub(super) is_offline: bool,
    /// The line that registers an emulator in a `binfmt_misc` of its own.
    pub(super) registration: Option<String>,
    /// Whether the kernel is to say that it is a 32-bit one.
    pub(super) is_32_bit: bool,
    pub(super) view: View,
    /// For the second stage: the process of the first one.
    pub(super) first_stage: Option<i32>,
}

/// Whose ids the ids in the sandbox are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Mapping {
    /// No user namespace.
    None,
    /// A user namespace in which every id is itself.
    Same,
    /// Root is this user, the others are its subordinate ids.
    Own { uid: u32, gid: u32, uids: Ids, gids: Ids },
}

/// What the command sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum View {
    /// The host's files.
    Host,
    /// A tree, with /proc, /dev and /tmp.
    Tree,
    /// The host's files, with what a tree is to have mounted in it, and more directories of the host there: for a
    /// program of the host's that runs others in the tree.
    Beside(Vec<Bind>),
    /// A layer over a tree, which vanishes with the sandbox.
    Session(Session),
    /// Nothing but this program, which is run in the command's place.
    Program(Vec<u8>),
}

/// What a session wants beyond the tree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    /// The chroot's name, for the prompt.
    pub(crate) name: String,
    /// Whose session it is; the user must be known in the tree.
    pub(crate) user: String,
    pub(crate) binds: Vec<Bind>,
}

/// A directory of the host, and where in the tree it is to be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bind {
    #[serde(serialize_with = "to_bytes", deserialize_with = "from_bytes")]
    pub(crate) from: PathBuf,
    #[serde(serialize_with = "to_bytes", deserialize_with = "from_bytes")]
    pub(crate) to: PathBuf,
}

/// Names of files need not be text, but JSON must.
fn to_bytes<S: Serializer>(path: &std::path::Path, to: S) -> Result<S::Ok, S::Error> {
    path.as_os_str().as_bytes().serialize(to)
}

fn from_bytes<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
    Vec::<u8>::deserialize(from).map(|bytes| OsStr::from_bytes(&bytes).into())
}

#[cfg(test)]
mod tests {
    use super::{Bind, Mapping, OsStr, OsStrExt, Plan, Session, View};

    #[test]
    fn a_plan_survives_the_way_whatever_the_names_of_files() {
        let bind = Bind { from: OsStr::from_bytes(b"/a\xff").into(), to: "/b".into() };
        let session = Session { name: "x".into(), user: "root".into(), binds: vec![bind] };
        let plan = Plan {
            parent: 1,
            mapping: Mapping::Same,
            is_offline: false,
            registration: Some(r":x:M::\x7f:".into()),
            is_32_bit: true,
            view: View::Session(session),
            first_stage: None,
        };
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    }
}

//! What this process may do about namespaces, and what to change where that is not enough.

use std::{
    fs,
    io::{self},
    process::Command,
};

use nix::unistd::{User, getegid, geteuid};
use thiserror::Error;

use super::{
    plan::Mapping,
    subids::{self, Ids},
};
use crate::{
    foreign::Foreign,
    tools::{self, MissingTools},
};

/// Who asks for namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Privilege {
    Root,
    /// With subordinate ids.
    Rootless {
        uid: u32,
        gid: u32,
        uids: Ids,
        gids: Ids,
    },
}

/// Why there are no namespaces to be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum SandboxError {
    #[error(transparent)]
    Tools(#[from] MissingTools),
    #[error(
        "user `{user}' has no range of {} subordinate ids first in {}; run as root: usermod{} {user}",
        subids::ENOUGH, files.join(" and "), options.concat()
    )]
    SubIds { user: String, files: Vec<&'static str>, options: Vec<String> },
    #[error("user namespaces are switched off ({setting} = {value}); run as root: {mend}")]
    Setting { setting: &'static str, value: String, mend: String },
    #[error("can't make private namespaces: {said}; {hint}")]
    Refused { said: String, hint: &'static str },
    #[error("can't start this program again: {0}")]
    Start(#[source] io::Error),
    #[error(transparent)]
    Foreign(Box<Foreign>),
}

/// Kernel settings that forbid user namespaces, with the value that does.
const SETTINGS: [(&str, &str, &str); 3] = [
    ("user.max_user_namespaces", "0", "15000"),
    ("kernel.unprivileged_userns_clone", "0", "1"),
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
];

impl Privilege {
    /// Finds out who this is, and whether the tools and subordinate ids are there.
    pub(super) fn detect() -> Result<Self, SandboxError> {
        if geteuid().is_root() {
            tools::require(&["chroot"])?;
            return Ok(Self::Root);
        }
        tools::require(&["chroot", "newuidmap", "newgidmap"])?;
        let uid = geteuid();
        let user = User::from_uid(uid).ok().flatten().map_or(uid.to_string(), |user| user.name);
        let (uids, gids) = subordinate_ids(&user, uid.as_raw())?;
        Ok(Self::Rootless { uid: uid.as_raw(), gid: getegid().as_raw(), uids, gids })
    }

    /// Whose ids those in the sandbox are; a user namespace is what an emulator of one's own needs.
    pub(super) fn mapping(self, needs_user_namespace: bool) -> Mapping {
        match self {
            Self::Root if needs_user_namespace => Mapping::Same,
            Self::Root => Mapping::None,
            Self::Rootless { uid, gid, uids, gids } => Mapping::Own { uid, gid, uids, gids },
        }
    }

    /// Runs a command in the namespaces, and explains why if they are refused.
    pub(super) fn probe(self, mut command: Command) -> Result<(), SandboxError> {
        let output = command.output().map_err(SandboxError::Start)?;
        if output.status.success() {
            return Ok(());
        }
        for (setting, forbids, permits) in SETTINGS {
            let path = format!("/proc/sys/{}", setting.replace('.', "/"));
            let value = fs::read_to_string(path).unwrap_or_default().trim().to_owned();
            if self != Self::Root && value == forbids {
                let mend = format!("sysctl -w {setting}={permits}");
                return Err(SandboxError::Setting { setting, value, mend });
            }
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(SandboxError::Refused {
            said: said.lines().last().unwrap_or("no reason given").to_owned(),
            hint: match self {
                Self::Root => "inside a container, it must be started with CAP_SYS_ADMIN",
                Self::Rootless { .. } => {
                    "inside a container, it must permit user namespaces; or run as root"
                }
            },
        })
    }
}

/// The subordinate user and group ids of a user; an error says how to add what is missing.
pub(super) fn subordinate_ids(user: &str, uid: u32) -> Result<(Ids, Ids), SandboxError> {
    let (mut files, mut options) = (Vec::new(), Vec::new());
    let ranges = [("uid", "/etc/subuid"), ("gid", "/etc/subgid")].map(|(kind, file)| {
        let table = fs::read_to_string(file).unwrap_or_default();
        let range = subids::of(&table, user, uid);
        if range.is_none() {
            let first = subids::next_free(&table);
            files.push(file);
            options.push(format!(" --add-sub{kind}s {first}-{}", first + subids::ENOUGH - 1));
        }
        range
    });
    match ranges {
        [Some(uids), Some(gids)] => Ok((uids, gids)),
        _ => Err(SandboxError::SubIds { user: user.to_owned(), files, options }),
    }
}

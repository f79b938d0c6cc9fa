//! The user whose sbuild gets tarballs, and where that sbuild looks for them. Only looks things up.

use std::{env, path::PathBuf};

use nix::unistd::{Uid, User, geteuid};

use super::OutputError;

/// A user with a cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Whether it is who runs this.
    pub(super) is_caller: bool,
    /// Where sbuild looks: `sbuild` in the user's cache.
    pub(super) dir: PathBuf,
}

impl Owner {
    /// Name, number, and the directory that sbuild looks in.
    pub(crate) fn who(&self) -> (&str, u32, &std::path::Path) {
        (&self.name, self.uid, &self.dir)
    }

    /// The user whom the config names, or else who runs this, unless that is root: root builds nothing by sbuild, and
    /// tarballs in its cache would only take room.
    pub(super) fn find(named: Option<&str>) -> Result<Self, OutputError> {
        let caller = geteuid();
        let user = match named {
            None if caller.is_root() => return Err(OutputError::NoUser),
            None => User::from_uid(caller),
            Some(name) => User::from_name(name),
        };
        let unknown = || named.map_or_else(|| caller.to_string(), str::to_owned);
        let user =
            user.ok().flatten().ok_or_else(|| OutputError::UnknownUser { name: unknown() })?;
        if user.uid != caller && !caller.is_root() {
            return Err(OutputError::OtherUser { name: user.name });
        }
        Ok(Self::of(user, caller))
    }

    fn of(user: User, caller: Uid) -> Self {
        let is_caller = user.uid == caller;
        // Another user's environment is not known.
        let own = |name: &str| env::var_os(name).filter(|_| is_caller).map(PathBuf::from);
        let absolute = |name: &str| own(name).filter(|path| path.is_absolute());
        let cache = absolute("XDG_CACHE_HOME")
            .unwrap_or_else(|| absolute("HOME").unwrap_or(user.dir).join(".cache"));
        let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
        Self { name: user.name, uid, gid, is_caller, dir: cache.join("sbuild") }
    }
}

#[cfg(test)]
mod tests {
    use nix::unistd::geteuid;

    use super::Owner;

    #[test]
    fn a_user_who_is_not_there_is_named() {
        let error = Owner::find(Some("nobody-of-this-name")).unwrap_err();
        assert!(error.to_string().starts_with("there is no user `nobody-of-this-name'"));
    }

    #[test]
    fn another_users_cache_is_in_that_users_home_and_out_of_reach_for_all_but_root() {
        let found = Owner::find(Some("daemon"));
        if geteuid().is_root() {
            let owner = found.unwrap();
            assert!(!owner.is_caller && owner.dir.ends_with(".cache/sbuild"), "{owner:?}");
            assert!(Owner::find(None).unwrap_err().to_string().contains("sbuild-user = "));
        } else {
            assert!(found.unwrap_err().to_string().contains("run this as root or as daemon"));
            assert!(Owner::find(None).unwrap().is_caller);
        }
    }
}

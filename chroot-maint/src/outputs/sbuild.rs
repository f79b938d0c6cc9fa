//! The tarball that sbuild's unshare mode unpacks for each build: what it is called, whether it is there, whether it is
//! still the one that was put there. Writes nothing but its time: see [`super::request`].
//!
//! sbuild takes the first file of its directory whose name begins with `DIST-ARCH.t`, in no order; so there is to be
//! one of each name.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use nix::libc;

use super::{
    OutputError,
    cache::{Kept, Put},
    names::{self, Alias},
    owner::Owner,
    request::Request,
};
use crate::{
    config::{Chroot, Config},
    spec::ChrootId,
    store::Tarball,
};

/// What all tarballs end with: sbuild chooses the decompressor by it.
const ENDING: &str = ".tar.zst";

/// Where a chroot's tarball goes, and by which names it is to be found.
#[derive(Debug)]
pub(crate) struct SbuildPlace {
    name: String,
    owner: Owner,
    links: Vec<Alias>,
}

impl SbuildPlace {
    pub(super) fn plan(
        config: &Config,
        id: &ChrootId,
        chroot: &Chroot,
    ) -> Result<Self, OutputError> {
        let owner = Owner::find(config.sbuild_user.as_deref())?;
        Ok(Self::of(owner, config, id, chroot))
    }

    fn of(owner: Owner, config: &Config, id: &ChrootId, chroot: &Chroot) -> Self {
        let links = names::of_dist(config, id, chroot).into_iter().map(|dist| Alias {
            name: format!("{}-{}{ENDING}", dist.name, id.arch),
            is_asked_for: dist.is_asked_for,
        });
        Self { name: id.to_string(), owner, links: links.collect() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.owner.dir.join(self.file())
    }

    fn file(&self) -> String {
        format!("{}{ENDING}", self.name)
    }

    /// What its user has to know of a name by which sbuild can't find it by itself.
    pub(crate) fn remark(&self) -> Option<String> {
        (!is_listed(&self.name)).then(|| {
            format!(
                "sbuild finds no chroot by such a name unless it is told to: sbuild --chroot={}",
                self.name
            )
        })
    }

    /// Whether the tarball and its links are where they should be, from this generation. Some looks at files.
    pub(crate) fn is_current(&self, tarball: &Tarball, generation: u32) -> bool {
        let leads_there = |link: &String| {
            fs::read_link(self.owner.dir.join(link))
                .is_ok_and(|target| target == Path::new(&tarball.file))
        };
        tarball.generation == generation
            && self.is_place_of(tarball)
            && names::are_as_wanted(&tarball.links, &self.links)
            && is_there(tarball)
            && tarball.links.iter().all(leads_there)
    }

    /// Whether a tarball is in this place, whatever it was made of.
    pub(crate) fn is_place_of(&self, tarball: &Tarball) -> bool {
        let Tarball { user, dir, file, .. } = tarball;
        *user == self.owner.name && *dir == self.owner.dir && *file == self.file()
    }

    /// Has a process with the user's ids look whether anything is in the way: before a tarball is made, which takes
    /// seconds.
    pub(crate) fn look(&self) -> Command {
        Request::Look(self.request(Vec::new())).command(&self.owner)
    }

    /// Has such a process put its standard input there, which ends with the mark.
    /// Of the links of an earlier time, those are dropped that are not wanted any more.
    pub(crate) fn put(&self, old_links: Vec<String>) -> Command {
        Request::Put(self.request(old_links)).command(&self.owner)
    }

    fn request(&self, old_links: Vec<String>) -> Put {
        Put {
            dir: self.owner.dir.clone(),
            name: self.name.clone(),
            file: self.file(),
            links: self.links.iter().map(|link| (link.name.clone(), link.is_asked_for)).collect(),
            dropped: old_links
                .into_iter()
                .filter(|old| self.links.iter().all(|link| link.name != *old))
                .collect(),
        }
    }

    /// What was handed out when that was done.
    pub(crate) fn tarball(&self, kept: &Kept, generation: u32) -> Tarball {
        Tarball {
            user: self.owner.name.clone(),
            dir: self.owner.dir.clone(),
            file: self.file(),
            links: kept.links.clone(),
            generation,
            size: kept.size,
            inode: kept.inode,
        }
    }

    /// All that may be there while that is done, and where it is if it was killed.
    pub(crate) fn intention(&self, old_links: &[String], generation: u32) -> Tarball {
        let wanted = self.links.iter().map(|link| link.name.clone());
        let links = wanted.chain(old_links.iter().cloned()).collect();
        let kept = Kept { size: 0, inode: 0, links, is_new: false };
        self.tarball(&kept, generation)
    }

    /// Whether there is anything by the tarball's name, or left by a killed run.
    pub(crate) fn is_taken(&self) -> bool {
        let unfinished = super::cache::unfinished(&self.owner.dir, "tarball", &self.name);
        [self.path(), unfinished].iter().any(|path| path.symlink_metadata().is_ok())
    }

    /// The frame that the file is to end with.
    pub(crate) fn mark(&self) -> Vec<u8> {
        super::mark::frame(&self.name)
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// Whether sbuild sees a chroot of this name when it looks for one by distribution and architecture: it counts the
/// dashes, and takes what follows the first `.t` for an ending.
fn is_listed(name: &str) -> bool {
    (2..=3).contains(&name.split('-').count()) && !name.contains(".t") && !name.contains('+')
}

fn is_there(tarball: &Tarball) -> bool {
    let path = tarball.dir.join(&tarball.file);
    path.symlink_metadata().is_ok_and(|found| {
        found.is_file() && (found.len(), found.ino()) == (tarball.size, tarball.inode)
    })
}

/// Sets its time to now, if it is still the file that was put there: whatever else has come into its place is not
/// touched.
pub(super) fn touch(tarball: &Tarball) {
    if !is_there(tarball) {
        return;
    }
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    if let Ok(file) = options.open(tarball.dir.join(&tarball.file)) {
        let user = nix::unistd::User::from_name(&tarball.user).ok().flatten();
        let is_it = file.metadata().is_ok_and(|found| {
            found.is_file()
                && found.ino() == tarball.inode
                && user.is_some_and(|user| user.uid.as_raw() == found.uid())
        });
        if is_it {
            // At worst sbuild finds it older than it is.
            let _ = file.set_modified(SystemTime::now());
        }
    }
}

/// Has a process with the user's ids take a tarball back; nothing where the user is gone, and the home with it.
pub(crate) fn withdraw(tarball: &Tarball, id: &ChrootId) -> Result<Option<Command>, OutputError> {
    let owner = match Owner::find(Some(&tarball.user)) {
        Ok(owner) => owner,
        Err(OutputError::UnknownUser { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let request = Request::Withdraw {
        dir: tarball.dir.clone(),
        name: id.to_string(),
        file: tarball.file.clone(),
        links: tarball.links.clone(),
    };
    Ok(Some(request.command(&owner)))
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        os::unix::fs::{MetadataExt, symlink},
        path::Path,
        time::{Duration, SystemTime},
    };

    use nix::unistd::{User, geteuid, getgid};

    use super::{Owner, SbuildPlace, is_listed, touch};
    use crate::{outputs::testing::config, store::Tarball};

    fn place(dir: &Path) -> SbuildPlace {
        let (config, id) = config("[dist.sid]\naliases = ['a']", "sid-amd64");
        let name = User::from_uid(geteuid()).unwrap().unwrap().name;
        let (uid, gid) = (geteuid().as_raw(), getgid().as_raw());
        let owner = Owner { name, uid, gid, is_caller: true, dir: dir.to_owned() };
        SbuildPlace::of(owner, &config, &id, &config.chroots[&id])
    }

    fn put(place: &SbuildPlace, links: &[&str]) -> Tarball {
        fs::write(place.path(), "x").unwrap();
        for link in links {
            symlink("sid-amd64.tar.zst", place.owner.dir.join(link)).unwrap();
        }
        Tarball {
            user: place.owner.name.clone(),
            dir: place.owner.dir.clone(),
            file: place.file(),
            links: links.iter().map(ToString::to_string).collect(),
            generation: 1,
            size: 1,
            inode: fs::metadata(place.path()).unwrap().ino(),
        }
    }

    #[test]
    fn sbuild_counts_dashes() {
        for (name, listed) in [
            ("trixie-amd64", true),
            ("trixie-backports-amd64", true),
            ("bookworm-backports-sloppy-amd64", false),
            ("sid", false),
            ("a.test-amd64", false),
        ] {
            assert_eq!(is_listed(name), listed, "{name}");
        }
    }

    #[test]
    fn a_tarball_is_current_as_long_as_nobody_touched_it_or_its_links() {
        let dir = tempfile::tempdir().unwrap();
        let place = place(dir.path());
        let tarball = put(&place, &["a-amd64.tar.zst", "unstable-amd64.tar.zst"]);
        assert!(place.is_current(&tarball, 1));
        assert!(!place.is_current(&tarball, 2), "of another generation");
        fs::remove_file(dir.path().join("a-amd64.tar.zst")).unwrap();
        assert!(!place.is_current(&tarball, 1), "a link is gone");
        symlink("sid-amd64.tar.zst", dir.path().join("a-amd64.tar.zst")).unwrap();
        assert!(place.is_current(&tarball, 1));
        fs::rename(place.path(), dir.path().join("moved")).unwrap();
        fs::write(place.path(), "y").unwrap();
        assert!(!place.is_current(&tarball, 1), "another file in its place");
    }

    #[test]
    fn only_the_file_that_was_put_there_gets_a_new_time() {
        let dir = tempfile::tempdir().unwrap();
        let place = place(dir.path());
        let tarball = put(&place, &[]);
        let old = SystemTime::now() - Duration::from_secs(1_000_000);
        let age = || fs::metadata(place.path()).unwrap().modified().unwrap();
        File::open(place.path()).unwrap().set_modified(old).unwrap();
        touch(&tarball);
        assert!(age() > old);
        File::open(place.path()).unwrap().set_modified(old).unwrap();
        touch(&Tarball { inode: tarball.inode + 1, ..tarball });
        assert_eq!(age(), old);
    }
}

//! The definition of a chroot for schroot, see schroot.conf(5): a file that names the tree of a generation, over which
//! each session gets a layer of its own. Replaced by one rename: schroot sees the old generation or the new one.
//!
//! There is no way in for changes: `source-groups` is left out, for a generation is never changed.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};

use super::{
    OutputError,
    names::{self, Alias},
    rivals::{Definitions, aliases, without_alias},
};
use crate::{
    config::{Chroot, Config},
    foreign::is_32_bit,
    spec::ChrootId,
    store::{Generation, SchrootEntry, durable},
};

/// Where a chroot's definition goes, and which names are in it.
#[derive(Debug)]
pub(crate) struct SchrootPlace {
    id: ChrootId,
    dir: PathBuf,
    state_dir: PathBuf,
    name: String,
    aliases: Vec<Alias>,
    is_32_bit: bool,
}

impl SchrootPlace {
    pub(super) fn plan(
        config: &Config,
        id: &ChrootId,
        chroot: &Chroot,
    ) -> Result<Self, OutputError> {
        if !nix::unistd::geteuid().is_root() {
            return Err(OutputError::NotRoot);
        }
        Self::plan_names(config, id, chroot)
    }

    /// `DIST-ARCH-sbuild` is what sbuild looks for first; `DIST-ARCH` is what the chroot is called everywhere else.
    fn plan_names(config: &Config, id: &ChrootId, chroot: &Chroot) -> Result<Self, OutputError> {
        let arch = id.arch;
        let mut aliases = vec![Alias::expected(id.to_string())];
        for dist in names::of_dist(config, id, chroot) {
            let is_asked_for = dist.is_asked_for;
            aliases.push(Alias { name: format!("{}-{arch}-sbuild", dist.name), is_asked_for });
            aliases.push(Alias::expected(format!("{}-{arch}", dist.name)));
        }
        let name = file_name(id);
        let names = aliases.iter().map(|alias| &alias.name).chain([&name]);
        if let Some(name) = names.into_iter().find(|name| name.contains('+')) {
            return Err(OutputError::SchrootName { name: name.clone() });
        }
        let state_dir = config.state_dir.clone();
        if state_dir.as_os_str().as_encoded_bytes().iter().any(u8::is_ascii_control) {
            let name = state_dir.to_string_lossy().into_owned();
            return Err(OutputError::SchrootName { name });
        }
        let is_64_bit_host = config.host.arch.elf().is_some_and(crate::spec::Elf::is_64_bit);
        let is_32_bit = is_64_bit_host && is_32_bit(arch);
        let dir = config.schroot_dir.clone();
        Ok(Self { id: id.clone(), dir, state_dir, name, aliases, is_32_bit })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.join(&self.name)
    }

    /// How schroot and sbuild call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether this is to be an alias of it.
    pub(crate) fn wants(&self, alias: &str) -> bool {
        self.aliases.iter().any(|wanted| wanted.name == alias)
    }

    /// The first line of a file that is this chroot's, by which it is known again.
    fn mark(&self) -> String {
        mark(&self.id, &self.state_dir)
    }

    fn text(&self, generation: &Generation, aliases: &[String]) -> String {
        let lines = [
            (
                "description",
                format!(
                    "Debian {}/{} by chroot-maint, generation {}",
                    self.id.dist, self.id.arch, generation.number
                ),
            ),
            ("type", "directory".to_owned()),
            ("directory", generation.tree.display().to_string()),
            ("union-type", "overlay".to_owned()),
            ("profile", "sbuild".to_owned()),
            ("groups", "root,sbuild".to_owned()),
            ("root-groups", "root,sbuild".to_owned()),
        ];
        let mut text = format!("{}\n[{}]\n", self.mark(), self.name);
        let personality = self.is_32_bit.then(|| ("personality", "linux32".to_owned()));
        let aliases = (!aliases.is_empty()).then(|| ("aliases", aliases.join(",")));
        for (key, value) in lines.into_iter().chain(personality).chain(aliases) {
            text.extend([key, "=", &value, "\n"]);
        }
        text
    }

    /// Whether the file says what it should. Reads it.
    pub(crate) fn is_current(&self, entry: &SchrootEntry, generation: &Generation) -> bool {
        let path = self.path();
        let there = fs::read_to_string(&path).unwrap_or_default();
        let aliases: Vec<String> = aliases(&there).map(str::to_owned).collect();
        *entry == self.entry(generation)
            && names::are_as_wanted(&aliases, &self.aliases)
            && there == self.text(generation, &aliases)
    }

    /// What is handed out by publishing this generation.
    pub(crate) fn entry(&self, generation: &Generation) -> SchrootEntry {
        SchrootEntry { path: self.path(), generation: generation.number }
    }

    /// Has schroot use this generation from its next session on. `still_has` says whether another chroot of this state
    /// directory is still to have an alias.
    pub(crate) fn publish(
        &self,
        generation: &Generation,
        still_has: impl Fn(&str, &str) -> bool,
    ) -> Result<SchrootEntry, OutputError> {
        let _lock = lock(&self.dir)?;
        let path = self.path();
        let is_free = path.symlink_metadata().is_err()
            || fs::read_to_string(&path)
                .is_ok_and(|text| text.lines().next() == Some(&self.mark()));
        if !is_free {
            return Err(OutputError::SchrootForeign { path, state_dir: self.state_dir.clone() });
        }
        if let Some(path) = self.holder(&self.name, &still_has)? {
            return Err(OutputError::SchrootTaken { name: self.name.clone(), path });
        }
        let mut aliases = Vec::new();
        for Alias { name, is_asked_for } in self.aliases.clone() {
            match self.holder(&name, &still_has)? {
                None => aliases.push(name),
                Some(path) if is_asked_for => return Err(OutputError::SchrootTaken { name, path }),
                Some(_) => {}
            }
        }
        replace(&self.dir, &self.name, &self.text(generation, &aliases))?;
        Ok(self.entry(generation))
    }

    /// The file that has a name and keeps it.
    fn holder(
        &self,
        name: &str,
        still_has: impl Fn(&str, &str) -> bool,
    ) -> Result<Option<PathBuf>, OutputError> {
        for other in Definitions::all(&self.dir) {
            let has = other.path != self.path() && other.has(name);
            if has && !self.take_over(&other, name, &still_has)? {
                return Ok(Some(other.path));
            }
        }
        Ok(None)
    }

    /// Takes an alias out of the file of another chroot that is not to have it any more: `stable` moves on. Whether
    /// that was so.
    fn take_over(
        &self,
        other: &Definitions,
        alias: &str,
        still_has: impl Fn(&str, &str) -> bool,
    ) -> Result<bool, OutputError> {
        let Some(name) = other.path.file_name().and_then(|name| name.to_str()) else {
            return Ok(false);
        };
        let owner = name.strip_suffix("-sbuild").and_then(|id| ChrootId::parse(id).ok());
        let is_ours = owner.is_some_and(|owner| {
            other.text.lines().next() == Some(&mark(&owner, &self.state_dir))
                && !still_has(&owner.to_string(), alias)
        });
        let less = without_alias(&other.text, alias);
        if !is_ours || less == other.text {
            return Ok(false);
        }
        replace(&self.dir, name, &less)?;
        Ok(true)
    }
}

fn mark(id: &ChrootId, state_dir: &Path) -> String {
    format!("# Written by chroot-maint for {id} in {}; changes will be lost.", state_dir.display())
}

/// Where a chroot's definition is by the config, whether that wants one or not. Only root has any.
pub(crate) fn usual_path(config: &Config, id: &ChrootId) -> Option<PathBuf> {
    nix::unistd::geteuid().is_root().then(|| config.schroot_dir.join(file_name(id)))
}

fn file_name(id: &ChrootId) -> String {
    format!("{id}-sbuild")
}

/// Takes a definition back, if it is still this chroot's, and what a killed run was about to replace it with. Whether
/// there was one.
pub(crate) fn withdraw(path: &Path, id: &ChrootId, state_dir: &Path) -> Result<bool, OutputError> {
    let Some(dir) = path.parent().filter(|dir| dir.is_dir()) else {
        return Ok(false);
    };
    let unfinished = path.file_name().map(|name| unfinished(dir, &name.to_string_lossy()));
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    if !is_there(path) && !unfinished.as_deref().is_some_and(is_there) {
        return Ok(false);
    }
    let _lock = lock(dir)?;
    if let Some(unfinished) = unfinished {
        remove(&unfinished)?;
    }
    let there = fs::read_to_string(path).unwrap_or_default();
    let is_ours = there.lines().next() == Some(&mark(id, state_dir));
    if is_ours {
        remove(path)?;
    }
    durable::sync_dir(dir)?;
    Ok(is_ours)
}

/// Whoever changes a file in the directory looks at the others first.
fn lock(dir: &Path) -> Result<Flock<File>, OutputError> {
    let file = File::open(dir).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => OutputError::NoSchroot { dir: dir.to_owned() },
        _ => OutputError::Read { path: dir.to_owned(), source },
    })?;
    Flock::lock(file, FlockArg::LockExclusive)
        .map_err(|(_, errno)| OutputError::Read { path: dir.to_owned(), source: errno.into() })
}

/// Where a file is made: schroot reads none with a dot before its name.
fn unfinished(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!(".{name}.new"))
}

/// Deletes a file, if it is there.
fn remove(path: &Path) -> Result<(), OutputError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(OutputError::Write { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// What a killed run left is replaced.
fn replace(dir: &Path, name: &str, text: &str) -> Result<(), OutputError> {
    let new = unfinished(dir, name);
    remove(&new)?;
    durable::write(&new, text.as_bytes())?;
    durable::rename(&new, &dir.join(name))?;
    Ok(durable::sync_dir(dir)?)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use tempfile::TempDir;

    use super::{SchrootPlace, withdraw};
    use crate::{
        outputs::{
            OutputError,
            testing::{config, generation},
        },
        store::SchrootEntry,
    };

    fn place(dir: &Path, text: &str, chroot: &str) -> SchrootPlace {
        let head = format!("schroot-dir = '{}'\nstate-dir = '/srv'\n", dir.display());
        let (config, id) = config(&format!("{head}{text}"), chroot);
        SchrootPlace::plan_names(&config, &id, &config.chroots[&id]).unwrap()
    }

    fn publish(place: &SchrootPlace, number: u32) -> Result<SchrootEntry, OutputError> {
        place.publish(&generation(&place.id, number), |_, _| false)
    }

    fn chroot_d() -> (TempDir, std::path::PathBuf) {
        let etc = tempfile::tempdir().unwrap();
        let dir = etc.path().join("chroot.d");
        fs::create_dir(&dir).unwrap();
        (etc, dir)
    }

    #[test]
    fn a_definition_has_all_that_schroot_and_sbuild_look_for() {
        let (_etc, dir) = chroot_d();
        let place =
            place(&dir, "[dist.trixie]\naliases = ['stable']\narchs = ['i386']\n", "trixie-i386");
        let entry = publish(&place, 3).unwrap();
        assert_eq!(
            fs::read_to_string(dir.join("trixie-i386-sbuild")).unwrap(),
            "# Written by chroot-maint for trixie-i386 in /srv; changes will be lost.\n\
             [trixie-i386-sbuild]\n\
             description=Debian trixie/i386 by chroot-maint, generation 3\n\
             type=directory\n\
             directory=/srv/chroots/trixie-i386/gen/3\n\
             union-type=overlay\n\
             profile=sbuild\n\
             groups=root,sbuild\n\
             root-groups=root,sbuild\n\
             personality=linux32\n\
             aliases=trixie-i386,stable-i386-sbuild,stable-i386\n"
        );
        assert!(place.is_current(&entry, &generation(&place.id, 3)));
        assert!(!place.is_current(&entry, &generation(&place.id, 4)));
        publish(&place, 4).unwrap();
        assert!(!place.is_current(&entry, &generation(&place.id, 3)));
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
        assert!(withdraw(&entry.path, &place.id, Path::new("/srv")).unwrap());
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
    }

    #[test]
    fn what_somebody_else_wrote_is_left_alone() {
        let (_etc, dir) = chroot_d();
        let file = dir.join("trixie-amd64-sbuild");
        fs::write(&file, "[trixie-amd64-sbuild]\n").unwrap();
        let place = place(&dir, "[dist.trixie]", "trixie-amd64");
        let said = publish(&place, 1).unwrap_err().to_string();
        assert!(said.contains("was not written by chroot-maint"), "{said}");
        let unfinished = super::unfinished(&dir, "trixie-amd64-sbuild");
        fs::write(&unfinished, "half").unwrap();
        assert!(!withdraw(&file, &place.id, Path::new("/srv")).unwrap());
        assert!(file.exists());
        assert!(!unfinished.exists(), "what a killed run left");
    }

    #[test]
    fn a_name_that_is_taken_is_refused_and_an_alias_nobody_asked_for_gives_way() {
        let (_etc, dir) = chroot_d();
        let text = "[dist.trixie]\naliases = ['stable']";
        let place = place(&dir, text, "trixie-amd64");
        for (name, is_refused) in
            [("trixie-amd64-sbuild", true), ("stable-amd64-sbuild", true), ("trixie-amd64", false)]
        {
            fs::write(dir.join("mine"), format!("[x]\naliases={name}\n")).unwrap();
            match publish(&place, 1) {
                Ok(entry) => {
                    assert!(!is_refused, "{name}");
                    assert!(place.is_current(&entry, &generation(&place.id, 1)));
                    let text = fs::read_to_string(&entry.path).unwrap();
                    assert!(text.ends_with("aliases=stable-amd64-sbuild,stable-amd64\n"), "{text}");
                }
                Err(error) => assert!(is_refused, "{error}"),
            }
        }
    }

    #[test]
    fn an_alias_moves_on_to_the_next_release() {
        let (_etc, dir) = chroot_d();
        let old = place(&dir, "[dist.bookworm]\naliases = ['stable']", "bookworm-amd64");
        let old_entry = publish(&old, 1).unwrap();
        let text = "[dist.bookworm]\n[dist.trixie]\naliases = ['stable']";
        let new = place(&dir, text, "trixie-amd64");
        let still_has = |_: &str, _: &str| true;
        assert!(new.publish(&generation(&new.id, 1), still_has).is_err());
        let entry = publish(&new, 1).unwrap();
        assert!(new.is_current(&entry, &generation(&new.id, 1)));
        let old = place(&dir, text, "bookworm-amd64");
        assert!(old.is_current(&old_entry, &generation(&old.id, 1)));
    }

    #[test]
    fn a_host_without_schroot_is_told_what_to_install() {
        let place = place(Path::new("/nowhere/chroot.d"), "[dist.trixie]", "trixie-amd64");
        assert!(publish(&place, 1).unwrap_err().to_string().contains("apt-get install schroot"));
    }
}

//! The libraries that programs of a tree need, found in that tree and nowhere else. Knows ELF and paths; copies nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Component, Path, PathBuf},
};

use thiserror::Error;

use super::elf::{Linking, linking};
use crate::spec::Elf;

/// A tree that programs and their libraries are looked for in.
#[derive(Debug)]
pub(crate) struct Libraries<'a> {
    root: &'a Path,
    system: Vec<PathBuf>,
}

/// The libraries of some programs by name, each with its place in the tree, and the one loader of them all.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Closure {
    pub(crate) libraries: BTreeMap<String, PathBuf>,
    pub(crate) loader: Option<PathBuf>,
}

/// Why not all libraries are known.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum ClosureError {
    #[error("can't read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is damaged: {source}")]
    Damaged { path: PathBuf, source: object::Error },
    #[error("{path} needs {name}, which is not in the tree; is its package installed whole?")]
    Missing { path: PathBuf, name: String },
    #[error("{path} is started by {loader}, others by {other}; they can't share a tree")]
    Loaders { path: PathBuf, loader: String, other: String },
}

impl<'a> Libraries<'a> {
    /// Looks where the tree's own loader would: in its `ld.so.conf`, then in /lib and /usr/lib.
    pub(crate) fn of(root: &'a Path) -> Self {
        let mut system = configured(root, Path::new("/etc/ld.so.conf"), 0);
        system.extend(["/lib", "/usr/lib"].map(PathBuf::from));
        Self { root, system }
    }

    /// The real place of a file, as a path in the tree; symlinks lead nowhere but into the tree.
    pub(crate) fn real(&self, file: &Path) -> io::Result<PathBuf> {
        let mut done = PathBuf::from("/");
        let mut left: Vec<std::ffi::OsString> = words(file);
        left.reverse();
        let mut links = 0;
        while let Some(word) = left.pop() {
            if word == ".." {
                done.pop();
                continue;
            }
            let next = done.join(&word);
            let on_disk = self.on_disk(&next);
            if fs::symlink_metadata(&on_disk)?.is_symlink() {
                links += 1;
                if links > 40 {
                    return Err(io::Error::other("too many symbolic links"));
                }
                let target = fs::read_link(&on_disk)?;
                if target.is_absolute() {
                    done = PathBuf::from("/");
                }
                left.extend(words(&target).into_iter().rev());
            } else {
                done = next;
            }
        }
        Ok(done)
    }

    /// The bytes of a file of the tree.
    pub(crate) fn read(&self, file: &Path) -> Result<Vec<u8>, ClosureError> {
        let failed = |source| ClosureError::Read { path: file.to_owned(), source };
        let real = self.real(file).map_err(failed)?;
        fs::read(self.on_disk(&real)).map_err(failed)
    }

    /// Where a path of the tree is for this process.
    pub(crate) fn on_disk(&self, file: &Path) -> PathBuf {
        self.root.join(file.strip_prefix("/").unwrap_or(file))
    }

    /// All libraries of these programs, and those of the libraries.
    pub(crate) fn closure(
        &self,
        programs: impl IntoIterator<Item = PathBuf>,
    ) -> Result<Closure, ClosureError> {
        let mut closure = Closure::default();
        let mut queue: Vec<PathBuf> = programs.into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(file) = queue.pop() {
            if !seen.insert(file.clone()) {
                continue;
            }
            let bytes = self.read(&file)?;
            let found = linking(&bytes)
                .map_err(|source| ClosureError::Damaged { path: file.clone(), source })?;
            let Some(found) = found else {
                continue;
            };
            note_loader(&mut closure, &file, &found)?;
            for name in &found.needed {
                if closure.libraries.contains_key(name) {
                    continue;
                }
                let library = self.find(name, &file, &found, Elf::read(&bytes));
                let library = library.ok_or_else(|| ClosureError::Missing {
                    path: file.clone(),
                    name: name.clone(),
                })?;
                queue.push(library.clone());
                closure.libraries.insert(name.clone(), library);
            }
        }
        // The loader is needed by name too, and has a place of its own.
        let loader = closure.loader.as_deref().and_then(Path::file_name);
        closure.libraries.retain(|name, _| loader.is_none_or(|loader| loader != name.as_str()));
        Ok(closure)
    }

    /// As the loader looks: those for other machines are passed over.
    fn find(&self, name: &str, by: &Path, found: &Linking, elf: Option<Elf>) -> Option<PathBuf> {
        let origin = self.real(by).ok()?.parent()?.to_string_lossy().into_owned();
        let own = found.search.iter().map(|dir| {
            PathBuf::from(dir.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin))
        });
        own.chain(self.system.iter().cloned()).map(|dir| dir.join(name)).find(|candidate| {
            let real = self.real(candidate).ok();
            let bytes = real.and_then(|real| fs::read(self.on_disk(&real)).ok());
            bytes.is_some_and(|bytes| elf.is_some() && Elf::read(&bytes) == elf)
        })
    }
}

/// Where a file of a tree is for this process. The directory's symlinks lead nowhere but into the tree; the file itself need
/// not be there, and is not followed.
pub(crate) fn place_in(root: &Path, file: &Path) -> io::Result<PathBuf> {
    let libraries = Libraries { root, system: Vec::new() };
    let real = libraries.real(file.parent().unwrap_or(Path::new("/")))?;
    Ok(libraries.on_disk(&real).join(file.file_name().unwrap_or_default()))
}

/// All programs of a tree are to be started by one loader.
fn note_loader(closure: &mut Closure, file: &Path, found: &Linking) -> Result<(), ClosureError> {
    let Some(loader) = &found.interpreter else {
        return Ok(());
    };
    match &closure.loader {
        Some(known) if known != Path::new(loader) => Err(ClosureError::Loaders {
            path: file.to_owned(),
            loader: loader.clone(),
            other: known.display().to_string(),
        }),
        _ => {
            closure.loader = Some(PathBuf::from(loader));
            Ok(())
        }
    }
}

fn words(path: &Path) -> Vec<std::ffi::OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(word) => Some(word.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
}

/// The directories in an `ld.so.conf`, with the files that it includes.
fn configured(root: &Path, file: &Path, depth: usize) -> Vec<PathBuf> {
    let on_disk = root.join(file.strip_prefix("/").unwrap_or(file));
    let (true, Ok(text)) = (depth < 4, fs::read_to_string(on_disk)) else {
        return Vec::new();
    };
    let mut dirs = Vec::new();
    for line in text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
        if let Some(pattern) = line.strip_prefix("include ") {
            let below = root.join(pattern.trim().trim_start_matches('/'));
            let files = glob::glob(&below.to_string_lossy()).into_iter().flatten().flatten();
            for file in files {
                if let Ok(inside) = file.strip_prefix(root) {
                    dirs.extend(configured(root, inside, depth + 1));
                }
            }
        } else if !line.is_empty() {
            dirs.push(PathBuf::from(line));
        }
    }
    dirs
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, path::Path};

    use super::{ClosureError, Libraries};

    #[test]
    fn symlinks_lead_into_the_tree_and_not_out_of_it() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("usr/lib/deep")).unwrap();
        symlink("usr/lib", root.path().join("lib")).unwrap();
        fs::write(root.path().join("usr/lib/deep/a.so.1"), "x").unwrap();
        symlink("/lib/deep/../../../../usr/lib/deep/a.so.1", root.path().join("usr/lib/a.so"))
            .unwrap();
        symlink("/etc/passwd", root.path().join("usr/lib/out")).unwrap();
        let libraries = Libraries::of(root.path());
        let real = libraries.real(Path::new("/lib/a.so")).unwrap();
        assert_eq!(real, Path::new("/usr/lib/deep/a.so.1"));
        assert!(libraries.real(Path::new("/lib/out")).is_err());
    }

    #[test]
    fn the_loaders_directories_come_from_its_configuration() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("etc/ld.so.conf.d")).unwrap();
        fs::write(root.path().join("etc/ld.so.conf"), "include /etc/ld.so.conf.d/*.conf\n/opt\n")
            .unwrap();
        fs::write(root.path().join("etc/ld.so.conf.d/a.conf"), "# of libc\n/lib/t\n").unwrap();
        let libraries = Libraries::of(root.path());
        assert_eq!(
            libraries.system,
            ["/lib/t", "/opt", "/lib", "/usr/lib"].map(Into::into) as [std::path::PathBuf; 4]
        );
    }

    #[test]
    fn the_closure_of_this_tests_own_program_is_whole() {
        let program = std::env::current_exe().unwrap();
        let closure = Libraries::of(Path::new("/")).closure([program]).unwrap();
        let loader = closure.loader.unwrap();
        assert!(closure.libraries.keys().any(|name| name.starts_with("libc.so")));
        let loader = loader.file_name().unwrap().to_str().unwrap();
        assert!(!closure.libraries.contains_key(loader), "the loader is no library");
    }

    #[test]
    fn a_library_that_is_not_in_the_tree_is_named() {
        let root = tempfile::tempdir().unwrap();
        fs::copy("/proc/self/exe", root.path().join("program")).unwrap();
        let error = Libraries::of(root.path()).closure(["/program".into()]).unwrap_err();
        assert!(matches!(error, ClosureError::Missing { .. }), "{error}");
    }
}

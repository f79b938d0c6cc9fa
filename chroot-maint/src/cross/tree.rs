//! Builds a tree of tools in a donor: a throw-away clone of the native chroot with the cross packages installed.
//!
//! The tree is built at its final path in the donor, [`PRIVATE`], so that every program can be tried there as it will be run; whoever
//! asked for it moves it away. It is self-contained: `ld.so`, `lib` with every library, `bin`, and the dispatcher. Movable programs
//! and all libraries get the tree's loader and library directory by patchelf, as RPATH: unlike RUNPATH, that comes before a
//! build's `LD_LIBRARY_PATH` and holds for libraries of libraries too; absolute, for `$ORIGIN` needs /proc. Compilers are not
//! movable and export so many symbols that patchelf (0.18) lets their segments overlap: they stay as they are, and the
//! dispatcher starts them through the loader.
//!
//! Knows the list of tools, packages, ELF. Does not know how a donor is made, nor what a sandbox is.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

use thiserror::Error;

use super::{
    closure::{ClosureError, Libraries},
    elf::linking,
    headers::{self, HeadersError},
    list::{Group, Names, Source, Start, Tier, ToolList},
    manifest::{Built, LeftOut, Manifest, ManifestError, PRIVATE, Program, SUFFIX},
    packages::{Installed, PackagesError},
};

/// The dispatcher's source.
const DISPATCHER: &str = include_str!("dispatch.c");

/// What every file of the tree is dated: 2000-01-01, as everything else that a chroot holds is not to depend on the day.
const DATE: Duration = Duration::from_secs(946_684_800);

/// A tree that tools are taken from.
pub(crate) struct Donor<'a> {
    pub(crate) root: &'a Path,
    /// A program to be run in it as root, with nothing but that tree in sight.
    pub(crate) command: &'a dyn Fn(&str) -> Command,
}

/// Why there is no tree.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum TreeError {
    #[error(transparent)]
    Packages(#[from] PackagesError),
    #[error(transparent)]
    Closure(#[from] ClosureError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("{program} of the cross compiler {source}")]
    Headers { program: String, source: HeadersError },
    #[error("no group of tools can be had: {0}")]
    Nothing(String),
    #[error("{one} and {other} have one name, and can't both be in the tree")]
    Twice { one: PathBuf, other: PathBuf },
    #[error("can't write {path}: {source}")]
    Write { path: PathBuf, source: io::Error },
    #[error("can't start {program} in the native chroot: {source}")]
    Start { program: String, source: io::Error },
    #[error("{program} failed in the native chroot: {said}")]
    Failed { program: String, said: String },
}

/// Builds the tree of these tiers in the donor at [`PRIVATE`].
pub(crate) fn build(
    list: &ToolList,
    tiers: &[Tier],
    names: &Names,
    donor: &Donor<'_>,
) -> Result<Manifest, TreeError> {
    let packages = Installed::read(donor.root)?;
    let libraries = Libraries::of(donor.root);
    let mut work = Work { names, donor, libraries, copies: BTreeMap::new() };
    let (mut groups, mut left_out) = (Vec::new(), Vec::new());
    for group in list.of_tiers(tiers) {
        match work.choose(list, group, &packages) {
            Ok((built, copies)) => {
                work.take(copies)?;
                groups.push(built);
            }
            Err(reason) => left_out.push(LeftOut { name: group.name.clone(), reason }),
        }
    }
    if groups.is_empty() {
        let reasons: Vec<String> =
            left_out.iter().map(|one| format!("{}: {}", one.name, one.reason)).collect();
        return Err(TreeError::Nothing(reasons.join("; ")));
    }
    let dispatched: BTreeSet<&str> = groups
        .iter()
        .filter(|group| group.start == Start::Dispatch)
        .flat_map(|group| group.programs.iter().map(|program| program.name.as_str()))
        .collect();
    work.make_whole(&dispatched)?;
    let hash = work.seal()?;
    let manifest =
        Manifest { hash, triplet: names.triplet.clone(), gcc: names.gcc.clone(), groups, left_out };
    manifest.write(&work.dir())?;
    Ok(manifest)
}

/// Where in the tree something comes from the donor's: the place in the tree by the place in the donor.
type Copies = Vec<(PathBuf, PathBuf)>;

struct Work<'a> {
    names: &'a Names,
    donor: &'a Donor<'a>,
    libraries: Libraries<'a>,
    copies: BTreeMap<PathBuf, PathBuf>,
}

impl Work<'_> {
    fn dir(&self) -> PathBuf {
        self.libraries.on_disk(Path::new(PRIVATE))
    }

    /// The programs of a group, or what is missing for it.
    fn choose(
        &self,
        list: &ToolList,
        group: &Group,
        packages: &Installed,
    ) -> Result<(Built, Copies), String> {
        let missing = |package: &str| format!("{package} is not installed in the native chroot");
        for package in group.also.iter().map(|package| self.names.fill(package)) {
            if packages.version(&package).is_none() {
                return Err(missing(&package));
            }
        }
        let (mut programs, mut copies) = (Vec::new(), Copies::new());
        if let Some(package) = &group.package {
            let version = packages.version(package).ok_or_else(|| missing(package))?;
            let shipped = packages.files(package);
            for file in group.chosen(shipped.into_iter()) {
                if list.forbidden(file).is_some() || !self.is_program(file) {
                    continue;
                }
                let name = base(file);
                copies.push((Path::new("bin").join(&name), PathBuf::from(file)));
                programs.push(Program {
                    file: vec![file.to_owned()],
                    name,
                    package: package.clone(),
                    version: version.to_owned(),
                    optional: false,
                });
            }
        }
        for replace in &group.replace {
            let file = self.names.alternatives(&replace.file);
            let from = match (&replace.from, group.source) {
                (Some(from), _) => self.names.alternatives(from),
                (None, Source::Built) => {
                    vec![format!("{PRIVATE}-built/{}", base(&file[0]))]
                }
                (None, _) => file.clone(),
            };
            let found = from.iter().find(|file| self.is_program(file));
            let Some(found) = found else {
                if replace.optional {
                    continue;
                }
                return Err(format!("the native chroot has no {}", from.join(" or ")));
            };
            let owner = if group.source == Source::Built { &file[0] } else { found };
            let package = packages.shipped(owner).map(|shipped| shipped.package);
            let package = package.ok_or_else(|| format!("no package ships {owner}"))?;
            let name = base(&file[0]);
            copies.push((Path::new("bin").join(&name), PathBuf::from(found)));
            programs.push(Program {
                file,
                name,
                package: package.to_owned(),
                version: packages.version(package).unwrap_or_default().to_owned(),
                optional: replace.optional,
            });
        }
        for beside in &group.beside {
            let from = self.names.alternatives(&beside.from);
            let found = from.iter().find(|file| self.is_program(file));
            let Some(found) = found else {
                if beside.optional {
                    continue;
                }
                return Err(format!("the native chroot has no {}", from.join(" or ")));
            };
            copies.push((Path::new("lib").join(base(found)), PathBuf::from(found)));
        }
        if programs.is_empty() {
            return Err("none of its programs is in the native chroot".to_owned());
        }
        let built =
            Built { name: group.name.clone(), tier: group.tier, start: group.start, programs };
        Ok((built, copies))
    }

    /// Scripts and symlinks are the same in both chroots already.
    fn is_program(&self, file: &str) -> bool {
        let on_disk = self.libraries.on_disk(Path::new(file));
        let is_link = fs::symlink_metadata(&on_disk).is_ok_and(|data| data.is_symlink());
        let bytes = self.libraries.read(Path::new(file)).ok();
        let is_elf = bytes.is_some_and(|bytes| matches!(linking(&bytes), Ok(Some(_))));
        // A library may be named by a link to it; a program's link is replaced with what it leads to.
        is_elf && (!is_link || file.contains(".so"))
    }

    fn take(&mut self, copies: Copies) -> Result<(), TreeError> {
        for (place, from) in copies {
            match self.copies.insert(place, from.clone()) {
                Some(other) if other != from => return Err(TreeError::Twice { one: from, other }),
                _ => {}
            }
        }
        Ok(())
    }

    /// Copies programs, libraries and the loader, and has them find one another.
    fn make_whole(&self, dispatched: &BTreeSet<&str>) -> Result<(), TreeError> {
        let closure = self.libraries.closure(self.copies.values().cloned())?;
        let loader = closure.loader.clone().unwrap_or_default();
        for dir in ["bin", "lib"] {
            let path = self.dir().join(dir);
            fs::create_dir_all(&path).map_err(|source| TreeError::Write { path, source })?;
        }
        self.copy(&loader, Path::new("ld.so"), None)?;
        for (name, library) in &closure.libraries {
            let place = Path::new("lib").join(name);
            self.copy(library, &place, None)?;
            self.lead_libraries(&place, false)?;
        }
        for (place, from) in &self.copies {
            let bytes = self.libraries.read(from)?;
            let name = base(&place.to_string_lossy());
            let is_dispatched = dispatched.contains(name.as_str());
            if is_dispatched && matches!(name.as_str(), "cc1" | "cc1plus") {
                let right = headers::rewrite(&bytes, &headers::native(self.names))
                    .map_err(|source| TreeError::Headers { program: name, source })?;
                self.copy(from, place, Some(&right))?;
                continue;
            }
            self.copy(from, place, None)?;
            let is_program = place.starts_with("bin");
            if !is_program || !is_dispatched {
                self.lead_libraries(place, is_program)?;
            }
        }
        if !dispatched.is_empty() {
            self.compile_dispatcher()?;
        }
        Ok(())
    }

    fn copy(&self, from: &Path, to: &Path, contents: Option<&[u8]>) -> Result<(), TreeError> {
        let path = self.dir().join(to);
        let bytes = match contents {
            Some(bytes) => bytes.to_vec(),
            None => self.libraries.read(from)?,
        };
        fs::write(&path, bytes)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)))
            .map_err(|source| TreeError::Write { path, source })
    }

    /// The C library needs nothing, and is better left as it is.
    fn lead_libraries(&self, place: &Path, is_program: bool) -> Result<(), TreeError> {
        let path = self.dir().join(place);
        let bytes =
            fs::read(&path).map_err(|source| ClosureError::Read { path: path.clone(), source })?;
        let found = linking(&bytes).map_err(|source| ClosureError::Damaged { path, source })?;
        let Some(found) = found else {
            return Ok(());
        };
        let is_libc = found.interpreter.is_some() && !is_program;
        if is_libc || !is_program && found.needed.is_empty() {
            return Ok(());
        }
        let lib = format!("{PRIVATE}/lib");
        let loader = format!("{PRIVATE}/ld.so");
        let file = Path::new(PRIVATE).join(place).to_string_lossy().into_owned();
        let mut words = vec!["--force-rpath", "--set-rpath", lib.as_str()];
        if is_program {
            words.extend(["--set-interpreter", loader.as_str()]);
        }
        words.push(&file);
        self.run("patchelf", &words)?;
        if is_program {
            // It says which libraries it gets, without being run; what it lacks is an error.
            self.run(&loader, &["--list", &file])?;
        }
        Ok(())
    }

    fn compile_dispatcher(&self) -> Result<(), TreeError> {
        let path = self.dir().join("dispatch.c");
        fs::write(&path, DISPATCHER)
            .map_err(|source| TreeError::Write { path: path.clone(), source })?;
        let define = |name: &str, value: &str| format!("-D{name}=\"{value}\"");
        let words = [
            "-O2".to_owned(),
            "-static".to_owned(),
            "-s".to_owned(),
            define("PRIVATE", PRIVATE),
            define("TRIPLET", &self.names.triplet),
            define("GCC", &self.names.gcc),
            define("SUFFIX", SUFFIX),
            "-o".to_owned(),
            format!("{PRIVATE}/dispatch"),
            format!("{PRIVATE}/dispatch.c"),
        ];
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.run("gcc", &words)?;
        fs::remove_file(&path).map_err(|source| TreeError::Write { path, source })
    }

    fn run(&self, program: &str, words: &[&str]) -> Result<(), TreeError> {
        let mut command = (self.donor.command)(program);
        let output = command
            .args(words)
            .output()
            .map_err(|source| TreeError::Start { program: program.to_owned(), source })?;
        if output.status.success() {
            return Ok(());
        }
        let text = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&text);
        let said = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("nothing was said");
        Err(TreeError::Failed { program: base(program), said: said.to_owned() })
    }

    /// Dates every file, and sums the tree up.
    fn seal(&self) -> Result<String, TreeError> {
        let dir = self.dir();
        let mut files = Vec::new();
        for below in ["", "bin", "lib"] {
            let below = dir.join(below);
            let failed = |source| TreeError::Write { path: below.clone(), source };
            for entry in fs::read_dir(&below).map_err(failed)? {
                let path = entry.map_err(failed)?.path();
                if path.is_file() {
                    files.push(path);
                }
            }
        }
        files.sort();
        for path in &files {
            fs::File::options()
                .append(true)
                .open(path)
                .and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH + DATE))
                .map_err(|source| TreeError::Write { path: path.clone(), source })?;
        }
        self.sum(&files)
    }

    /// By sha256sum, which is in every chroot; over the names in the tree and the sums of the files.
    fn sum(&self, files: &[PathBuf]) -> Result<String, TreeError> {
        let inside: Vec<String> = files
            .iter()
            .filter_map(|path| path.strip_prefix(self.dir()).ok())
            .map(|path| path.to_string_lossy().into_owned())
            .collect();
        let program = "sha256sum";
        let start = |source| TreeError::Start { program: program.to_owned(), source };
        let script = format!("cd {PRIVATE} && sha256sum -- \"$@\" | sha256sum");
        let output = (self.donor.command)("sh")
            .args([OsStr::new("-c"), script.as_ref(), "sh".as_ref()])
            .args(&inside)
            .output()
            .map_err(start)?;
        let text = String::from_utf8_lossy(&output.stdout);
        let hash = text.split(' ').next().unwrap_or_default();
        if !output.status.success() || hash.len() != 64 {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(TreeError::Failed { program: program.to_owned(), said });
        }
        Ok(hash.to_owned())
    }
}

fn base(file: &str) -> String {
    file.rsplit('/').next().unwrap_or(file).to_owned()
}

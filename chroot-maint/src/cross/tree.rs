//! Builds a tree of tools in a donor: a throw-away clone of the native chroot with the cross packages installed.
//!
//! The tree is built at its final path in the donor, [`PRIVATE`], so that every program can be tried there as it will be run; whoever
//! asked for it moves it away. It is self-contained: `ld.so`, `lib` with every library, `bin` and `libexec` with the programs, and the
//! two small ones that start them and put them into their places. Programs that can be loaded anywhere
//! and all libraries get the tree's loader and library directory by patchelf, as RPATH: unlike RUNPATH, that comes before a
//! build's `LD_LIBRARY_PATH` and holds for libraries of libraries too; absolute, for `$ORIGIN` needs /proc. Compilers can't be
//! loaded anywhere and export so many symbols that patchelf (0.18) lets their segments overlap: they stay as they are, in `libexec`, and the
//! dispatcher starts them through the loader.
//!
//! Knows the list of tools, packages, ELF. Does not know how a donor is made, nor what a sandbox is.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use thiserror::Error;

use super::{
    closure::{ClosureError, Libraries},
    elf::linking,
    headers::{self, HeadersError},
    list::{Names, ToolList},
    manifest::{Check, LeftOut, Manifest, ManifestError, PRIVATE},
    packages::{Installed, PackagesError},
    perl,
    programs::{self, DISPATCHER, Program, SWITCH},
    selection::{Copies, Selection, base},
};
use crate::spec::{Arch, Tier};

/// What the switch itself runs, without replacing anything.
const OF_SWITCH: &str = "/usr/bin/dpkg-divert";

/// Counts the changes in how trees are made that show neither in the list nor in the sources.
const REVISION: u32 = 2;

/// What every file of the tree is dated: 2000-01-01, as everything else that a chroot holds is not to depend on the day.
const DATE: u64 = 946_684_800;

/// What a tree is divided into.
const DIRS: [&str; 3] = ["bin", "lib", "libexec"];

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
    #[error("{one} and {other} have one name, and can't both be in the tree")]
    Twice { one: PathBuf, other: PathBuf },
    #[error("can't write {path}: {source}")]
    Write { path: PathBuf, source: io::Error },
    #[error("can't start {program} in the native chroot: {source}")]
    Start { program: String, source: io::Error },
    #[error("{program} failed in the native chroot: {said}")]
    Failed { program: String, said: String },
}

/// Sums up what a tree depends on besides packages: the list of tools, and the programs that come with it.
pub(crate) fn fingerprint(list: &ToolList) -> String {
    let first = perl::first(PRIVATE);
    let sources = DISPATCHER.texts().chain(SWITCH.texts());
    let texts = sources.chain([perl::COPY_MODULES, &first, list.text.as_str()]);
    // FNV-1a: only to see that something is not the same as before.
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    for byte in texts.flat_map(|text| text.bytes().chain([0])) {
        sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{REVISION}-{sum:016x}")
}

/// Builds the tree of these tiers in the donor at [`PRIVATE`]. If it gets no group at all, its manifest says why.
pub(crate) fn build(
    list: &ToolList,
    tiers: &[Tier],
    arch: Arch,
    names: &Names,
    donor: &Donor<'_>,
    failed: &BTreeMap<String, String>,
) -> Result<Manifest, TreeError> {
    let packages = Installed::read(donor.root)?;
    let selection = Selection { names, libraries: Libraries::of(donor.root) };
    let mut work = Work { donor, arch, selection, copies: BTreeMap::new() };
    let (mut groups, mut left_out) = (Vec::new(), Vec::new());
    for group in list.of_tiers(tiers) {
        match work.selection.choose(list, group, &packages) {
            Ok((built, copies)) => {
                work.take(copies)?;
                groups.push(built);
            }
            Err(reason) => {
                let name = group.name.clone();
                let reason = failed.get(&name).cloned().unwrap_or(reason);
                left_out.push(LeftOut { name, tier: group.tier, reason });
            }
        }
    }
    let has_scripts = groups.iter().any(|group| group.interpreter.is_some());
    for own in [OF_SWITCH].into_iter().chain(has_scripts.then_some(perl::PROGRAM)) {
        work.take(vec![(Path::new("bin").join(base(own)), PathBuf::from(own))])?;
    }
    let (libraries, copies) = work.selection.choose_preloads(list, &packages);
    work.take(copies)?;
    let with_headers: BTreeSet<&str> = groups
        .iter()
        .flat_map(|group| &group.programs)
        .filter(|program| program.check == Check::Headers)
        .map(|program| program.name.as_str())
        .collect();
    let taken = work.make_whole(&with_headers, has_scripts)?;
    let packages = taken
        .iter()
        .filter_map(|file| {
            let package = packages.shipped(&file.to_string_lossy())?.package;
            Some((package.to_owned(), packages.version(package)?.to_owned()))
        })
        .collect();
    let mut manifest = Manifest {
        hash: String::new(),
        arch: arch.to_string(),
        triplet: names.triplet.clone(),
        groups,
        libraries,
        left_out,
        packages,
    };
    for (name, text) in [("switch.list", manifest.switch_list()), ("dpkg.cfg", dpkg_hook())] {
        let path = work.dir().join(name);
        fs::write(&path, text).map_err(|source| TreeError::Write { path, source })?;
    }
    manifest.hash = work.seal()?;
    manifest.write(&work.dir())?;
    Ok(manifest)
}

/// A part of dpkg's configuration: the switch is called after every run, and must not make one fail.
fn dpkg_hook() -> String {
    format!("post-invoke=test ! -x {PRIVATE}/switch || {PRIVATE}/switch || true\n")
}

struct Work<'a> {
    donor: &'a Donor<'a>,
    arch: Arch,
    selection: Selection<'a>,
    copies: BTreeMap<PathBuf, PathBuf>,
}

impl Work<'_> {
    fn dir(&self) -> PathBuf {
        self.selection.libraries.on_disk(Path::new(PRIVATE))
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

    /// Copies programs, libraries and the loader, and has them find one another; gives where in the donor they were.
    fn make_whole(
        &self,
        with_headers: &BTreeSet<&str>,
        has_scripts: bool,
    ) -> Result<Vec<PathBuf>, TreeError> {
        for dir in DIRS {
            let path = self.dir().join(dir);
            fs::create_dir_all(&path).map_err(|source| TreeError::Write { path, source })?;
        }
        let modules = if has_scripts { self.copy_modules()? } else { Vec::new() };
        let roots = self.copies.values().cloned().chain(modules);
        let closure = self.selection.libraries.closure(roots)?;
        let loader = closure.loader.clone().unwrap_or_default();
        self.copy(&loader, Path::new("ld.so"), None)?;
        for (name, library) in &closure.libraries {
            let place = Path::new("lib").join(name);
            self.copy(library, &place, None)?;
            self.lead_libraries(&place)?;
        }
        for (place, from) in &self.copies {
            let name = base(&place.to_string_lossy());
            if with_headers.contains(name.as_str()) {
                let bytes = self.selection.libraries.read(from)?;
                let right = headers::rewrite(&bytes, &headers::native(self.selection.names))
                    .map_err(|source| TreeError::Headers { program: name, source })?;
                self.copy(from, place, Some(&right))?;
            } else {
                self.copy(from, place, None)?;
            }
            if !place.starts_with("libexec") {
                self.lead_libraries(place)?;
            }
        }
        for program in [&DISPATCHER, &SWITCH] {
            self.compile(program)?;
        }
        if has_scripts {
            self.run(
                "cp",
                &[
                    &format!("{PRIVATE}/{}", DISPATCHER.name),
                    &format!("{PRIVATE}/{}", perl::RUNNER),
                ],
            )?;
            self.try_modules()?;
        }
        let all = self.copies.values().chain(closure.libraries.values()).chain([&loader]);
        Ok(all.cloned().collect())
    }

    /// perl's modules; gives the libraries among them.
    fn copy_modules(&self) -> Result<Vec<PathBuf>, TreeError> {
        let Names { donor, triplet, .. } = self.selection.names;
        self.run("sh", &["-c", perl::COPY_MODULES, "sh", PRIVATE, donor, triplet])?;
        let path = self.dir().join(perl::MODULES).join(perl::FIRST);
        fs::write(&path, perl::first(PRIVATE))
            .map_err(|source| TreeError::Write { path, source })?;
        let mut libraries = Vec::new();
        let mut dirs = vec![PathBuf::from(PRIVATE).join(perl::MODULES)];
        while let Some(dir) = dirs.pop() {
            let path = self.selection.libraries.on_disk(&dir);
            let failed = |source| ClosureError::Read { path: path.clone(), source };
            for entry in fs::read_dir(&path).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let place = dir.join(entry.file_name());
                if entry.file_type().map_err(failed)?.is_dir() {
                    dirs.push(place);
                } else if place.extension().is_some_and(|end| end == "so") {
                    libraries.push(place);
                }
            }
        }
        Ok(libraries)
    }

    fn try_modules(&self) -> Result<(), TreeError> {
        let words = perl::TRIAL.map(|word| word.replace("TREE", PRIVATE));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.run(&format!("{PRIVATE}/bin/perl"), &words)
    }

    fn copy(&self, from: &Path, to: &Path, contents: Option<&[u8]>) -> Result<(), TreeError> {
        let path = self.dir().join(to);
        let bytes = match contents {
            Some(bytes) => bytes.to_vec(),
            None => self.selection.libraries.read(from)?,
        };
        fs::write(&path, bytes)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)))
            .map_err(|source| TreeError::Write { path, source })
    }

    /// The C library needs nothing, and is better left as it is.
    fn lead_libraries(&self, place: &Path) -> Result<(), TreeError> {
        let is_program = place.starts_with("bin");
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

    /// Compiles one of the tree's own programs, statically and against a small C library: they are started thousands of times.
    fn compile(&self, program: &Program) -> Result<(), TreeError> {
        let path = self.dir().join("sources");
        let failed = |source| TreeError::Write { path: path.clone(), source };
        let sources = program.write(&path).map_err(failed)?;
        let is_narrow = self.arch.elf().is_some_and(|elf| !elf.is_64_bit());
        let mut words = ["-O2", "-static", "-s", "-o"].map(str::to_owned).to_vec();
        words.push(format!("{PRIVATE}/{}", program.name));
        words.extend(programs::macros(self.selection.names, if is_narrow { 32 } else { 64 }));
        words.extend(sources.into_iter().map(|source| format!("{PRIVATE}/sources/{source}")));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.run("musl-gcc", &words)?;
        fs::remove_dir_all(&path).map_err(failed)
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

    /// Dates every file, and sums the tree up: names and contents, by sha256sum, which is in every chroot.
    fn seal(&self) -> Result<String, TreeError> {
        let script = format!(
            "set -e; cd {PRIVATE}; chmod -R u=rwX,go=rX .; find . -exec touch -h -d @{DATE} {{}} +; \
             find . -type f -exec sha256sum {{}} + | LC_ALL=C sort -k 2 | sha256sum"
        );
        let program = "sha256sum";
        let start = |source| TreeError::Start { program: program.to_owned(), source };
        let output = (self.donor.command)("sh").args(["-c", &script]).output().map_err(start)?;
        let text = String::from_utf8_lossy(&output.stdout);
        let hash = text.split(' ').next().unwrap_or_default();
        if !output.status.success() || hash.len() != 64 {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(TreeError::Failed { program: program.to_owned(), said });
        }
        Ok(hash.to_owned())
    }
}

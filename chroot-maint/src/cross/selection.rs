//! What of a donor a group takes, or why it can't be had. Knows the list of tools, packages, and whether a file is a program; copies nothing.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    closure::Libraries,
    elf::linking,
    headers,
    list::{Group, Names, Replace, Source, ToolList},
    manifest::{Built, Check, Interpreter, Library, Program},
    packages::Installed,
    perl,
};

/// Where whoever makes the donor leaves what was built there, and beside each program the texts that it has to have in common
/// with the chroot's own, a line each, in a file with this ending.
pub(crate) const BUILT: &str = "/usr/lib/chroot-maint-built";
pub(crate) const TEXTS: &str = ".texts";

/// What is copied: its place in the tree, and its place in the donor.
type Copied = (PathBuf, PathBuf);
pub(super) type Copies = Vec<Copied>;

/// A donor, looked at.
pub(super) struct Selection<'a> {
    pub(super) names: &'a Names,
    pub(super) libraries: Libraries<'a>,
}

impl Selection<'_> {
    /// The programs of a group, or what is missing for it.
    pub(super) fn choose(
        &self,
        list: &ToolList,
        group: &Group,
        packages: &Installed,
    ) -> Result<(Built, Copies), String> {
        let needs_compiler = group.also.iter().any(|package| package.contains("GCCVER"));
        if needs_compiler && self.names.gcc.is_empty() {
            return Err(missing("gcc"));
        }
        for package in group.also.iter().flat_map(|package| self.names.packages(package)) {
            if packages.version(&package).is_none() {
                return Err(missing(&package));
            }
        }
        let (mut programs, mut copies) = (Vec::new(), Copies::new());
        if let Some(package) = &group.package {
            (programs, copies) = self.choose_in(package, list, group, packages)?;
        }
        for replace in &group.replace {
            if let Some((program, copy)) = self.choose_one(replace, group, packages)? {
                programs.push(program);
                copies.push(copy);
            }
        }
        for beside in &group.beside {
            let found = self.first_program(&self.names.alternatives(&beside.file))?;
            copies.push((Path::new("lib").join(base(&found)), PathBuf::from(found)));
        }
        if programs.is_empty() {
            return Err("none of its programs is in the native chroot".to_owned());
        }
        let interpreter =
            if group.has_scripts() { Some(Self::interpreter(packages)?) } else { None };
        let built = Built { name: group.name.clone(), tier: group.tier, interpreter, programs };
        Ok((built, copies))
    }

    /// What a package ships of a group's files.
    fn choose_in(
        &self,
        package: &str,
        list: &ToolList,
        group: &Group,
        packages: &Installed,
    ) -> Result<(Vec<Program>, Copies), String> {
        let (mut programs, mut copies) = (Vec::new(), Copies::new());
        let version = packages.version(package).ok_or_else(|| missing(package))?;
        let shipped = packages.files(package);
        for file in group.chosen(shipped.into_iter()) {
            let is_meant = match group.source {
                Source::Scripts => self.is_script(file),
                _ => self.is_program(file),
            };
            if !is_meant || list.forbidden_in(group, file).is_some() {
                continue;
            }
            let name = base(file);
            if !group.has_scripts() {
                copies.push(self.copy_of(&name, file));
            }
            programs.push(Program {
                files: vec![file.to_owned()],
                name,
                packages: vec![package.to_owned()],
                donor: package.to_owned(),
                version: version.to_owned(),
                optional: group.has_scripts(),
                check: Check::Nothing,
            });
        }
        Ok((programs, copies))
    }

    /// A file that is named; nothing if the group is whole without it, and it isn't there.
    fn choose_one(
        &self,
        replace: &Replace,
        group: &Group,
        packages: &Installed,
    ) -> Result<Option<(Program, Copied)>, String> {
        let mut files = self.names.alternatives(&replace.file);
        let from = match (&replace.from, group.source) {
            (Some(from), _) => self.names.alternatives(from),
            (None, Source::Built) => vec![format!("{BUILT}/{}", base(&files[0]))],
            (None, _) => files.clone(),
        };
        let found = match self.first_program(&from) {
            Ok(found) => found,
            Err(_) if replace.optional => return Ok(None),
            Err(reason) => return Err(reason),
        };
        let owner = if group.source == Source::Built { &files[0] } else { &found };
        let shipped = packages.shipped(owner).ok_or_else(|| format!("no package ships {owner}"))?;
        if group.source == Source::Built {
            // A diversion must call it as the package does.
            files = vec![shipped.file.to_owned()];
        }
        let name = base(&files[0]);
        let copy = self.copy_of(&name, &found);
        let package = replace.package.as_deref().unwrap_or(shipped.package);
        let program = Program {
            check: self.check_of(&name, &found, group.source)?,
            files,
            name,
            packages: self.names.packages(package),
            donor: shipped.package.to_owned(),
            version: packages.version(shipped.package).unwrap_or_default().to_owned(),
            optional: replace.optional,
        };
        Ok(Some((program, copy)))
    }

    /// The first of several names that is one of a program.
    fn first_program(&self, files: &[String]) -> Result<String, String> {
        let found = files.iter().find(|file| self.is_program(file)).cloned();
        found.ok_or_else(|| format!("the native chroot has no {}", files.join(" or ")))
    }

    fn interpreter(packages: &Installed) -> Result<Interpreter, String> {
        let package = perl::PACKAGE.to_owned();
        let version = packages.version(&package);
        let version = version.ok_or_else(|| missing(&package))?;
        Ok(Interpreter { version: version.to_owned(), package })
    }

    /// Where a program goes: what can't be patched has a place of its own.
    fn copy_of(&self, name: &str, file: &str) -> Copied {
        let bytes = self.libraries.read(Path::new(file)).unwrap_or_default();
        let is_movable = matches!(linking(&bytes), Ok(Some(found)) if found.is_movable);
        let dir = if is_movable { "bin" } else { "libexec" };
        (Path::new(dir).join(name), PathBuf::from(file))
    }

    /// What is to be compared before a program is trusted.
    fn check_of(&self, name: &str, found: &str, source: Source) -> Result<Check, String> {
        match source {
            Source::Cross if matches!(name, "cc1" | "cc1plus") => {
                let bytes = self.libraries.read(Path::new(found)).unwrap_or_default();
                headers::rewrite(&bytes, &headers::native(self.names))
                    .map_err(|error| format!("{name} of the cross compiler {error}"))?;
                Ok(Check::Headers)
            }
            Source::Built => {
                let path = self.libraries.on_disk(Path::new(&format!("{found}{TEXTS}")));
                let texts = fs::read_to_string(&path)
                    .map_err(|error| format!("can't read {}: {error}", path.display()))?;
                Ok(Check::Texts(texts.lines().map(str::to_owned).collect()))
            }
            _ => Ok(Check::Nothing),
        }
    }

    /// Those of the preloaded libraries that the donor has.
    pub(super) fn choose_preloads(
        &self,
        list: &ToolList,
        packages: &Installed,
    ) -> (Vec<Library>, Copies) {
        let (mut libraries, mut copies) = (Vec::new(), Copies::new());
        for preload in &list.preloads {
            let file = self.names.fill(&preload.file);
            let version = packages.version(&preload.package);
            let (true, Some(version)) = (self.is_program(&file), version) else {
                continue;
            };
            let name = base(&file);
            copies.push((Path::new("lib").join(&name), PathBuf::from(&file)));
            let (package, version) = (preload.package.clone(), version.to_owned());
            libraries.push(Library { name, package, version });
        }
        (libraries, copies)
    }

    /// One that perl runs; symlinks lead to others.
    fn is_script(&self, file: &str) -> bool {
        let on_disk = self.libraries.on_disk(Path::new(file));
        let is_link = fs::symlink_metadata(&on_disk).is_ok_and(|data| data.is_symlink());
        !is_link && fs::read(on_disk).is_ok_and(|bytes| perl::runs(&bytes))
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
}

pub(super) fn base(file: &str) -> String {
    file.rsplit('/').next().unwrap_or(file).to_owned()
}

fn missing(package: &str) -> String {
    format!("{package} is not installed in the native chroot")
}

//! The emulators on this host: QEMU's, as Debian and Ubuntu install them. Looks at files, runs none.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use crate::spec::Arch;

/// A program that runs another architecture's programs and needs no library to do so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Emulator {
    path: PathBuf,
}

/// What a search came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Searched {
    Found(Emulator),
    /// One is there, but needs libraries: it could not be started in a tree that has none of the host's.
    Dynamic(PathBuf),
    /// Nothing is there.
    Nothing,
    /// There is no emulator for this architecture.
    Unknown,
}

impl Emulator {
    /// Looks where packages put it: first under the name by which Debian's QEMU knows that it gets the program's own
    /// name as well, then under the name of the static package, then of the newer, likewise static ones.
    pub(crate) fn search(arch: Arch) -> Searched {
        Self::search_in(Path::new("/usr"), arch)
    }

    fn search_in(usr: &Path, arch: Arch) -> Searched {
        let Some(name) = qemu_name(arch) else {
            return Searched::Unknown;
        };
        let places = [
            format!("libexec/qemu-binfmt/{name}-binfmt-P"),
            format!("bin/qemu-{name}-static"),
            format!("bin/qemu-{name}"),
        ];
        let mut dynamic = None;
        for path in places.map(|place| usr.join(place)) {
            match needs_interpreter(&path) {
                Some(false) => return Searched::Found(Self { path }),
                Some(true) => dynamic = dynamic.or(Some(path)),
                None => {}
            }
        }
        dynamic.map_or(Searched::Nothing, Searched::Dynamic)
    }

    #[cfg(test)]
    pub(crate) fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Searched {
    pub(crate) fn found(self) -> Option<Emulator> {
        match self {
            Self::Found(emulator) => Some(emulator),
            _ => None,
        }
    }
}

/// QEMU's name of an architecture, where it has an emulator for it.
fn qemu_name(arch: Arch) -> Option<&'static str> {
    let name: &'static str = arch.into();
    Some(match name {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        "armel" | "armhf" => "arm",
        "loong64" => "loongarch64",
        "ppc64el" => "ppc64le",
        "powerpc" => "ppc",
        "ia64" | "x32" => return None,
        same => same,
    })
}

/// A variable of the environment by which QEMU is told what processor to play, where it may play a slow one otherwise: for arm64,
/// QEMU before 10.0 authenticates pointers by QARMA5, and in what is compiled for that, as all of Debian is since trixie, most of
/// the time goes there. From 6.0 on it knows an algorithm of its own as well, behind the same instructions.
pub(crate) fn processor(arch: Arch) -> Option<(&'static str, &'static str)> {
    (qemu_name(arch)? == "aarch64").then_some(("QEMU_CPU", "max,pauth-impdef=on"))
}

/// Whether an ELF file names a dynamic linker (a program header of type `PT_INTERP`); `None` if it is no such file.
fn needs_interpreter(path: &Path) -> Option<bool> {
    const PT_INTERP: u64 = 3;
    let mut start = Vec::new();
    File::open(path).ok()?.take(4096).read_to_end(&mut start).ok()?;
    if start.get(..4)? != b"\x7fELF" {
        return None;
    }
    let (wide, little) = (start.get(4)? == &2, start.get(5)? == &1);
    let number = |at: usize, length: usize| {
        let bytes = start.get(at..at + length)?;
        let join = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(if little { bytes.iter().rev().fold(0, join) } else { bytes.iter().fold(0, join) })
    };
    let (table, size, count) = if wide {
        (number(32, 8)?, number(54, 2)?, number(56, 2)?)
    } else {
        (number(28, 4)?, number(42, 2)?, number(44, 2)?)
    };
    for index in 0..count {
        let at = usize::try_from(table + index * size).ok()?;
        if number(at, 4)? == PT_INTERP {
            return Some(true);
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, path::Path};

    use super::{Arch, Emulator, Searched, needs_interpreter};
    use crate::foreign::exit_program;

    #[test]
    fn a_program_with_libraries_is_told_from_one_without() {
        assert_eq!(needs_interpreter(Path::new("/bin/true")), Some(true));
        assert_eq!(needs_interpreter(Path::new("/etc/passwd")), None);
        assert_eq!(needs_interpreter(Path::new("/nowhere")), None);
        let dir = tempfile::tempdir().unwrap();
        for name in ["amd64", "armhf", "s390x"] {
            let file = dir.path().join(name);
            fs::write(&file, exit_program(Arch::find(name).unwrap()).unwrap()).unwrap();
            assert_eq!(needs_interpreter(&file), Some(false), "{name}");
        }
    }

    #[test]
    fn an_emulator_that_needs_libraries_is_of_no_use_and_is_told_apart() {
        let usr = tempfile::tempdir().unwrap();
        let arm64 = Arch::find("arm64").unwrap();
        assert_eq!(Emulator::search_in(usr.path(), arm64), Searched::Nothing);
        let bin = usr.path().join("bin");
        fs::create_dir(&bin).unwrap();
        symlink("/bin/true", bin.join("qemu-aarch64")).unwrap();
        let found = Emulator::search_in(usr.path(), arm64);
        assert_eq!(found, Searched::Dynamic(bin.join("qemu-aarch64")));
        fs::write(bin.join("qemu-aarch64-static"), exit_program(arm64).unwrap()).unwrap();
        let found = Emulator::search_in(usr.path(), arm64).found().unwrap();
        assert_eq!(found.path(), bin.join("qemu-aarch64-static"));
    }

    #[test]
    fn the_two_arms_share_an_emulator_and_x32_has_none() {
        assert_eq!(super::qemu_name(Arch::find("armel").unwrap()), Some("arm"));
        assert_eq!(Emulator::search(Arch::find("x32").unwrap()), Searched::Unknown);
    }
}

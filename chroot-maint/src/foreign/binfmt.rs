//! The kernel's `binfmt_misc`: which interpreters are registered for which files, and how one is registered.
//!
//! Entries are known by what they match, for their names differ: QEMU's packages, binfmt-support and container images
//! each have their own. See the kernel's Documentation/admin-guide/binfmt-misc.rst.

use std::{
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
};

use super::Emulator;
use crate::spec::Arch;

/// Where it is mounted, by everybody.
const MOUNT_POINT: &str = "/proc/sys/fs/binfmt_misc";

/// What is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Registry {
    /// Not mounted, or not to be read.
    Absent,
    /// Switched off as a whole.
    Disabled,
    Enabled(Vec<Entry>),
}

/// One registered interpreter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Entry {
    name: String,
    enabled: bool,
    interpreter: PathBuf,
    flags: String,
    offset: usize,
    magic: Vec<u8>,
    mask: Vec<u8>,
}

/// What a registry says of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    NotMounted,
    SwitchedOff,
    /// No entry matches.
    NoEntry,
    EntryDisabled(String),
    /// The entry's interpreter is looked for when a program starts, in the chroot, where it is not.
    NoFlagF {
        entry: String,
        interpreter: PathBuf,
    },
    /// The entry still has the interpreter's file open, but it is no longer there to be registered again.
    Vanished {
        entry: String,
        interpreter: PathBuf,
    },
    Registered {
        entry: String,
        interpreter: PathBuf,
    },
}

impl Registry {
    /// Reads the one that this process's programs are looked up in.
    pub(crate) fn read() -> Self {
        Self::read_from(Path::new(MOUNT_POINT))
    }

    fn read_from(dir: &Path) -> Self {
        match fs::read_to_string(dir.join("status")) {
            Err(_) => return Self::Absent,
            Ok(status) if status.trim() == "disabled" => return Self::Disabled,
            Ok(_) => {}
        }
        let mut entries: Vec<Entry> = fs::read_dir(dir)
            .into_iter()
            .flatten()
            .filter_map(|file| {
                let file = file.ok()?;
                let name = file.file_name().into_string().ok()?;
                // Those that match by extension have no magic.
                Entry::parse(&name, &fs::read_to_string(file.path()).ok()?)
            })
            .collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Self::Enabled(entries)
    }

    /// What would become of a program that begins with these bytes. Entries that work count before those that don't:
    /// of several that match, the kernel takes the last one registered, which nobody can ask it for.
    pub(crate) fn find(&self, program: &[u8]) -> Finding {
        let entries = match self {
            Self::Absent => return Finding::NotMounted,
            Self::Disabled => return Finding::SwitchedOff,
            Self::Enabled(entries) => entries,
        };
        let findings = entries.iter().filter(|entry| entry.matches(program)).map(Entry::finding);
        findings.max_by_key(Finding::rank).unwrap_or(Finding::NoEntry)
    }
}

impl Finding {
    fn rank(&self) -> u8 {
        match self {
            Self::Registered { .. } => 3,
            Self::Vanished { .. } => 2,
            Self::NoFlagF { .. } => 1,
            _ => 0,
        }
    }
}

impl Entry {
    /// Reads what the file of an entry says; `None` if it is none that matches by magic bytes.
    fn parse(name: &str, text: &str) -> Option<Self> {
        let mut entry = Self { name: name.to_owned(), ..Self::default() };
        for line in text.lines() {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            match key {
                "enabled" => entry.enabled = true,
                "interpreter" => entry.interpreter = PathBuf::from(value),
                "flags:" => value.trim().clone_into(&mut entry.flags),
                "offset" => entry.offset = value.parse().ok()?,
                "magic" => entry.magic = from_hex(value)?,
                "mask" => entry.mask = from_hex(value)?,
                _ => {}
            }
        }
        (!entry.magic.is_empty()).then_some(entry)
    }

    fn matches(&self, program: &[u8]) -> bool {
        let Some(start) = program.get(self.offset..self.offset + self.magic.len()) else {
            return false;
        };
        let masks = self.mask.iter().copied().chain(std::iter::repeat(0xff));
        start
            .iter()
            .zip(&self.magic)
            .zip(masks)
            .all(|((byte, magic), mask)| (byte ^ magic) & mask == 0)
    }

    fn finding(&self) -> Finding {
        let (entry, interpreter) = (self.name.clone(), self.interpreter.clone());
        if !self.enabled {
            Finding::EntryDisabled(entry)
        } else if !self.flags.contains('F') {
            Finding::NoFlagF { entry, interpreter }
        } else if !is_there(&interpreter) {
            Finding::Vanished { entry, interpreter }
        } else {
            Finding::Registered { entry, interpreter }
        }
    }
}

/// Only what is certainly gone counts as gone: a directory may be closed to this user.
fn is_there(path: &Path) -> bool {
    !matches!(fs::metadata(path), Err(error) if error.kind() == io::ErrorKind::NotFound)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim().as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    (digits.len() % 2 == 0).then(|| digits.chunks(2).map(byte).collect())?
}

/// The line that has the kernel start programs of `arch` by this emulator, in words as Debian's packages use them.
///
/// Matched are the identification but for the ABI and its version, the kinds `EXEC` and `DYN`, and the machine. The
/// flags: F, the emulator is opened now, not in the chroot; P, it is told the name that the program was
/// called by; O and C, a program that its user may not read, or that is setuid, runs as it should.
pub(crate) fn registration(arch: Arch, emulator: &Emulator) -> Option<String> {
    let elf = arch.elf()?;
    let little = elf.is_little_endian();
    let mut magic = b"\x7fELF".to_vec();
    magic.extend([if elf.is_64_bit() { 2 } else { 1 }, if little { 1 } else { 2 }, 1]);
    magic.resize(16, 0);
    let mut mask = [0xff; 20];
    [mask[7], mask[8]] = [0, 0];
    for (half, bits) in [(2_u16, 0xfffe_u16), (elf.machine(), 0xffff)] {
        let at = magic.len();
        magic.extend(if little { half.to_le_bytes() } else { half.to_be_bytes() });
        mask[at..at + 2].copy_from_slice(&if little {
            bits.to_le_bytes()
        } else {
            bits.to_be_bytes()
        });
    }
    let escape = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            // Writing to a String can't fail.
            let _ = write!(text, "\\x{byte:02x}");
            text
        })
    };
    let path = emulator.path().to_str()?;
    Some(format!(":chroot-maint-{arch}:M::{}:{}:{path}:OPF", escape(&magic), escape(&mask)))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use tempfile::TempDir;

    use super::{Arch, Entry, Finding, Registry, registration};
    use crate::foreign::{Emulator, exit_program};

    const MAGIC: &str = "offset 0\nmagic 7f454c460201010000000000000000000200b700\n\
                         mask ffffffffffffff00fffffffffffffffffeffffff\n";

    fn arm64() -> Vec<u8> {
        exit_program(Arch::find("arm64").unwrap()).unwrap()
    }

    fn registry(entries: &[(&str, &str)]) -> (TempDir, Registry) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [("status", "enabled\n"), ("register", "")].iter().chain(entries) {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let registry = Registry::read_from(dir.path());
        (dir, registry)
    }

    fn found(state: &str, interpreter: &str, flags: &str) -> Finding {
        let text = format!("{state}\ninterpreter {interpreter}\nflags: {flags}\n{MAGIC}");
        // Whatever the entry is called.
        registry(&[("docker-thing", &text)]).1.find(&arm64())
    }

    #[test]
    fn an_entry_is_known_by_what_it_matches_whatever_its_name() {
        assert!(matches!(found("enabled", "/bin/true", "POF"), Finding::Registered { .. }));
        let (_dir, registry) = registry(&[(
            "qemu-arm64",
            &format!("enabled\ninterpreter /bin/true\nflags: F\n{MAGIC}"),
        )]);
        let i386 = exit_program(Arch::find("i386").unwrap()).unwrap();
        assert_eq!(registry.find(&i386), Finding::NoEntry);
    }

    #[test]
    fn an_entry_that_is_of_no_use_is_recognised() {
        assert!(matches!(found("enabled", "/bin/true", "OC"), Finding::NoFlagF { .. }));
        assert!(matches!(found("disabled", "/bin/true", "F"), Finding::EntryDisabled(_)));
        assert!(matches!(found("enabled", "/nowhere/qemu", "F"), Finding::Vanished { .. }));
    }

    #[test]
    fn of_two_entries_the_one_that_works_counts() {
        let of = |flags| format!("enabled\ninterpreter /bin/true\nflags: {flags}\n{MAGIC}");
        let (_dir, registry) = registry(&[("a", &of("F")), ("b", &of("")), ("c", &of("P"))]);
        assert!(
            matches!(registry.find(&arm64()), Finding::Registered { entry, .. } if entry == "a")
        );
    }

    #[test]
    fn a_registry_may_be_absent_or_switched_off() {
        assert_eq!(Registry::read_from(Path::new("/nowhere")).find(&arm64()), Finding::NotMounted);
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("status"), "disabled\n").unwrap();
        assert_eq!(Registry::read_from(dir.path()).find(&arm64()), Finding::SwitchedOff);
    }

    #[test]
    fn entries_by_extension_and_nonsense_are_passed_over() {
        assert_eq!(
            Entry::parse("jar", "enabled\ninterpreter /usr/bin/jexec\nflags: \nextension .jar\n"),
            None
        );
        for text in ["", "enabled\nmagic 7f4\n", "magic xx\n", "offset -1\nmagic 7f\n"] {
            assert_eq!(Entry::parse("x", text), None, "{text:?}");
        }
    }

    /// The line that the Debian package registers, but for its name, its path and the ABI's version.
    #[test]
    fn a_registration_is_that_of_debians_package() {
        let usr = tempfile::tempdir().unwrap();
        let path = usr.path().join("qemu");
        fs::write(&path, arm64()).unwrap();
        let line = |name| {
            let arch = Arch::find(name).unwrap();
            let emulator = Emulator::at(&path);
            let line = registration(arch, &emulator).unwrap();
            line.replace(path.to_str().unwrap(), "QEMU")
        };
        assert_eq!(
            line("arm64"),
            r":chroot-maint-arm64:M::\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\x00\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:QEMU:OPF"
        );
        assert_eq!(
            line("s390x"),
            r":chroot-maint-s390x:M::\x7f\x45\x4c\x46\x02\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x16:\xff\xff\xff\xff\xff\xff\xff\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff:QEMU:OPF"
        );
    }
}

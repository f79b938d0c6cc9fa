//! Debian's architectures: their names, what an executable of each looks like, and which processors run those of another.
//!
//! Does not know which of them this host can run: that is tried.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the architectures in the table; equal to another only if it is the same one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub(crate) struct Arch(&'static str);

/// The fields of an ELF header that tell one architecture's executables from another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Elf {
    /// 1: 32 bits, 2: 64 bits (`EI_CLASS`).
    class: u8,
    /// 1: little-endian, 2: big-endian (`EI_DATA`).
    data: u8,
    /// `e_machine`.
    machine: u16,
}

const fn elf(bits: u8, little: bool, machine: u16) -> Elf {
    Elf { class: if bits == 64 { 2 } else { 1 }, data: if little { 1 } else { 2 }, machine }
}

/// Released architectures, then ports: Debian's name, the GNU name, and the machine numbers of <elf.h>.
const TABLE: &[(&str, &str, Elf)] = &[
    ("amd64", "x86_64-linux-gnu", elf(64, true, 62)),
    ("arm64", "aarch64-linux-gnu", elf(64, true, 183)),
    ("armel", "arm-linux-gnueabi", elf(32, true, 40)),
    ("armhf", "arm-linux-gnueabihf", elf(32, true, 40)),
    ("i386", "i386-linux-gnu", elf(32, true, 3)),
    ("loong64", "loongarch64-linux-gnu", elf(64, true, 258)),
    ("mips64el", "mips64el-linux-gnuabi64", elf(64, true, 8)),
    ("mipsel", "mipsel-linux-gnu", elf(32, true, 8)),
    ("ppc64el", "powerpc64le-linux-gnu", elf(64, true, 21)),
    ("riscv64", "riscv64-linux-gnu", elf(64, true, 243)),
    ("s390x", "s390x-linux-gnu", elf(64, false, 22)),
    ("alpha", "alpha-linux-gnu", elf(64, true, 0x9026)),
    ("hppa", "hppa-linux-gnu", elf(32, false, 15)),
    ("ia64", "ia64-linux-gnu", elf(64, true, 50)),
    ("m68k", "m68k-linux-gnu", elf(32, false, 4)),
    ("powerpc", "powerpc-linux-gnu", elf(32, false, 20)),
    ("ppc64", "powerpc64-linux-gnu", elf(64, false, 21)),
    ("sh4", "sh4-linux-gnu", elf(32, true, 42)),
    ("sparc64", "sparc64-linux-gnu", elf(64, false, 43)),
    ("x32", "x86_64-linux-gnux32", elf(32, true, 62)),
];

/// Processors, by the architecture of their own, that run another's programs themselves, every one of them and as fast. Others may:
/// many of arm64 run armhf.
const RUNS: &[(&str, &str)] = &[("amd64", "i386")];

impl Arch {
    /// The architecture of this name, if there is one.
    pub(crate) fn find(name: &str) -> Option<Self> {
        TABLE.iter().find(|(known, ..)| *known == name).map(|&(known, ..)| Self(known))
    }

    /// Every name in the table.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|&(name, ..)| name)
    }

    /// Whether its processors are known to run programs of the other one as they run its own.
    pub(crate) fn runs_natively(self, other: Self) -> bool {
        self == other || RUNS.contains(&(self.0, other.0))
    }

    /// What the header of its executables says.
    pub(crate) fn elf(self) -> Option<Elf> {
        TABLE.iter().find(|(name, ..)| *name == self.0).map(|&(.., elf)| elf)
    }

    /// Its GNU name as Debian's directories and compilers have it (`DEB_HOST_MULTIARCH` of dpkg-architecture).
    pub(crate) fn gnu_name(self) -> &'static str {
        TABLE.iter().find(|(name, ..)| *name == self.0).map_or("", |&(_, gnu, _)| gnu)
    }
}

impl Elf {
    /// Whether it is for machines of 64 bits.
    pub(crate) fn is_64_bit(self) -> bool {
        self.class == 2
    }

    /// Whether it is for machines that store the lowest byte first.
    pub(crate) fn is_little_endian(self) -> bool {
        self.data == 1
    }

    /// Its `e_machine`.
    pub(crate) fn machine(self) -> u16 {
        self.machine
    }

    /// Reads the first bytes of an executable; nothing if they are not an ELF header.
    pub(crate) fn read(header: &[u8]) -> Option<Self> {
        if header.get(..4)? != b"\x7fELF" {
            return None;
        }
        let (class, data) = (*header.get(4)?, *header.get(5)?);
        let machine = [*header.get(18)?, *header.get(19)?];
        let machine =
            if data == 2 { u16::from_be_bytes(machine) } else { u16::from_le_bytes(machine) };
        Some(Self { class, data, machine })
    }
}

impl fmt::Display for Elf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = if self.class == 2 { 64 } else { 32 };
        let order = if self.data == 2 { "big" } else { "little" };
        write!(f, "{bits}-bit {order}-endian, machine {}", self.machine)
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl fmt::Debug for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl From<Arch> for &'static str {
    fn from(arch: Arch) -> Self {
        arch.0
    }
}

impl TryFrom<String> for Arch {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::find(&name).ok_or_else(|| format!("unknown architecture `{name}'"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Arch, Elf};

    #[test]
    fn names_are_found_and_others_are_not() {
        assert!(
            Arch::names().all(|name| Arch::find(name).is_some_and(|arch| arch.elf().is_some()))
        );
        assert_eq!(Arch::find("x86_64"), None);
    }

    #[test]
    fn only_what_every_processor_of_a_kind_runs_is_known_to_run() {
        let runs = |one, other| Arch::find(one).unwrap().runs_natively(Arch::find(other).unwrap());
        assert!(runs("amd64", "amd64") && runs("amd64", "i386"));
        for (one, other) in
            [("i386", "amd64"), ("amd64", "x32"), ("arm64", "armhf"), ("amd64", "arm64")]
        {
            assert!(!runs(one, other), "{other} on {one}");
        }
    }

    #[test]
    fn an_elf_header_is_read_in_its_own_byte_order() {
        let mut header = [0; 20];
        header[..6].copy_from_slice(b"\x7fELF\x02\x02");
        header[18..].copy_from_slice(&[0, 22]);
        assert_eq!(Elf::read(&header), Arch::find("s390x").and_then(Arch::elf));
        assert_eq!(Elf::read(&header[..19]), None);
        assert_eq!(Elf::read(b"#!/bin/sh and some more text"), None);
    }

    #[test]
    fn this_test_is_an_executable_of_a_known_architecture() {
        let bytes = std::fs::read("/proc/self/exe").unwrap();
        assert!(
            Arch::names().any(|name| Arch::find(name).and_then(Arch::elf) == Elf::read(&bytes))
        );
    }
}

//! What a build has made, to be compared with what another one has made. Does not know how it was built.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::Result;

/// The numbers that ELF files have for architectures: `e_machine`, see elf(5).
const MACHINES: [(&str, u16); 8] = [
    ("amd64", 62),
    ("arm64", 183),
    ("armel", 40),
    ("armhf", 40),
    ("i386", 3),
    ("ppc64el", 21),
    ("riscv64", 243),
    ("s390x", 22),
];

/// Files by their paths in a directory.
#[derive(Debug, Clone)]
pub(crate) struct Outcome(BTreeMap<PathBuf, Vec<u8>>);

impl Outcome {
    pub(crate) fn read(dir: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        let mut dirs = vec![dir.to_owned()];
        while let Some(next) = dirs.pop() {
            for entry in fs::read_dir(next)? {
                let path = entry?.path();
                if path.is_dir() {
                    dirs.push(path);
                } else {
                    files.insert(path.strip_prefix(dir)?.to_owned(), fs::read(&path)?);
                }
            }
        }
        Ok(Self(files))
    }

    /// Fails unless there are ELF files in it, all of them of this architecture.
    pub(crate) fn expect_arch(&self, arch: &str) -> Result<()> {
        let machine = MACHINES.iter().find(|(name, _)| *name == arch);
        let (_, machine) = machine.ok_or_else(|| format!("which ELF files are {arch}'s?"))?;
        let mut elf = self.0.iter().filter(|(_, bytes)| bytes.starts_with(b"\x7fELF")).peekable();
        if elf.peek().is_none() {
            return Err("nothing came of the build".into());
        }
        match elf.find(|(_, bytes)| machine_of(bytes) != Some(*machine)) {
            None => Ok(()),
            Some((path, _)) => Err(format!("{} is not of {arch}", path.display()).into()),
        }
    }

    /// Fails unless the other one is the same, byte by byte.
    pub(crate) fn expect_same(&self, other: &Self) -> Result<()> {
        let differing: Vec<String> = self
            .0
            .keys()
            .chain(other.0.keys().filter(|path| !self.0.contains_key(*path)))
            .filter(|path| self.0.get(*path) != other.0.get(*path))
            .map(|path| path.display().to_string())
            .collect();
        if differing.is_empty() {
            return Ok(());
        }
        Err(format!("not what the other programs have made: {}", differing.join(", ")).into())
    }
}

/// Its place is the same in files of 32 and of 64 bits; the sixth byte says in which order its bytes are.
fn machine_of(elf: &[u8]) -> Option<u16> {
    let bytes = [*elf.get(18)?, *elf.get(19)?];
    Some(if elf.get(5) == Some(&2) { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
}

//! The list of directories that a compiler has its headers in, compiled into cc1 and cc1plus.
//!
//! A cross compiler has the same table as the native one of its target (`cpp_include_defaults` in GCC's cppdefault.cc), but with
//! other paths in it and without /usr/local/include. The table is a constant of pointers to texts, and every text of the native one
//! fits where a text of the cross compiler's was. So the host's cc1 is given the native table: then the order of search, `__FILE__`,
//! the names in the debugging information and the marks of system headers are the native compiler's without a word on the command
//! line. Two of the native entries have no room; they name directories that Debian never has, or has a second time, which
//! [`difference`] looks into before the compiler is trusted.
//!
//! Knows ELF and this table. Does not know where compilers are.

use object::{
    Endianness, FileKind,
    elf::{FileHeader32, FileHeader64, PT_LOAD},
    read::elf::{FileHeader, ProgramHeader},
};
use thiserror::Error;

use super::list::Names;

/// One directory, as in GCC's `struct default_include`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Directory {
    pub(crate) path: String,
    /// What part of GCC it belongs to, by which it can be moved.
    pub(crate) component: Option<String>,
    /// For C++ alone, aware of C++, below the sysroot, for multilibs (2: for multiarch).
    pub(crate) marks: [u8; 4],
}

/// Why a compiler's headers can't be put right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub(crate) enum HeadersError {
    #[error("is no ELF program")]
    NotElf,
    #[error("is position-independent: its table of header directories is made when it is loaded")]
    Movable,
    #[error("has no table of header directories that is known")]
    NoTable,
    #[error("has no room for `{0}' in its table of header directories")]
    NoRoom(String),
    #[error("looks for headers elsewhere: {0}")]
    Differs(String),
}

/// The mark of an entry that is for another library of C++ than GCC's own.
const OTHER_LIBRARY: u8 = 2;

/// The marks of an entry that is for a multiarch directory below it.
const MULTIARCH: u8 = 2;

/// The entries of Debian's native compiler that this one needs, in its order.
pub(crate) fn native(names: &Names) -> Vec<Directory> {
    let gcc = format!("/usr/lib/gcc/{}/{}", names.triplet, names.gcc);
    let up = format!("{gcc}/../../../../");
    let version = &names.gcc;
    let triplet = &names.triplet;
    let entry = |path: String, component: Option<&str>, marks| Directory {
        path,
        component: component.map(str::to_owned),
        marks,
    };
    vec![
        entry(format!("{up}include/c++/{version}"), Some("G++"), [1, 1, 0, 0]),
        entry(format!("{up}include/{triplet}/c++/{version}"), Some("G++"), [1, 1, 0, 1]),
        entry(format!("{up}include/c++/{version}/backward"), Some("G++"), [1, 1, 0, 0]),
        entry(format!("{up}include/c++/v1"), Some("G++"), [2, 1, 0, 0]),
        entry(format!("{gcc}/include"), Some("GCC"), [0, 0, 0, 0]),
        entry("/usr/local/include".to_owned(), None, [0, 1, 1, MULTIARCH]),
        entry("/usr/local/include".to_owned(), None, [0, 1, 1, 0]),
        entry(format!("{gcc}/include-fixed"), Some("GCC"), [0, 0, 0, 0]),
        entry(format!("{up}{triplet}/include"), Some("BINUTILS"), [0, 1, 0, 0]),
        entry("/usr/include".to_owned(), None, [0, 0, 1, MULTIARCH]),
        entry("/usr/include".to_owned(), None, [0, 0, 1, 0]),
    ]
}

/// The table in a compiler.
pub(crate) fn search_list(cc1: &[u8]) -> Result<Vec<Directory>, HeadersError> {
    Ok(Table::find(cc1)?.directories())
}

/// The compiler with this table in place of its own. Where there is no room for all of it, it does without the headers of
/// another library of C++, which GCC only looks for if it is asked to.
pub(crate) fn rewrite(cc1: &[u8], wanted: &[Directory]) -> Result<Vec<u8>, HeadersError> {
    let table = Table::find(cc1)?;
    let has_room = wanted.len() <= table.entries.len();
    let fits = |entry: &&Directory| has_room || entry.marks[0] != OTHER_LIBRARY;
    let wanted: Vec<Directory> = wanted.iter().filter(fits).cloned().collect();
    let wanted = wanted.as_slice();
    let mut image = cc1.to_vec();
    // Texts that both have are used as they are, the others are written over those that are needed no more.
    let mut at: Vec<(String, u64)> = Vec::new();
    let mut spare: Vec<(u64, usize)> = Vec::new();
    for entry in &table.entries {
        let path = &entry.directory.path;
        if wanted.iter().any(|one| one.path == *path) {
            at.push((path.clone(), entry.path));
        } else if spare.iter().all(|(address, _)| *address != entry.path) {
            spare.push((entry.path, path.len()));
        }
    }
    let mut new: Vec<&str> = wanted.iter().map(|one| one.path.as_str()).collect();
    new.sort_unstable_by_key(|path| (std::cmp::Reverse(path.len()), *path));
    new.dedup();
    spare.sort_unstable_by_key(|(address, length)| (*length, *address));
    for path in new {
        if at.iter().any(|(known, _)| known == path) {
            continue;
        }
        let no_room = || HeadersError::NoRoom(path.to_owned());
        let place =
            spare.iter().position(|(_, length)| *length >= path.len()).ok_or_else(no_room)?;
        let (address, length) = spare.remove(place);
        let offset = table.segments.offset(address).ok_or_else(no_room)?;
        let room = image.get_mut(offset..=offset + length).ok_or_else(no_room)?;
        room.fill(0);
        room[..path.len()].copy_from_slice(path.as_bytes());
        at.push((path.to_owned(), address));
    }
    if wanted.len() > table.entries.len() {
        return Err(HeadersError::NoRoom(format!("{} directories", wanted.len())));
    }
    for place in 0..table.entries.len() {
        let entry = match wanted.get(place) {
            None => vec![0; table.segments.entry_size()],
            Some(one) => {
                let path =
                    at.iter().find(|(path, _)| *path == one.path).map(|(_, address)| *address);
                let component = match &one.component {
                    None => Some(0),
                    Some(name) => table.component(name),
                };
                let (Some(path), Some(component)) = (path, component) else {
                    return Err(HeadersError::NoRoom(one.path.clone()));
                };
                table.segments.entry(path, component, one.marks)
            }
        };
        let start = table.offset + place * entry.len();
        image[start..start + entry.len()].copy_from_slice(&entry);
    }
    Ok(image)
}

/// Why a compiler with `ours` would find other headers than the chroot's own with `theirs`. `has` says whether the chroot
/// has a directory.
pub(crate) fn difference(
    ours: &[Directory],
    theirs: &[Directory],
    triplet: &str,
    has: impl Fn(&str) -> bool,
) -> Option<HeadersError> {
    let mut ours = ours.iter();
    let mut next = ours.next();
    for entry in theirs {
        if next == Some(entry) {
            next = ours.next();
        } else if !is_without_effect(entry, triplet, &has) {
            return Some(HeadersError::Differs(format!("not in {}", entry.path)));
        }
    }
    next.map(|entry| HeadersError::Differs(format!("in {}", entry.path)))
}

/// A directory of another library or of multiarch that isn't there, or the one of C++ that Debian's compiler has a second time.
fn is_without_effect(entry: &Directory, triplet: &str, has: impl Fn(&str) -> bool) -> bool {
    if entry.marks[0] == OTHER_LIBRARY && !has(&entry.path) {
        return true;
    }
    let is_cxx_again = entry.marks == [1, 1, 0, MULTIARCH] && entry.path.contains("/include/c++/");
    is_cxx_again || entry.marks[3] == MULTIARCH && !has(&format!("{}/{triplet}", entry.path))
}

struct Entry {
    directory: Directory,
    path: u64,
    component: u64,
}

/// Where the table is, and what is in it.
struct Table {
    segments: Segments,
    offset: usize,
    entries: Vec<Entry>,
}

impl Table {
    /// Found by its last entry, which is /usr/include in every compiler of Debian.
    fn find(image: &[u8]) -> Result<Self, HeadersError> {
        let segments = match FileKind::parse(image) {
            Ok(FileKind::Elf32) => Segments::read::<FileHeader32<Endianness>>(image, 4),
            Ok(FileKind::Elf64) => Segments::read::<FileHeader64<Endianness>>(image, 8),
            _ => Err(HeadersError::NotElf),
        }?;
        let size = segments.entry_size();
        let texts = positions(image, b"\0/usr/include\0").map(|before| before + 1);
        for text in texts {
            let Some(address) = segments.address(text) else {
                continue;
            };
            // Two entries name it, the second of them is the last but for an empty one.
            for last in positions(image, &segments.word(address)) {
                if last % segments.width != 0 || !is_empty(image, last + size, size) {
                    continue;
                }
                let mut entries = Vec::new();
                let mut offset = last;
                while let Some(entry) = segments.entry_at(image, offset) {
                    entries.insert(0, entry);
                    let Some(before) = offset.checked_sub(size) else {
                        break;
                    };
                    offset = before;
                }
                if entries.len() > 4 {
                    let offset = last - (entries.len() - 1) * size;
                    return Ok(Self { segments, offset, entries });
                }
            }
        }
        Err(HeadersError::NoTable)
    }

    fn directories(&self) -> Vec<Directory> {
        self.entries.iter().map(|entry| entry.directory.clone()).collect()
    }

    fn component(&self, name: &str) -> Option<u64> {
        let has = |entry: &&Entry| entry.directory.component.as_deref() == Some(name);
        self.entries.iter().find(has).map(|entry| entry.component)
    }
}

/// Where the parts of the file are in memory, and how the program writes numbers.
struct Segments {
    loads: Vec<(u64, u64, u64)>,
    width: usize,
    endian: Endianness,
}

impl Segments {
    fn read<H: FileHeader<Endian = Endianness>>(
        image: &[u8],
        width: usize,
    ) -> Result<Self, HeadersError> {
        let not_elf = |_| HeadersError::NotElf;
        let header = H::parse(image).map_err(not_elf)?;
        let endian = header.endian().map_err(not_elf)?;
        if header.e_type(endian) == object::elf::ET_DYN {
            return Err(HeadersError::Movable);
        }
        let segments = header.program_headers(endian, image).map_err(not_elf)?;
        let loads = segments.iter().filter(|segment| segment.p_type(endian) == PT_LOAD);
        let loads = loads.map(|segment| {
            let offset: u64 = segment.p_offset(endian).into();
            (offset, segment.p_vaddr(endian).into(), segment.p_filesz(endian).into())
        });
        Ok(Self { loads: loads.collect(), width, endian })
    }

    /// Two pointers and four bytes, up to the next whole word.
    fn entry_size(&self) -> usize {
        2 * self.width + 4_usize.next_multiple_of(self.width)
    }

    fn offset(&self, address: u64) -> Option<usize> {
        let inside = |&&(_, start, size): &&(u64, u64, u64)| {
            address.checked_sub(start).is_some_and(|distance| distance < size)
        };
        let &(offset, start, _) = self.loads.iter().find(inside)?;
        usize::try_from(offset + (address - start)).ok()
    }

    fn address(&self, offset: usize) -> Option<u64> {
        let offset = u64::try_from(offset).ok()?;
        let inside = |&&(first, _, size): &&(u64, u64, u64)| {
            offset.checked_sub(first).is_some_and(|distance| distance < size)
        };
        let &(first, start, _) = self.loads.iter().find(inside)?;
        Some(start + (offset - first))
    }

    fn word(&self, value: u64) -> Vec<u8> {
        let mut bytes = value.to_le_bytes()[..self.width].to_vec();
        if self.endian == Endianness::Big {
            bytes.reverse();
        }
        bytes
    }

    fn word_at(&self, image: &[u8], offset: usize) -> Option<u64> {
        let bytes = image.get(offset..offset + self.width)?;
        let join = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(match self.endian {
            Endianness::Little => bytes.iter().rev().fold(0, join),
            Endianness::Big => bytes.iter().fold(0, join),
        })
    }

    fn text(&self, image: &[u8], address: u64) -> Option<String> {
        let bytes = image.get(self.offset(address)?..)?;
        let end = bytes.iter().take(4096).position(|byte| *byte == 0)?;
        String::from_utf8(bytes[..end].to_vec()).ok()
    }

    fn entry_at(&self, image: &[u8], offset: usize) -> Option<Entry> {
        let path = self.word_at(image, offset)?;
        let component = self.word_at(image, offset + self.width)?;
        let marks = image.get(offset + 2 * self.width..)?.first_chunk()?;
        let directory = Directory {
            path: self.text(image, path).filter(|text| text.starts_with('/'))?,
            component: if component == 0 { None } else { Some(self.text(image, component)?) },
            marks: *marks,
        };
        Some(Entry { directory, path, component })
    }

    fn entry(&self, path: u64, component: u64, marks: [u8; 4]) -> Vec<u8> {
        let mut bytes = [self.word(path), self.word(component)].concat();
        bytes.extend(marks);
        bytes.resize(self.entry_size(), 0);
        bytes
    }
}

fn is_empty(image: &[u8], offset: usize, size: usize) -> bool {
    image.get(offset..offset + size).is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0))
}

fn positions<'a>(image: &'a [u8], wanted: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let first = wanted.first().copied();
    image
        .iter()
        .enumerate()
        .filter(move |(_, byte)| Some(**byte) == first)
        .map(|(at, _)| at)
        .filter(move |at| image[*at..].starts_with(wanted))
}

#[cfg(test)]
mod tests;

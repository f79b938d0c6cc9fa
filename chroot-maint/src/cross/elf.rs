//! What an ELF file says of how it is loaded. Knows no tree, and changes nothing.

use object::{
    Endianness, FileKind,
    elf::{
        DT_NEEDED, DT_NULL, DT_RPATH, DT_RUNPATH, DT_STRTAB, DynamicTag, ET_DYN, FileHeader32,
        FileHeader64,
    },
    read::elf::{Dyn, FileHeader, ProgramHeader},
};

/// How a program or library gets the others that it needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Linking {
    /// The loader that the kernel starts in its place; libraries have none.
    pub(crate) interpreter: Option<String>,
    /// The names of the libraries that it needs.
    pub(crate) needed: Vec<String>,
    /// Where it says that they are: RPATH or RUNPATH.
    pub(crate) search: Vec<String>,
    /// Whether it can be loaded anywhere: what can't is too closely packed for patchelf.
    pub(crate) is_movable: bool,
}

/// Reads one; `None` if the file is no ELF file, or one that nothing is loaded for.
pub(crate) fn linking(data: &[u8]) -> object::Result<Option<Linking>> {
    match FileKind::parse(data) {
        Ok(FileKind::Elf32) => of_class::<FileHeader32<Endianness>>(data),
        Ok(FileKind::Elf64) => of_class::<FileHeader64<Endianness>>(data),
        _ => Ok(None),
    }
}

fn of_class<H: FileHeader<Endian = Endianness>>(data: &[u8]) -> object::Result<Option<Linking>> {
    let header = H::parse(data)?;
    let endian = header.endian()?;
    let segments = header.program_headers(endian, data)?;
    let mut linking = Linking { is_movable: header.e_type(endian) == ET_DYN, ..Linking::default() };
    let mut is_dynamic = false;
    for segment in segments {
        if let Some(name) = segment.interpreter(endian, data)? {
            linking.interpreter = Some(String::from_utf8_lossy(name).into_owned());
        }
        let Some(entries) = segment.dynamic(endian, data)? else {
            continue;
        };
        is_dynamic = true;
        let entries: Vec<(DynamicTag, u64)> = entries
            .iter()
            .map(|entry| (entry.d_tag(endian), entry.d_val(endian).into()))
            .take_while(|(tag, _)| *tag != DT_NULL)
            .collect();
        let table = entries.iter().find(|(tag, _)| *tag == DT_STRTAB);
        let text = |offset: u64| {
            let address = table?.1.checked_add(offset)?;
            let bytes = segments.iter().find_map(|segment| from(segment, endian, data, address))?;
            let end = bytes.iter().position(|byte| *byte == 0)?;
            Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
        };
        for &(tag, value) in &entries {
            if tag == DT_NEEDED {
                linking.needed.extend(text(value));
            } else if tag == DT_RPATH || tag == DT_RUNPATH {
                let list = text(value).unwrap_or_default();
                linking.search.extend(list.split(':').map(str::to_owned));
            }
        }
    }
    Ok(is_dynamic.then_some(linking))
}

/// The bytes of a segment from an address on, if that is in it.
fn from<'a, P: ProgramHeader<Endian = Endianness>>(
    segment: &P,
    endian: Endianness,
    data: &'a [u8],
    address: u64,
) -> Option<&'a [u8]> {
    if segment.p_type(endian) != object::elf::PT_LOAD {
        return None;
    }
    let start = address.checked_sub(segment.p_vaddr(endian).into())?;
    segment.data(endian, data).ok()?.get(usize::try_from(start).ok()?..)
}

#[cfg(test)]
mod tests {
    use super::linking;

    #[test]
    fn what_is_no_elf_file_has_no_linking() {
        assert_eq!(linking(b"#!/bin/sh\nexit 0\n"), Ok(None));
        assert_eq!(linking(b""), Ok(None));
    }

    #[test]
    fn this_test_needs_the_c_library_and_a_loader() {
        let bytes = std::fs::read("/proc/self/exe").unwrap();
        let linking = linking(&bytes).unwrap().unwrap();
        assert!(linking.interpreter.is_some());
        assert!(linking.needed.iter().any(|name| name.starts_with("libc.so")), "{linking:?}");
        assert!(linking.is_movable);
    }
}

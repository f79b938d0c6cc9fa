//! The table of header directories, read and rewritten in made-up compilers. Runs no compiler.

use super::{Directory, HeadersError, Names, difference, native, rewrite, search_list};

const BASE: u64 = 0x40_0000;
const HEADER: usize = 64 + 56;

fn names() -> Names {
    let [triplet, gcc, donor] = ["aarch64-linux-gnu", "14", "x86_64-linux-gnu"].map(str::to_owned);
    Names { triplet, gcc, donor }
}

fn directory(path: &str, component: Option<&str>, marks: [u8; 4]) -> Directory {
    Directory { path: path.to_owned(), component: component.map(str::to_owned), marks }
}

/// What Debian's cross compiler has.
fn cross() -> Vec<Directory> {
    let gcc = "/usr/lib/gcc-cross/aarch64-linux-gnu/14";
    let tool = format!("{gcc}/../../../../aarch64-linux-gnu/include");
    vec![
        directory(&format!("{tool}/c++/14"), Some("G++"), [1, 1, 0, 0]),
        directory(&format!("{tool}/c++/14/aarch64-linux-gnu"), Some("G++"), [1, 1, 0, 1]),
        directory(&format!("{tool}/c++/14/backward"), Some("G++"), [1, 1, 0, 0]),
        directory(&format!("{tool}/c++/v1"), Some("G++"), [2, 1, 0, 0]),
        directory(&format!("{gcc}/include"), Some("GCC"), [0, 0, 0, 0]),
        directory("/usr/local/include", None, [0, 1, 1, 2]),
        directory(&format!("{gcc}/include-fixed"), Some("GCC"), [0, 0, 0, 2]),
        directory(&format!("{gcc}/include-fixed"), Some("GCC"), [0, 0, 0, 0]),
        directory(&tool, Some("BINUTILS"), [0, 1, 0, 0]),
        directory("/usr/include", None, [0, 0, 1, 2]),
        directory("/usr/include", None, [0, 0, 1, 0]),
    ]
}

/// The native table as GCC has it, with the two entries that are left out here.
fn native_in_full() -> Vec<Directory> {
    let mut all = native(&names());
    let base = "/usr/lib/gcc/aarch64-linux-gnu/14";
    all.insert(
        2,
        directory(&format!("{base}/../../../../include/c++/14"), Some("G++"), [1, 1, 0, 2]),
    );
    all.insert(8, directory(&format!("{base}/include-fixed"), Some("GCC"), [0, 0, 0, 2]));
    all
}

/// A 64-bit program that is nothing but texts and a table.
fn compiler(table: &[Directory], kind: u8) -> Vec<u8> {
    let mut texts = vec![0_u8];
    let mut at = |text: &str| {
        let wanted = [b"\0", text.as_bytes(), b"\0"].concat();
        if let Some(found) = texts.windows(wanted.len()).position(|window| window == wanted) {
            return BASE + (HEADER + found + 1) as u64;
        }
        let start = texts.len();
        texts.extend(&wanted[1..]);
        BASE + (HEADER + start) as u64
    };
    let mut entries = Vec::new();
    for one in table {
        entries.extend(at(&one.path).to_le_bytes());
        let component = one.component.as_deref().map_or(0, &mut at);
        entries.extend(component.to_le_bytes());
        entries.extend(one.marks);
        entries.extend([0; 4]);
    }
    entries.extend([0; 24]);
    texts.resize(texts.len().next_multiple_of(8), 0);

    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend([kind, 0, 62, 0, 1, 0, 0, 0]);
    file.extend([0, 64, 0].map(u64::to_le_bytes).concat());
    file.extend([0; 4]);
    for half in [64_u16, 56, 1, 64, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    let size = (HEADER + texts.len() + entries.len()) as u64;
    file.extend([1, 0, 0, 0, 4, 0, 0, 0]);
    file.extend([0, BASE, BASE, size, size, 0x1000].map(u64::to_le_bytes).concat());
    file.extend(texts);
    file.extend(entries);
    file
}

fn has_nothing(_: &str) -> bool {
    false
}

#[test]
fn the_table_of_a_compiler_is_read() {
    assert_eq!(search_list(&compiler(&cross(), 2)), Ok(cross()));
    assert_eq!(search_list(&compiler(&native_in_full(), 2)), Ok(native_in_full()));
}

#[test]
fn a_cross_compiler_is_given_the_native_table_and_nothing_else_changes() {
    let before = compiler(&cross(), 2);
    let after = rewrite(&before, &native(&names())).unwrap();
    assert_eq!(search_list(&after), Ok(native(&names())));
    assert_eq!(after.len(), before.len());
    assert_eq!(after[..HEADER], before[..HEADER]);
    assert!(!after.windows(9).any(|window| window == b"gcc-cross"));
}

#[test]
fn a_rewritten_compiler_agrees_with_the_native_one() {
    let ours = native(&names());
    assert_eq!(difference(&ours, &native_in_full(), "aarch64-linux-gnu", has_nothing), None);
}

#[test]
fn a_cross_compiler_as_it_is_does_not_agree() {
    assert!(difference(&cross(), &native_in_full(), "aarch64-linux-gnu", has_nothing).is_some());
}

#[test]
fn a_directory_that_was_left_out_but_is_there_counts() {
    let has = |dir: &str| dir.ends_with("/include-fixed/aarch64-linux-gnu");
    let found = difference(&native(&names()), &native_in_full(), "aarch64-linux-gnu", has);
    assert_eq!(
        found.unwrap().to_string(),
        "looks for headers elsewhere: not in /usr/lib/gcc/aarch64-linux-gnu/14/include-fixed"
    );
}

#[test]
fn a_directory_that_only_one_has_counts() {
    let mut theirs = native_in_full();
    theirs.pop();
    let found = difference(&native(&names()), &theirs, "aarch64-linux-gnu", has_nothing);
    assert_eq!(found.unwrap().to_string(), "looks for headers elsewhere: in /usr/include");
}

#[test]
fn a_path_that_is_too_long_is_refused_by_name() {
    let mut wanted = native(&names());
    wanted[0].path = "/x".repeat(100);
    assert_eq!(
        rewrite(&compiler(&cross(), 2), &wanted),
        Err(HeadersError::NoRoom("/x".repeat(100)))
    );
}

#[test]
fn what_has_no_such_table_is_refused() {
    assert_eq!(search_list(b"#!/bin/sh"), Err(HeadersError::NotElf));
    assert_eq!(search_list(&compiler(&cross(), 3)), Err(HeadersError::Movable));
    assert_eq!(search_list(&compiler(&[], 2)), Err(HeadersError::NoTable));
}

/// GCC 12 has one entry less, and its other library of C++ elsewhere.
#[test]
fn a_table_with_one_entry_less_does_without_another_library_of_cxx() {
    let mut small = cross();
    small.remove(6);
    let rewritten = rewrite(&compiler(&small, 2), &native(&names())).unwrap();
    let ours = search_list(&rewritten).unwrap();
    assert_eq!(ours.len(), 10);
    let base = "/usr/lib/gcc/aarch64-linux-gnu/14";
    let other = format!("{base}/../../../../libc++_include/c++/14/v1");
    let mut theirs = native_in_full();
    theirs.retain(|entry| entry.marks[0] != 2);
    theirs.insert(4, directory(&other, Some("G++"), [2, 1, 0, 0]));
    assert_eq!(difference(&ours, &theirs, "aarch64-linux-gnu", has_nothing), None);
    let has_it = |dir: &str| dir == other;
    assert!(difference(&ours, &theirs, "aarch64-linux-gnu", has_it).is_some());
}

//! One record as a line of text: how it is written, how it is read, and what isn't one. Doesn't know
//! files, nor what the numbers are averages of.
//!
//! ```text
//! jobsched history 1: checksum, seconds, bytes, job
//! 3e1f08c4<tab>12.345678<tab>104857600<tab>compile.main
//! ```
//!
//! The checksum is a CRC-32 of all that follows its tab, begun with the version of the format, so
//! that a line of another version is none of this one. In the name a backslash is written `\\`, and
//! control characters, tab and newline among them, are written `\u{9}`: any name is one field.

use std::borrow::Cow;
use std::io::Write as _;
use std::time::Duration;

use memchr::memchr_iter;

const VERSION: u32 = 1;

/// The first line of a file. It may come again where two processes began the file at once, or after
/// the end of a batch that was not written whole.
pub(super) const HEADER: &[u8] = b"jobsched history 1: checksum, seconds, bytes, job\n";

/// What all headers of all versions begin with.
const ANY_HEADER: &[u8] = b"jobsched history ";

/// Written where a file ends without a newline, before anything is appended to it: tells a batch
/// that was not written whole from damage. No record ends with it: in a name, a lone backslash is
/// followed by `u`.
pub(super) const TORN: &[u8] = b"\t\\~\n";

/// Names of more bytes than this are shortened.
const MAX_NAME: usize = 256;

/// How much of each end of such a name is kept, roughly.
const KEPT_END: usize = 100;

/// A record, as it is in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record<'a> {
    /// As [`shortened`].
    pub(super) name: Cow<'a, str>,
    pub(super) wall: Duration,
    /// In bytes; 0 if unknown.
    pub(super) peak_memory: u64,
}

/// How many lines of a text were what.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) records: usize,
    /// Lines that are no record and should be one.
    pub(super) damaged: usize,
    /// The first line is the header of another version.
    pub(super) other_version: bool,
}

/// The name under which a job is remembered: its own, or both ends of a very long one with a checksum
/// of the whole. That two such names may become one is harmless: they share an estimate.
pub(super) fn shortened(name: &str) -> Cow<'_, str> {
    if name.len() <= MAX_NAME {
        return Cow::Borrowed(name);
    }
    let boundary = |from: usize| (from..name.len()).find(|&at| name.is_char_boundary(at));
    let ends = boundary(KEPT_END).zip(boundary(name.len() - KEPT_END));
    let (head, tail) = ends.map_or(("", ""), |(head, tail)| (&name[..head], &name[tail..]));
    Cow::Owned(format!("{head}...{:08x}...{tail}", crc32fast::hash(name.as_bytes())))
}

/// Appends the line of a record.
pub(super) fn write(out: &mut Vec<u8>, record: &Record<'_>) {
    let start = out.len();
    out.extend(b"00000000\t");
    let body = out.len();
    let (seconds, micros) = (record.wall.as_secs(), record.wall.subsec_micros());
    // Writing to a vector can't fail.
    let _ = write!(out, "{seconds}.{micros:06}\t{}\t", record.peak_memory);
    escape(out, &record.name);
    let mut checksum = checksum(out.get(body..).unwrap_or_default());
    for digit in out.iter_mut().skip(start).take(8) {
        *digit = b"0123456789abcdef"[(checksum >> 28) as usize];
        checksum <<= 4;
    }
    out.push(b'\n');
}

/// Calls `visit` with each record of `text` and where its line ends, newline included.
///
/// A last line without newline says nothing: it is of a batch that was not written whole, or is yet
/// to be written by somebody else.
pub(super) fn read<'a>(text: &'a [u8], mut visit: impl FnMut(Record<'a>, usize)) -> Tally {
    let mut tally = Tally::default();
    let mut start = 0;
    for newline in memchr_iter(b'\n', text) {
        let line = text.get(start..=newline).unwrap_or_default();
        if let Some(record) = parse(&line[..line.len() - 1]) {
            tally.records += 1;
            visit(record, newline + 1);
        } else if line != HEADER && line != b"\n" && !line.ends_with(TORN) {
            tally.damaged += 1;
            tally.other_version |= start == 0 && line.starts_with(ANY_HEADER);
        }
        start = newline + 1;
    }
    // Not even the beginning of a file of ours.
    tally.damaged += usize::from(start == 0 && !HEADER.starts_with(text));
    tally
}

fn parse(line: &[u8]) -> Option<Record<'_>> {
    let (&digits, rest) = line.split_first_chunk::<8>()?;
    let (b'\t', body) = rest.split_first()? else { return None };
    let mut expected = 0;
    for digit in digits {
        expected = expected << 4 | char::from(digit).to_digit(16)?;
    }
    if checksum(body) != expected {
        return None;
    }
    let body = std::str::from_utf8(body).ok()?;
    let (wall, body) = body.split_once('\t')?;
    let (peak_memory, name) = body.split_once('\t')?;
    let (seconds, micros) = wall.split_once('.')?;
    let wall = Duration::new(seconds.parse().ok()?, 0)
        .checked_add(Duration::from_micros(micros.parse().ok()?))?;
    Some(Record { name: unescape(name)?, wall, peak_memory: peak_memory.parse().ok()? })
}

fn checksum(body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(VERSION);
    hasher.update(body);
    hasher.finalize()
}

fn escape(out: &mut Vec<u8>, name: &str) {
    // Nearly all names have nothing to escape, and no control character is without one of these.
    let suspicious = |&byte: &u8| matches!(byte, ..b' ' | b'\\' | 0x7f | 0xc2);
    if !name.as_bytes().iter().any(suspicious) {
        out.extend(name.as_bytes());
        return;
    }
    for char in name.chars() {
        match char {
            '\\' => out.extend(br"\\"),
            _ if char.is_control() => {
                // Writing to a vector can't fail.
                let _ = write!(out, "{}", char.escape_unicode());
            }
            _ => out.extend(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

fn unescape(field: &str) -> Option<Cow<'_, str>> {
    let Some((plain, mut rest)) = field.split_once('\\') else { return Some(field.into()) };
    let mut name = plain.to_owned();
    loop {
        if let Some(after) = rest.strip_prefix('\\') {
            name.push('\\');
            rest = after;
        } else {
            let (digits, after) = rest.strip_prefix("u{")?.split_once('}')?;
            name.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
            rest = after;
        }
        let Some((plain, after)) = rest.split_once('\\') else {
            name.push_str(rest);
            return Some(name.into());
        };
        name.push_str(plain);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::testing::Random;

    fn line(name: &str, wall: Duration, peak_memory: u64) -> Vec<u8> {
        let mut line = Vec::new();
        write(&mut line, &Record { name: name.into(), wall, peak_memory });
        line
    }

    fn records(text: &[u8]) -> (Vec<Record<'_>>, Tally) {
        let mut records = Vec::new();
        let tally = read(text, |record, _| records.push(record));
        (records, tally)
    }

    #[test]
    fn a_record_is_a_line_that_a_person_can_read() {
        let text = line("compile.main", Duration::from_millis(12_345), 104_857_600);
        let text = std::str::from_utf8(&text).unwrap();
        let (checksum, rest) = text.split_once('\t').unwrap();
        assert_eq!(rest, "12.345000\t104857600\tcompile.main\n");
        assert_eq!(u32::from_str_radix(checksum, 16).unwrap(), {
            let mut hasher = crc32fast::Hasher::new_with_initial(VERSION);
            hasher.update(b"12.345000\t104857600\tcompile.main");
            hasher.finalize()
        });
    }

    #[test]
    fn any_name_is_one_field_and_comes_back() {
        let mut random = Random::new(3);
        let scraps = [
            "\t",
            "\n",
            "\\",
            "\r",
            "\0",
            "\u{1b}",
            "\u{7f}",
            "\u{85}",
            "u{",
            "}",
            "9",
            "~",
            "é",
            "\u{c2}",
            "\u{10ffff}",
            "\u{2028}",
            " ",
            "a",
            "\\u{9}",
            "\t~",
        ];
        for _ in 0..20_000 {
            let length = random.below(8);
            let name: String = (0..length).map(|_| scraps[random.below(scraps.len())]).collect();
            let wall = Duration::from_micros(random.next() >> random.below(64));
            let peak_memory = random.next() >> random.below(64);
            let text = line(&name, wall, peak_memory);
            assert_eq!(memchr_iter(b'\t', &text).count(), 3, "{name:?}");
            assert_eq!(text.iter().position(|&byte| byte == b'\n'), Some(text.len() - 1));
            assert!(!text.ends_with(TORN));
            assert!(
                !std::str::from_utf8(&text[..text.len() - 1])
                    .unwrap()
                    .replace('\t', "")
                    .contains(char::is_control)
            );
            let expected = Record { name: name.into(), wall, peak_memory };
            assert_eq!(records(&text).0, [expected]);
        }
    }

    #[test]
    fn names_that_fit_stay_and_long_ones_keep_both_ends() {
        let fits = "x".repeat(MAX_NAME);
        assert_eq!(shortened(&fits), fits);
        for letter in ["a", "é", "𝄞"] {
            let name = format!("head{}tail", letter.repeat(300));
            let short = shortened(&name);
            assert!(short.len() <= MAX_NAME && short.len() >= 2 * KEPT_END, "{short}");
            assert!(short.starts_with("head") && short.ends_with("tail"), "{short}");
            assert_eq!(shortened(&short), short);
            let other = name.replacen(&letter.repeat(150), &format!("{}x", letter.repeat(149)), 1);
            assert_ne!(shortened(&other), short);
        }
    }

    #[test]
    fn what_is_no_record_is_counted_unless_it_tells_of_a_torn_batch() {
        let good = line("a", Duration::from_secs(1), 1);
        let tally = |parts: &[&[u8]]| records(&parts.concat()).1;
        let fine = Tally { records: 1, ..Tally::default() };
        assert_eq!(tally(&[]), Tally::default());
        assert_eq!(tally(&[HEADER]), Tally::default());
        assert_eq!(tally(&[&HEADER[..7]]), Tally::default());
        assert_eq!(tally(&[HEADER, &good]), fine);
        assert_eq!(tally(&[HEADER, &good, &good[..5]]), fine);
        assert_eq!(tally(&[HEADER, &good[..5], TORN, HEADER, &good, b"\n"]), fine);
        assert_eq!(tally(&[HEADER, &good[1..], &good]), Tally { damaged: 1, ..fine });
        assert_eq!(tally(&[b"junk"]).damaged, 1);
        assert_eq!(tally(&[b"\0\n\xff\n\xff"]).damaged, 2);
        let other = tally(&[b"jobsched history 2\n", b"whatever\n"]);
        assert_eq!(other, Tally { records: 0, damaged: 2, other_version: true });
    }

    #[test]
    fn no_flipped_byte_makes_another_record() {
        let text = [
            HEADER,
            &line("alpha\\", Duration::from_secs(77), 123_456),
            &line("b", Duration::ZERO, 0),
        ]
        .concat();
        let (sound, _) = records(&text);
        for at in 0..text.len() {
            for flip in 1..=255 {
                let mut damaged = text.clone();
                damaged[at] ^= flip;
                let (found, _) = records(&damaged);
                assert!(
                    found.iter().all(|record| sound.contains(record)),
                    "{at} ^ {flip}: {found:?}"
                );
            }
        }
    }

    #[test]
    fn lines_of_another_version_are_none_of_this_one() {
        let body = "1.000000\t1\ta";
        let mut hasher = crc32fast::Hasher::new_with_initial(VERSION + 1);
        hasher.update(body.as_bytes());
        let text = format!("{:08x}\t{body}\n", hasher.finalize());
        assert_eq!(records(text.as_bytes()).1.damaged, 1);
    }
}

//! Makes bytes of unknown origin safe to show on a terminal. Doesn't know what they are part of.
//!
//! What a reader sees is what was written, and nothing that was written does anything else than be
//! seen: it moves no cursor, sets no title, answers no query, turns no text around.

use std::io::Write as _;

const DELETE: u8 = 0x7f;

/// Appends a line of output, given without its newline.
///
/// - Colours (complete SGR sequences) and the erasing of the line's end that tools add to them are
///   left out.
/// - A line that returns to its beginning, as progress bars do, is shown as it was in the end: what
///   follows the last carriage return, or precedes it if nothing visible does. So the carriage
///   return before a newline is left out.
/// - Tabs stay. Other control characters are shown as `^[`, `^G`, `^?`.
/// - Characters that are invisible or reorder others are shown as `\u{202e}`. Those that writing
///   systems and emoji are made with (joiners, variation selectors) stay.
/// - Bytes that are no UTF-8 are shown as U+FFFD.
pub(crate) fn line(line: &[u8], out: &mut Vec<u8>) {
    append(shown_in_the_end(line), Kind::Line, out);
}

/// Appends a name or a message, whose every character counts: carriage returns, tabs and escape
/// sequences are shown as control characters too.
pub(crate) fn label(text: &[u8], out: &mut Vec<u8>) {
    append(text, Kind::Label, out);
}

/// Whether all lines of a text can be shown as they are. As this is usual, it pays to ask once for
/// many lines.
pub(crate) fn is_harmless(text: &[u8]) -> bool {
    // No early exit within a block, so that it is done many bytes at a time.
    let mut ascii = true;
    for block in text.chunks(256) {
        let harmless = block.iter().fold(true, |all, &byte| all & is_shown_or_separates(byte));
        if !harmless {
            return false;
        }
        ascii &= block.is_ascii();
    }
    ascii || std::str::from_utf8(text).is_ok_and(|text| !has_deceptive(text))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Line,
    Label,
}

fn append(mut text: &[u8], kind: Kind, out: &mut Vec<u8>) {
    loop {
        let (printable, rest) = text.split_at(printable_prefix(text));
        out.extend_from_slice(printable);
        let Some(&byte) = rest.first() else {
            return;
        };
        let used = match byte {
            b'\t' if kind == Kind::Line => {
                out.push(byte);
                1
            }
            ..0x20 | DELETE => match silent_sequence(rest) {
                Some(length) if kind == Kind::Line => length,
                _ => {
                    out.extend_from_slice(&[b'^', byte ^ 0x40]);
                    1
                }
            },
            _ => append_non_ascii(rest, out),
        };
        text = &rest[used..];
    }
}

/// Appends the bytes up to the next ASCII character, and returns their number.
fn append_non_ascii(text: &[u8], out: &mut Vec<u8>) -> usize {
    let length = text.iter().position(u8::is_ascii).unwrap_or(text.len());
    for chunk in text[..length].utf8_chunks() {
        let valid = chunk.valid();
        if has_deceptive(valid) {
            for character in valid.chars() {
                if is_deceptive(character) {
                    // Writing to a vector can't fail.
                    let _ = write!(out, "{}", character.escape_unicode());
                } else {
                    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
        } else {
            out.extend_from_slice(valid.as_bytes());
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
    length
}

/// Whether a byte is printable ASCII, or a part of a character beyond ASCII, or a tab or newline.
#[allow(clippy::needless_bitwise_bool, reason = "without branches it is done many at a time")]
fn is_shown_or_separates(byte: u8) -> bool {
    ((byte >= 0x20) & (byte != DELETE)) | (byte == b'\n') | (byte == b'\t')
}

fn is_printable(byte: u8) -> bool {
    (0x20..DELETE).contains(&byte)
}

/// How many bytes at the beginning are printable ASCII.
fn printable_prefix(text: &[u8]) -> usize {
    const BLOCK: usize = 32;
    let blocks = text
        .chunks_exact(BLOCK)
        .take_while(|block| block.iter().fold(true, |all, &byte| all & is_printable(byte)))
        .count();
    let (whole, rest) = text.split_at(blocks * BLOCK);
    whole.len() + rest.iter().take_while(|&&byte| is_printable(byte)).count()
}

/// Whether there are characters that act on others, or hide.
fn has_deceptive(text: &str) -> bool {
    let mut from = 0;
    while let Some(ahead) =
        text.as_bytes()[from..].iter().position(|&byte| LEADS[usize::from(byte)])
    {
        from += ahead;
        let Some(character) = text[from..].chars().next() else {
            break;
        };
        if is_deceptive(character) {
            return true;
        }
        from += character.len_utf8();
    }
    false
}

/// The bytes that deceptive characters begin with. Those of most text are not among them, and a table
/// passes over them faster than comparisons do.
static LEADS: [bool; 256] = {
    let mut leads = [false; 256];
    let bytes = [0xC2, 0xCD, 0xD8, 0xE1, 0xE2, 0xE3, 0xEF, 0xF3];
    let mut index = 0;
    while index < bytes.len() {
        leads[bytes[index]] = true;
        index += 1;
    }
    leads
};

/// Characters beyond ASCII that act on others, or hide.
fn is_deceptive(character: char) -> bool {
    matches!(character,
        // C1 controls; U+009B begins an escape sequence.
        '\u{80}'..='\u{9f}'
        // Soft hyphen, grapheme joiner, Khmer inherent vowels, Mongolian vowel separator.
        | '\u{ad}' | '\u{34f}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
        // Fillers that look like a space or like nothing.
        | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'
        // Zero-width space, word joiner and other invisible operators, byte order mark.
        | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}'
        // Marks, embeddings, overrides and isolates of direction, and deprecated formats.
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
        // Line and paragraph separators.
        | '\u{2028}' | '\u{2029}'
        // Interlinear annotation, tags.
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The length of a sequence that sets colours or erases the line's end, if the text begins with one.
fn silent_sequence(text: &[u8]) -> Option<usize> {
    let parameters = text.strip_prefix(b"\x1b[")?;
    let length = parameters.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b';' | b':'))?;
    matches!(parameters[length], b'm' | b'K').then_some(length + 3)
}

/// The part of a line between carriage returns that remains on the screen.
fn shown_in_the_end(line: &[u8]) -> &[u8] {
    if memchr::memchr(b'\r', line).is_none() {
        return line;
    }
    line.rsplit(|&byte| byte == b'\r').find(|part| !is_blank(part)).unwrap_or_default()
}

fn is_blank(mut part: &[u8]) -> bool {
    while let Some(&byte) = part.first() {
        let used = match byte {
            b' ' | b'\t' => 1,
            _ => match silent_sequence(part) {
                Some(used) => used,
                None => return false,
            },
        };
        part = &part[used..];
    }
    true
}

#[cfg(test)]
mod tests;

//! Makes lines of the bytes of one stream, which come in chunks that are cut anywhere.
//! Doesn't know whose stream it is or where the lines go.

use memchr::{memchr, memrchr};

/// The longest line that is kept in one piece, in bytes without its newline.
pub(crate) const MAX_LINE: usize = 64 * 1024;

/// Up to this length, the lines of a chunk are copied to the beginning of their first line, which
/// came earlier, to leave together: copying them costs less than the system call that it saves.
const MAX_JOINED: usize = 8 * 1024;

/// Assembles the lines of one stream.
///
/// What comes out is the same text whatever way the stream was cut into chunks; only the number of
/// lines that come out together differs. Lines longer than [`MAX_LINE`] come out in pieces, cut at
/// the same places each time and never within a UTF-8 character, as far as it is UTF-8.
///
/// No more than `MAX_LINE` bytes and a newline are held back, and no heap memory at all while
/// nothing is.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    /// The beginning of a line whose end has not come yet, without the pieces that are out already.
    held: Vec<u8>,
}

impl Assembler {
    /// Takes the next bytes of the stream, and hands out what is complete.
    pub(crate) fn push(&mut self, chunk: &[u8], mut out: impl FnMut(&[u8])) {
        // So no line that lies whole within one part is too long.
        for part in chunk.chunks(MAX_LINE) {
            self.push_part(part, &mut out);
        }
    }

    /// Hands out the unterminated rest at the end of the stream, if there is one.
    pub(crate) fn finish(&mut self, mut out: impl FnMut(&[u8])) {
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            out(&held);
        }
    }

    fn push_part(&mut self, part: &[u8], out: &mut impl FnMut(&[u8])) {
        let Some(last) = memrchr(b'\n', part) else {
            self.hold(part, out);
            return;
        };
        let (mut lines, rest) = part.split_at(last + 1);
        if !self.held.is_empty() {
            lines = self.complete(lines, out);
        }
        if !lines.is_empty() {
            out(lines);
        }
        if rest.is_empty() {
            self.held = Vec::new();
        } else {
            self.hold(rest, out);
        }
    }

    /// Hands out the held line with its end, the first of these lines, and returns those that are
    /// still to be handed out.
    fn complete<'a>(&mut self, lines: &'a [u8], out: &mut impl FnMut(&[u8])) -> &'a [u8] {
        let joined = if lines.len() <= MAX_JOINED && self.held.len() + lines.len() <= MAX_LINE {
            lines.len()
        } else {
            // There is one: the lines end with a newline.
            memchr(b'\n', lines).map_or(lines.len(), |first| first + 1)
        };
        let (joined, others) = lines.split_at(joined);
        if let Some((newline, line)) = joined.split_last() {
            self.hold(line, out);
            self.append(&[*newline]);
            out(&self.held);
            self.held.clear();
        }
        others
    }

    /// Adds to the held line. A piece goes out when the line is known to be too long.
    fn hold(&mut self, mut bytes: &[u8], out: &mut impl FnMut(&[u8])) {
        while self.held.len() + bytes.len() > MAX_LINE {
            let (fitting, others) = bytes.split_at(MAX_LINE - self.held.len());
            self.append(fitting);
            let cut = place_to_cut(&self.held, others[0]);
            out(&self.held[..cut]);
            self.held.drain(..cut);
            bytes = others;
        }
        self.append(bytes);
    }

    /// Appends, and doubles the memory as a `Vec` does, but never beyond the longest line.
    fn append(&mut self, bytes: &[u8]) {
        let needed = self.held.len() + bytes.len();
        let capacity = self.held.capacity();
        if needed > capacity {
            let wanted = needed.max((2 * capacity).min(MAX_LINE + 1));
            self.held.reserve_exact(wanted - self.held.len());
        }
        self.held.extend_from_slice(bytes);
    }
}

/// Where to cut a full piece that is followed by this byte: at its end, or up to three bytes before
/// it, so that no UTF-8 character is torn.
fn place_to_cut(piece: &[u8], next: u8) -> usize {
    let is_inner = |byte: u8| byte & 0xC0 == 0x80;
    if !is_inner(next) {
        return piece.len();
    }
    let continued = piece.iter().rev().take(2).take_while(|&&byte| is_inner(byte)).count();
    match piece.len().checked_sub(continued + 1) {
        Some(lead) if piece[lead] >= 0xC0 => lead,
        _ => piece.len(),
    }
}

#[cfg(test)]
mod tests;

//! Takes a value of `MAKEFLAGS` apart into words, as GNU make 4.3 was seen to do.
//!
//! Knows that blanks and tabs separate words, that a backslash takes the next byte as it is, and
//! where each byte came from. Does not know what a word means.

/// One word of the value.
pub(super) struct Word {
    /// What it says, without the backslashes.
    pub(super) text: Vec<u8>,
    /// Where each byte of `text`, with the backslash before it, is in the value.
    pub(super) offsets: Vec<usize>,
    /// Where the blanks before it begin.
    pub(super) from: usize,
    /// Where it begins itself.
    pub(super) start: usize,
    /// The first byte after it.
    pub(super) end: usize,
}

impl Word {
    /// Whether a `-l` before it would take it for its argument.
    pub(super) fn begins_a_load(&self) -> bool {
        self.text.first().is_some_and(|&byte| byte.is_ascii_digit() || byte == b'.')
    }
}

/// The words of a value, in order.
pub(super) struct Words<'a> {
    value: &'a [u8],
    at: usize,
}

impl<'a> Words<'a> {
    pub(super) fn of(value: &'a [u8]) -> Self {
        Self { value, at: 0 }
    }
}

impl Iterator for Words<'_> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        let from = self.at;
        let rest = self.value.get(from..)?;
        let mut end = from + rest.iter().position(|&byte| !is_blank(byte))?;
        let mut word = Word { text: Vec::new(), offsets: Vec::new(), from, start: end, end };
        loop {
            // A backslash at the very end stands for itself.
            let (byte, length) = match self.value.get(end..).unwrap_or_default() {
                [b'\\', byte, ..] => (*byte, 2),
                [byte, ..] if !is_blank(*byte) => (*byte, 1),
                _ => break,
            };
            word.text.push(byte);
            word.offsets.push(end);
            end += length;
        }
        word.end = end;
        self.at = end;
        Some(word)
    }
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

//! The end of a job's output, for whoever asks when it has failed. Doesn't know where the rest is.

use std::collections::VecDeque;

use memchr::memrchr_iter;

use super::lines;
use crate::event::Stream;

/// How many lines are kept.
const MAX_LINES: usize = 20;

/// How many bytes are kept. If the last line is longer, its end.
const MAX_BYTES: usize = 256 * 1024;

/// The last 20 lines of a job's output, or fewer if they are very long.
///
/// They are the lines of its log: a piece of a long line goes on with the line before it if that is
/// of the same stream and lacks its newline.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    /// The lines one after the other, without newlines.
    bytes: VecDeque<u8>,
    /// The stream and the length of each.
    lines: VecDeque<(Stream, usize)>,
    /// Whether the newline of the last one has not come yet.
    unfinished: bool,
    more: bool,
}

impl Tail {
    /// Takes the next text of the job.
    pub(crate) fn push(&mut self, stream: Stream, text: &[u8]) {
        let text = self.skip(text);
        for line in lines(text) {
            let (content, ended) = match line.split_last() {
                Some((b'\n', content)) => (content, true),
                _ => (line, false),
            };
            match self.lines.back_mut() {
                Some((last, length)) if self.unfinished && *last == stream => {
                    *length += content.len();
                }
                _ => self.lines.push_back((stream, content.len())),
            }
            self.bytes.extend(content);
            self.unfinished = !ended;
            self.trim();
        }
    }

    /// Whether there was output before the lines that are kept.
    pub(crate) fn more(&self) -> bool {
        self.more
    }

    /// The lines, from the first to the last, without their newlines.
    pub(crate) fn lines(&mut self) -> impl Iterator<Item = (Stream, &[u8])> {
        let mut rest: &[u8] = self.bytes.make_contiguous();
        self.lines.iter().map(move |&(stream, length)| {
            let (line, others) = rest.split_at(length);
            rest = others;
            (stream, line)
        })
    }

    /// Skips what the rest of a text will push out. Only the rest is looked at.
    fn skip<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        let unterminated = usize::from(!text.ends_with(b"\n"));
        // The newline before the lines that are kept.
        let Some(before) = memrchr_iter(b'\n', text).nth(MAX_LINES - unterminated) else {
            return text;
        };
        self.bytes.clear();
        self.lines.clear();
        self.unfinished = false;
        self.more = true;
        &text[before + 1..]
    }

    /// Forgets the first lines that are too many; of a lone line that is too long, its beginning.
    fn trim(&mut self) {
        while self.lines.len() > MAX_LINES || self.bytes.len() > MAX_BYTES {
            self.more = true;
            let excess = self.bytes.len().saturating_sub(MAX_BYTES);
            let lone = self.lines.len() == 1;
            let forgotten = match self.lines.front_mut() {
                Some((_, length)) if lone => {
                    *length -= excess;
                    excess
                }
                _ => self.lines.pop_front().map_or(0, |(_, length)| length),
            };
            self.bytes.drain(..forgotten);
        }
    }
}

#[cfg(test)]
mod tests {
    use Stream::{Stderr, Stdout};

    use super::*;
    use crate::output::testing::Random;

    fn kept(tail: &mut Tail) -> Vec<String> {
        tail.lines()
            .map(|(stream, line)| format!("{} {}", stream.marker(), String::from_utf8_lossy(line)))
            .collect()
    }

    fn numbered(numbers: std::ops::Range<usize>) -> String {
        numbers.map(|number| number.to_string() + "\n").collect()
    }

    #[test]
    fn few_lines_are_all_kept_with_their_streams() {
        let mut tail = Tail::default();
        tail.push(Stdout, b"a\n\n");
        tail.push(Stderr, b"b");
        assert_eq!(kept(&mut tail), ["| a", "| ", "* b"]);
        assert!(!tail.more());
    }

    #[test]
    fn twenty_lines_are_all_and_of_more_the_last_twenty_are_kept() {
        for batch in [1, 3, 20, 21, 100] {
            let mut tail = Tail::default();
            for start in (0..20).step_by(batch) {
                tail.push(Stdout, numbered(start..20.min(start + batch)).as_bytes());
            }
            assert_eq!((kept(&mut tail).len(), tail.more()), (20, false));
            for start in (20..50).step_by(batch) {
                tail.push(Stdout, numbered(start..50.min(start + batch)).as_bytes());
            }
            let lines = kept(&mut tail);
            assert_eq!((lines[0].as_str(), lines[19].as_str()), ("| 30", "| 49"));
            assert!(tail.more());
        }
    }

    #[test]
    fn an_unterminated_last_line_counts() {
        let mut tail = Tail::default();
        tail.push(Stdout, (numbered(0..20) + "rest").as_bytes());
        assert_eq!(kept(&mut tail)[0], "| 1");
        assert!(tail.more());
    }

    #[test]
    fn pieces_of_a_line_are_one_line_unless_the_other_stream_comes_between() {
        let mut tail = Tail::default();
        tail.push(Stdout, b"lo");
        tail.push(Stdout, b"ng\nx");
        tail.push(Stderr, b"oops\n");
        tail.push(Stdout, b"y\n");
        assert_eq!(kept(&mut tail), ["| long", "| x", "* oops", "| y"]);
        assert!(!tail.more());
    }

    #[test]
    fn memory_is_bounded_and_the_end_of_the_last_line_is_kept() {
        let mut tail = Tail::default();
        for _ in 0..10 {
            tail.push(Stdout, &vec![b'x'; 65_536]);
        }
        tail.push(Stdout, b"end\n");
        assert!(tail.bytes.len() <= MAX_BYTES && tail.bytes.capacity() <= 4 * MAX_BYTES);
        assert!(tail.more() && kept(&mut tail)[0].ends_with("xend"));
        for _ in 0..20 {
            tail.push(Stderr, &[b"y".repeat(60_000), b"\n".to_vec()].concat());
        }
        assert_eq!(kept(&mut tail).len(), 4);
    }

    #[test]
    fn the_tail_is_the_end_of_all_lines_however_they_came() {
        let mut random = Random::new(5);
        for _ in 0..300 {
            let mut tail = Tail::default();
            let mut all: Vec<String> = Vec::new();
            for _ in 0..random.below(8) {
                let stream = [Stdout, Stderr][random.below(2)];
                let start = all.len();
                let end = start + random.below(50);
                tail.push(stream, numbered(start..end).as_bytes());
                all.extend((start..end).map(|number| format!("{} {number}", stream.marker())));
            }
            assert_eq!(kept(&mut tail), all[all.len().saturating_sub(20)..]);
            assert_eq!(tail.more(), all.len() > 20);
        }
    }
}

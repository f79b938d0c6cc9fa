//! The value of `MAKEFLAGS`: what it asks of us, and how to rewrite it for a child.
//!
//! Pure functions on bytes. Knows the grammar as GNU make 4.3 was seen to apply it: a first word
//! with neither dash nor `=` is a cluster of option letters, `--` ends the options, and some
//! options swallow the next word. Does not know whether a jobserver is really there, nor where
//! the value comes from.

use std::ffi::{OsStr, OsString};
use std::iter::Peekable;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::os::fd::RawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::load;
use super::words::{Word, Words, is_blank};

/// What `MAKEFLAGS` asks of a program that make runs.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "make has four switches that exclude nothing")]
pub(crate) struct MakeFlags {
    /// `-i`: failures do not count.
    pub(crate) ignore_errors: bool,
    /// `-k`: go on with what does not depend on a failure. `-S` takes it back.
    pub(crate) keep_going: bool,
    /// `-n`: say what would be done.
    pub(crate) dry_run: bool,
    /// `-s`: no progress messages.
    pub(crate) silent: bool,
    /// The last `-j` that make would accept.
    pub(crate) jobs: Option<JobsWord>,
    /// The limit of the last `-l`: neither negative, nor infinite, nor something else than a number.
    pub(crate) load: Option<f64>,
    /// The last jobserver word, of whatever kind.
    pub(crate) auth: Option<Auth>,
}

/// What a `-j` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobsWord {
    /// `-j` alone. With a jobserver word next to it the pool is the limit; without, there is none.
    Unlimited,
    /// `-jN`.
    AtMost(NonZeroUsize),
}

/// A jobserver word: `--jobserver-auth=…`, or `--jobserver-fds=…` from make before 4.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Auth {
    /// As it stood in `MAKEFLAGS`, so that it can be handed on in the same spelling.
    word: OsString,
    place: Place,
}

/// Where a jobserver word says that the tokens are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// `R,W`: two inherited descriptors.
    Pipe { read: RawFd, write: RawFd },
    /// `fifo:PATH`, since make 4.4.
    Fifo(PathBuf),
    /// A negative descriptor: make keeps its pool from us, because the recipe lacks `+`.
    Disabled,
    /// Anything else.
    Unknown,
}

impl MakeFlags {
    /// Reads a value of `MAKEFLAGS`. Words that make would not understand say nothing.
    pub(crate) fn parse(value: &OsStr) -> Self {
        Scan::of(value.as_bytes()).flags
    }
}

impl Auth {
    /// The word for a pipe whose ends have these numbers in the child.
    pub(crate) fn pipe(read: RawFd, write: RawFd) -> Self {
        let word = format!("--jobserver-auth={read},{write}").into();
        Self { word, place: Place::Pipe { read, write } }
    }

    /// Where the tokens are.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The word as it stood in `MAKEFLAGS`.
    pub(crate) fn word(&self) -> &OsStr {
        &self.word
    }
}

impl Place {
    fn parse(argument: &[u8]) -> Self {
        if let Some(path) = argument.strip_prefix(b"fifo:") {
            return match path {
                [] => Self::Unknown,
                path => Self::Fifo(Path::new(OsStr::from_bytes(path)).to_owned()),
            };
        }
        let descriptor = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.parse::<RawFd>().ok();
        let mut numbers = argument.splitn(2, |&byte| byte == b',').map(descriptor);
        match (numbers.next().flatten(), numbers.next().flatten()) {
            (Some(read), Some(write)) if read < 0 || write < 0 => Self::Disabled,
            (Some(read), Some(write)) => Self::Pipe { read, write },
            _ => Self::Unknown,
        }
    }
}

/// Takes every jobserver word and every `-j` out; all else stays byte for byte.
///
/// `None` when there is nothing to take out and the child may have the value as it is.
pub(crate) fn without_jobserver(value: &OsStr) -> Option<OsString> {
    let scan = Scan::of(value.as_bytes());
    if scan.cuts.is_empty() {
        return None;
    }
    let mut rest = kept(scan.value, 0..scan.value.len(), &scan.cuts);
    // With the first word gone, a later one that meant nothing would be read as the cluster.
    // make ignores a lone dash; it keeps the place.
    let gone = |letter| scan.cuts.iter().any(|cut| cut.bytes.contains(&letter));
    if scan.cluster.is_none_or(gone) && Scan::of(&rest).cluster.is_some() {
        rest.insert(0, b'-');
    }
    Some(OsString::from_vec(rest))
}

/// The value for a child that shares a pool: `auth` instead of every jobserver word that is there.
///
/// With `jobs`, that takes the place of every `-j`; without, the `-j` words stay as they are.
/// Where there is no cluster the result begins with a blank, as make has it, so that
/// nobody's `$(firstword -$(MAKEFLAGS))` takes an option for one.
pub(crate) fn with_jobserver(
    value: &OsStr,
    jobs: Option<JobsWord>,
    auth: Option<&Auth>,
) -> OsString {
    let Scan { value, mut cuts, after_cluster, .. } = Scan::of(value.as_bytes());
    cuts.retain(|cut| cut.is_auth || jobs.is_some());

    let mut result = kept(value, 0..after_cluster, &cuts);
    end_word(&mut result);
    match jobs {
        Some(JobsWord::Unlimited) => result.extend(b" -j"),
        Some(JobsWord::AtMost(jobs)) => result.extend(format!(" -j{jobs}").bytes()),
        None => {}
    }
    if let Some(auth) = auth {
        result.push(b' ');
        result.extend(auth.word.as_bytes());
    }
    let rest = kept(value, after_cluster..value.len(), &cuts);
    if rest.first().is_some_and(|&byte| !is_blank(byte)) {
        result.push(b' ');
    }
    result.extend(rest);
    OsString::from_vec(result)
}

/// Lets more follow: a backslash at the very end stood for itself, and must go on doing so.
fn end_word(bytes: &mut Vec<u8>) {
    let backslashes = bytes.iter().rev().take_while(|&&byte| byte == b'\\');
    if backslashes.count() % 2 == 1 {
        bytes.push(b'\\');
    }
}

/// The bytes of `value` in `range` without those in `cuts`, which are in order.
fn kept(value: &[u8], range: Range<usize>, cuts: &[Cut]) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut at = range.start;
    for cut in cuts.iter().filter(|cut| range.contains(&cut.bytes.start)) {
        kept.extend(value.get(at..cut.bytes.start).unwrap_or_default());
        // make ignores a lone dash.
        kept.extend(if cut.holds_place { &b" -"[..] } else { b"" });
        at = cut.bytes.end;
    }
    kept.extend(value.get(at..range.end).unwrap_or_default());
    kept
}

/// A word, or the end of one, that has to do with the jobserver.
struct Cut {
    /// With the blanks before the word, and the number in the word after `-j`.
    bytes: Range<usize>,
    is_auth: bool,
    /// Something has to stay here, or a `-l` without argument would swallow what comes next.
    holds_place: bool,
}

/// Everything that one pass over a value finds out.
struct Scan<'a> {
    value: &'a [u8],
    words: Peekable<Words<'a>>,
    flags: MakeFlags,
    cuts: Vec<Cut>,
    /// Where the last `-l` without argument ends, with all cuts that follow at once.
    bare_load: Option<usize>,
    /// Where the cluster's first letter is, if there is a cluster.
    cluster: Option<usize>,
    /// The end of the cluster and of the argument that it may have swallowed; 0 without one.
    after_cluster: usize,
}

impl<'a> Scan<'a> {
    fn of(value: &'a [u8]) -> Self {
        let mut scan = Self {
            value,
            words: Words::of(value).peekable(),
            flags: MakeFlags::default(),
            cuts: Vec::new(),
            bare_load: None,
            cluster: None,
            after_cluster: 0,
        };
        let mut is_first = true;
        while let Some(word) = scan.words.next() {
            match word.text.as_slice() {
                b"--" => break,
                [b'-', b'-', ..] => scan.long(&word),
                [b'-', ..] => _ = scan.letters(&word, 1),
                text if is_first && !text.contains(&b'=') => {
                    scan.cluster = Some(word.start);
                    scan.after_cluster = scan.letters(&word, 0);
                }
                // The definition of a variable, or something that means nothing here.
                _ => {}
            }
            is_first = false;
        }
        scan
    }

    /// Reads the option letters of `word` from `first` on; returns where their last argument ends.
    fn letters(&mut self, word: &Word, first: usize) -> usize {
        let letters = word.text.iter().zip(&word.offsets).enumerate().skip(first);
        for (at, (letter, &offset)) in letters {
            let argument = word.text.get(at + 1..).filter(|rest| !rest.is_empty());
            match letter {
                b'i' => self.flags.ignore_errors = true,
                b'k' => self.flags.keep_going = true,
                b'S' => self.flags.keep_going = false,
                b'n' => self.flags.dry_run = true,
                b's' => self.flags.silent = true,
                b'j' => {
                    let start = if at == first { word.from } else { offset };
                    return self.jobs(argument, start..word.end);
                }
                b'C' | b'E' | b'I' | b'W' | b'f' | b'o' if argument.is_none() => {
                    return self.words.next().map_or(word.end, |next| next.end);
                }
                b'l' => return self.load(word, argument),
                b'C' | b'E' | b'I' | b'W' | b'f' | b'o' | b'O' => break,
                _ => {}
            }
        }
        word.end
    }

    /// Reads an option that begins with two dashes.
    fn long(&mut self, word: &Word) {
        let mut parts = word.text.splitn(2, |&byte| byte == b'=');
        let name = parts.next().unwrap_or_default();
        let argument = parts.next();
        match name {
            b"--ignore-errors" => self.flags.ignore_errors = true,
            b"--keep-going" => self.flags.keep_going = true,
            b"--no-keep-going" | b"--stop" => self.flags.keep_going = false,
            b"--dry-run" | b"--just-print" | b"--recon" => self.flags.dry_run = true,
            b"--silent" | b"--quiet" => self.flags.silent = true,
            b"--no-silent" => self.flags.silent = false,
            b"--jobs" => _ = self.jobs(argument, word.from..word.end),
            b"--jobserver-auth" | b"--jobserver-fds" => self.auth(word, argument),
            b"--load-average" | b"--max-load" => _ = self.load(word, argument),
            b"--assume-new" | b"--assume-old" | b"--directory" | b"--eval" | b"--file"
            | b"--include-dir" | b"--makefile" | b"--new-file" | b"--old-file" | b"--what-if"
                if argument.is_none() =>
            {
                self.words.next();
            }
            _ => {}
        }
    }

    /// A `-j` at `bytes`. A number may also be the next word. Returns where the option ends.
    fn jobs(&mut self, argument: Option<&[u8]>, mut bytes: Range<usize>) -> usize {
        let said = if let Some(digits) = argument {
            number(digits)
        } else if let Some(next) =
            self.words.next_if(|next| next.text.iter().all(u8::is_ascii_digit))
        {
            bytes.end = next.end;
            number(&next.text)
        } else {
            Some(JobsWord::Unlimited)
        };
        // make refuses `-j0` and the like, and goes on as if it were not there.
        self.flags.jobs = said.or(self.flags.jobs);
        let end = bytes.end;
        self.cut(bytes, false);
        end
    }

    /// A `-l`, which takes every earlier one back. Its number may also be the next word. Returns
    /// where the option ends.
    fn load(&mut self, word: &Word, argument: Option<&[u8]>) -> usize {
        let (limit, end) = if let Some(argument) = argument {
            (load::limit(argument), word.end)
        } else if let Some(next) = self.words.next_if(Word::begins_a_load) {
            (load::limit(&next.text), next.end)
        } else {
            self.bare_load = Some(word.end);
            (None, word.end)
        };
        self.flags.load = limit;
        end
    }

    /// A jobserver word. Its argument may also be the next word.
    fn auth(&mut self, word: &Word, argument: Option<&[u8]>) {
        let (place, end) = match argument {
            Some(argument) => (Place::parse(argument), word.end),
            None => match self.words.next() {
                Some(next) => (Place::parse(&next.text), next.end),
                None => return,
            },
        };
        let mut spelled = self.value.get(word.start..end).unwrap_or_default().to_vec();
        end_word(&mut spelled);
        let word_as_it_stood = OsString::from_vec(spelled);
        self.flags.auth = Some(Auth { word: word_as_it_stood, place });
        self.cut(word.from..end, true);
    }

    fn cut(&mut self, bytes: Range<usize>, is_auth: bool) {
        let mut holds_place = false;
        if self.bare_load == Some(bytes.start) {
            holds_place = self.words.peek().is_some_and(Word::begins_a_load);
            self.bare_load = Some(bytes.end);
        }
        self.cuts.push(Cut { bytes, is_auth, holds_place });
    }
}

/// The number after `-j`, if make would take it.
fn number(digits: &[u8]) -> Option<JobsWord> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // Only a number too large for `usize` fails to parse now.
    let number = std::str::from_utf8(digits).ok()?.parse().unwrap_or(usize::MAX);
    NonZeroUsize::new(number).map(JobsWord::AtMost)
}

//! Interned names: each name once, found by its text or its number. Doesn't know what is named.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Names, numbered in the order of their coming.
///
/// All text is in one buffer, so that a name costs its bytes and twelve to twenty more.
#[derive(Default)]
pub(crate) struct Names {
    text: String,
    /// Where each name ends in `text`; it begins where the one before it ends.
    ends: Vec<u32>,
    table: HashTable<Entry>,
    hasher: DefaultHashBuilder,
}

/// A name's number with part of its hash, so that neither growing the table nor most comparisons
/// have to look at the text.
#[derive(Clone, Copy)]
struct Entry {
    hash: u32,
    number: u32,
}

impl Entry {
    /// Spreads the part of the hash that was kept over the bits that the table looks at.
    fn spread(hash: u32) -> u64 {
        u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

impl Names {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The name of that number, empty if there is none.
    pub(crate) fn get(&self, number: u32) -> &str {
        let number = number as usize;
        let start = match number.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(0),
            None => 0,
        };
        let end = self.ends.get(number).copied().unwrap_or(start);
        self.text.get(start as usize..end as usize).unwrap_or("")
    }

    /// Finds or adds a name. Says its number and whether it is new; `None` if there is no room for
    /// a new one: 2^32 - 1 names or 4 GiB of text.
    pub(crate) fn intern(&mut self, name: &str) -> Option<(u32, bool)> {
        #[expect(clippy::cast_possible_truncation, reason = "half of the hash is enough")]
        let hash = self.hasher.hash_one(name) as u32;
        let spread = Entry::spread(hash);
        let found =
            self.table.find(spread, |entry| entry.hash == hash && self.get(entry.number) == name);
        if let Some(entry) = found {
            return Some((entry.number, false));
        }
        let number = u32::try_from(self.ends.len()).ok().filter(|&number| number < u32::MAX)?;
        let end = u32::try_from(self.text.len().checked_add(name.len())?).ok()?;
        self.text.push_str(name);
        self.ends.push(end);
        self.table.insert_unique(spread, Entry { hash, number }, |entry| Entry::spread(entry.hash));
        Some((number, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number() {
        let mut names = Names::default();
        for number in 0..10_000 {
            assert_eq!(names.intern(&format!("job.{number}")), Some((number, true)));
        }
        for number in 0..10_000 {
            assert_eq!(names.intern(&format!("job.{number}")), Some((number, false)));
            assert_eq!(names.get(number), format!("job.{number}"));
        }
        assert_eq!(names.len(), 10_000);
    }

    #[test]
    fn a_number_that_was_not_given_has_no_name() {
        let mut names = Names::default();
        assert_eq!(names.get(0), "");
        names.intern("a");
        assert_eq!(names.get(0), "a");
        assert_eq!(names.get(1), "");
        assert_eq!(names.get(u32::MAX), "");
    }
}

//! /etc/subuid and /etc/subgid: which ids beyond their own users may give to files. Only reads.

use serde::{Deserialize, Serialize};

/// How many ids a Debian system takes: `nobody` is 65534.
pub(super) const ENOUGH: u64 = 65_536;

/// A range of subordinate ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ids {
    pub(super) first: u64,
    pub(super) count: u64,
}

/// One line, `OWNER:FIRST:COUNT`.
#[derive(Debug, Clone, Copy)]
struct Range<'a> {
    owner: &'a str,
    first: u64,
    count: u64,
}

fn ranges(table: &str) -> impl Iterator<Item = Range<'_>> {
    table.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let owner = fields.next()?;
        let (first, count) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(Range { owner, first, count })
    })
}

/// The first range of a user, by name or number, if it is large enough: unshare takes no other either.
pub(super) fn of(table: &str, name: &str, uid: u32) -> Option<Ids> {
    let uid = uid.to_string();
    ranges(table)
        .find(|range| range.owner == name || range.owner == uid)
        .filter(|range| range.count >= ENOUGH)
        .map(|range| Ids { first: range.first, count: range.count })
}

/// The first id above every range that is given out.
pub(super) fn next_free(table: &str) -> u64 {
    let ends = ranges(table).map(|range| range.first.saturating_add(range.count));
    ends.fold(100_000, u64::max)
}

#[cfg(test)]
mod tests {
    use super::{Ids, next_free, of};

    const TABLE: &str =
        "# ids\nalice:100000:65536\n1001:165536:65536\nbob:231072:1000\nbob:300000:65536\n";

    #[test]
    fn a_user_is_known_by_name_or_number() {
        assert_eq!(of(TABLE, "alice", 1000), Some(Ids { first: 100_000, count: 65_536 }));
        assert_eq!(of(TABLE, "carol", 1001), Some(Ids { first: 165_536, count: 65_536 }));
        assert_eq!(of(TABLE, "dave", 1004), None);
    }

    #[test]
    fn a_first_range_that_is_too_small_does_not_suffice() {
        assert_eq!(of(TABLE, "bob", 1002), None);
    }

    #[test]
    fn the_next_range_lies_above_all_others() {
        assert_eq!(next_free(TABLE), 365_536);
        assert_eq!(next_free(""), 100_000);
    }
}

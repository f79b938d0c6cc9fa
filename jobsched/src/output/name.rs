//! Makes file names of job names, injectively. Doesn't know dates, sequences or directories.

use std::fmt::Write as _;

/// The longest result, in bytes.
///
/// A file name has 255. `-YYYY-MM-DD#` takes 12 of them, a sequence number up to 10.
pub(crate) const MAX_ESCAPED: usize = 255 - 12 - 10;

/// Ends the cut part of a name that was too long and begins its hash. Not found in any other name,
/// where `%` is followed by two hexadecimal digits or by nothing.
const CUT: &str = "%~";
const HASH_DIGITS: usize = 32;

/// The name of a job as a part of a file name.
///
/// Different names give different results. All bytes but ASCII letters, digits and `._+=,:@~-` are
/// written as `%` and two upper-case hexadecimal digits; so are `.`, `-` and `~` at the beginning,
/// where they mean something to `ls`, to the programs that get the file as an argument, and to the
/// shell. The empty name is a lone `%`. A result that would be longer than [`MAX_ESCAPED`] is cut and
/// gets `%~` and a 128-bit hash of the whole name.
pub(crate) fn escape(name: &str) -> String {
    if name.is_empty() {
        return "%".to_owned();
    }
    let mut escaped = String::with_capacity(name.len());
    // Where the escaped name can be cut if it has to be.
    let mut cut = 0;
    for (index, &byte) in name.as_bytes().iter().enumerate() {
        if is_safe(byte, index == 0) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
        if escaped.len() + CUT.len() + HASH_DIGITS <= MAX_ESCAPED {
            cut = escaped.len();
        }
        if escaped.len() > MAX_ESCAPED {
            escaped.truncate(cut);
            let _ = write!(escaped, "{CUT}{:032x}", hash(name.as_bytes()));
            break;
        }
    }
    escaped
}

fn is_safe(byte: u8, first: bool) -> bool {
    match byte {
        b'.' | b'-' | b'~' => !first,
        b'_' | b'+' | b'=' | b',' | b':' | b'@' => true,
        _ => byte.is_ascii_alphanumeric(),
    }
}

/// FNV-1a with 128 bits: the same in every version of this crate, so that a job's logs keep their
/// name. Nothing is lost if somebody makes names collide: their logs share one sequence.
fn hash(bytes: &[u8]) -> u128 {
    const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(OFFSET_BASIS, |hash, &byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::output::testing::Random;

    #[test]
    fn harmless_names_stay_as_they_are() {
        assert_eq!(escape("compile.a_b-c+d=e,f:g@h~1"), "compile.a_b-c+d=e,f:g@h~1");
    }

    #[test]
    fn slashes_controls_and_the_own_marks_are_escaped() {
        assert_eq!(escape("src/a b\n%#\0"), "src%2Fa%20b%0A%25%23%00");
        assert_eq!(escape("über"), "%C3%BCber");
    }

    #[test]
    fn a_name_can_neither_hide_nor_be_an_option_nor_a_directory() {
        assert_eq!(escape(".."), "%2E.");
        assert_eq!(escape("-rf"), "%2Drf");
        assert_eq!(escape("~root"), "%7Eroot");
        assert_eq!(escape(""), "%");
    }

    #[test]
    fn names_that_fit_are_not_hashed_and_longer_ones_are_cut_between_escapes() {
        let fits = "x".repeat(MAX_ESCAPED);
        assert_eq!(escape(&fits), fits);
        let long = escape(&"/".repeat(MAX_ESCAPED));
        assert_eq!(
            &long[..long.len() - 34],
            "%2F".repeat(66),
            "199 bytes are left, 66 escapes fit"
        );
        assert_eq!(&long[long.len() - 34..][..2], CUT);
        assert!(escape(&"y".repeat(100_000)).len() <= MAX_ESCAPED);
    }

    #[test]
    fn the_hash_is_the_published_function() {
        // Test vectors of draft-eastlake-fnv.
        assert_eq!(hash(b""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(hash(b"a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
        assert_eq!(hash(b"foobar"), 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }

    #[test]
    fn different_names_give_different_file_names() {
        let mut random = Random::new(7);
        let mut seen: HashMap<String, String> = HashMap::new();
        let alphabet = ["a", "%", "2", "F", "/", "~", ".", "-", "#", "é", "\u{1}"];
        for round in 0..20_000 {
            let length = if round % 10 == 0 { 200 + random.below(60) } else { random.below(6) };
            let name: String =
                (0..length).map(|_| alphabet[random.below(alphabet.len())]).collect();
            let escaped = escape(&name);
            assert!(!escaped.contains(['/', '#', '\0']) && escaped.len() <= MAX_ESCAPED);
            if let Some(other) = seen.insert(escaped, name.clone()) {
                assert_eq!(other, name);
            }
        }
    }
}

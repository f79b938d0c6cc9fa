//! Reads a Release file that apt has verified: its date, and the SHA256 of each Packages index. Verifies nothing.

use std::collections::BTreeMap;

use crate::spec::Suite;

/// What a Release file says, signed or not around it.
pub(super) fn read(text: &str, components: &[String], archs: &[String]) -> Suite {
    let mut date = String::new();
    let mut without_all = false;
    // For each index: how good the name is, and its hash. The plain file counts before its compressed forms.
    let mut found: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let mut in_sums = false;
    for line in text.lines() {
        if let Some(sum) = line.strip_prefix(' ') {
            let fields: Vec<&str> = sum.split_whitespace().collect();
            let (true, &[hash, _, name]) = (in_sums, fields.as_slice()) else { continue };
            let Some((index, rank)) = index_of(name) else { continue };
            if found.get(index).is_none_or(|(other, _)| rank < *other) {
                found.insert(index.to_owned(), (rank, hash.to_owned()));
            }
            continue;
        }
        in_sums = line.trim_end() == "SHA256:";
        match line.split_once(": ") {
            Some(("Date", value)) => value.trim().clone_into(&mut date),
            Some(("No-Support-for-Architecture-all", value)) => {
                without_all = value.split_whitespace().any(|word| word == "Packages");
            }
            _ => {}
        }
    }
    let is_used = |index: &str| {
        let Some((component, arch)) = index.rsplit_once("/binary-") else { return false };
        let is_arch = archs.iter().any(|known| known == arch) || arch == "all" && !without_all;
        is_arch && components.iter().any(|known| known == component)
    };
    let packages = found
        .into_iter()
        .filter(|(index, _)| is_used(index))
        .map(|(index, (_, hash))| (index, hash))
        .collect();
    Suite { date, in_release: String::new(), packages }
}

/// `main/binary-amd64/Packages.xz` -> `main/binary-amd64`, and how far the name is from the plain one.
fn index_of(name: &str) -> Option<(&str, usize)> {
    const FORMS: [&str; 7] = ["", ".xz", ".gz", ".zst", ".bz2", ".lzma", ".lz4"];
    let (index, file) = name.rsplit_once('/')?;
    let form = file.strip_prefix("Packages")?;
    FORMS.iter().position(|known| *known == form).map(|rank| (index, rank))
}

#[cfg(test)]
mod tests {
    use super::{Suite, read};

    fn release(text: &str) -> Suite {
        read(text, &["main".to_owned()], &["amd64", "arm64"].map(str::to_owned))
    }

    #[test]
    fn the_indexes_in_use_are_read_and_others_are_not() {
        let suite = release(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nOrigin: Debian\n\
             Date: Sat, 11 Jul 2026 09:30:05 UTC\nMD5Sum:\n 00 1 main/binary-amd64/Packages\n\
             SHA256:\n aa 9 main/binary-amd64/Packages.gz\n bb 9 main/binary-amd64/Packages\n\
             \x20cc 9 contrib/binary-amd64/Packages\n dd 9 main/binary-s390x/Packages\n\
             \x20ee 9 main/binary-arm64/Packages.xz\n ff 9 main/binary-amd64/Release\n\
             -----BEGIN PGP SIGNATURE-----\n",
        );
        assert_eq!(suite.date, "Sat, 11 Jul 2026 09:30:05 UTC");
        let packages: Vec<_> = suite.packages.iter().map(|(k, v)| (&**k, &**v)).collect();
        assert_eq!(packages, [("main/binary-amd64", "bb"), ("main/binary-arm64", "ee")]);
    }

    #[test]
    fn the_index_of_all_counts_unless_the_others_hold_it() {
        let sums = "SHA256:\n aa 9 main/binary-all/Packages\n";
        assert_eq!(release(sums).packages.len(), 1);
        let text = format!("No-Support-for-Architecture-all: Packages\n{sums}");
        assert!(release(&text).packages.is_empty());
    }
}

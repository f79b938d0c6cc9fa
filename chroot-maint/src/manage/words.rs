//! Amounts, ages and lists in the words of people.

use crate::store::Package;

/// Disk space in steps of a thousand, with two digits at least.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut whole, mut tenths, mut unit) = (bytes, 0, 0);
    while whole >= 1000 && unit + 1 < UNITS.len() {
        tenths = whole % 1000 / 100;
        whole /= 1000;
        unit += 1;
    }
    if unit > 0 && whole < 10 {
        return format!("{whole}.{tenths} {}", UNITS[unit]);
    }
    format!("{whole} {}", UNITS[unit])
}

/// An age of so many seconds, in its largest unit.
pub(super) fn age(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// `generation 1`, `generations 1, 2`
pub(super) fn generations(numbers: &[u32]) -> String {
    let shown: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    format!("generation{} {}", if numbers.len() == 1 { "" } else { "s" }, shown.join(", "))
}

/// How many packages differ, with the first of them: `+` for those that come, `-` for those that go, `~` for those of another
/// version.
pub(super) fn difference(from: &[Package], to: &[Package]) -> String {
    const SHOWN: usize = 4;
    let version = |packages: &[Package], name: &str| {
        packages.iter().find(|package| package.name == name).map(|found| found.version.clone())
    };
    let mut changes = Vec::new();
    for Package { name, version: old } in from {
        match version(to, name) {
            None => changes.push(format!("- {name} {old}")),
            Some(new) if new != *old => changes.push(format!("~ {name} {old} -> {new}")),
            Some(_) => {}
        }
    }
    let come = to.iter().filter(|package| version(from, &package.name).is_none());
    changes.extend(come.map(|Package { name, version }| format!("+ {name} {version}")));
    match changes.len() {
        0 => "no package differs".to_owned(),
        count @ 1..=SHOWN => format!("{count} packages differ: {}", changes.join(", ")).replacen(
            "1 packages differ",
            "1 package differs",
            1,
        ),
        count => {
            let others = count - SHOWN;
            format!("{count} packages differ: {}, and {others} more", changes[..SHOWN].join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Package, age, difference, generations, size};

    #[test]
    fn sizes_have_two_digits_where_it_matters() {
        let shown = [0, 999, 1_000, 9_949, 12_345, 123_456_789, 1_300_000_000].map(size);
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "9.9 kB", "12 kB", "123 MB", "1.3 GB"]);
    }

    #[test]
    fn ages_and_numbers_are_words() {
        assert_eq!(
            [1, 119, 120, 7_200, 400_000].map(age),
            ["1 second", "119 seconds", "2 minutes", "2 hours", "4 days"]
        );
        assert_eq!(generations(&[3]), "generation 3");
        assert_eq!(generations(&[1, 2]), "generations 1, 2");
    }

    #[test]
    fn what_differs_is_counted_and_named() {
        let packages = |list: &[(&str, &str)]| -> Vec<Package> {
            let package = |&(name, version): &(&str, &str)| Package {
                name: name.into(),
                version: version.into(),
            };
            list.iter().map(package).collect()
        };
        let from = packages(&[("a", "1"), ("b", "2"), ("c", "3")]);
        assert_eq!(difference(&from, &from), "no package differs");
        let to = packages(&[("b", "1"), ("c", "3"), ("d", "1")]);
        assert_eq!(difference(&from, &to), "3 packages differ: - a 1, ~ b 2 -> 1, + d 1");
        assert_eq!(difference(&from[1..], &to[..2]), "1 package differs: ~ b 2 -> 1");
        let many: Vec<_> =
            (0..9).map(|n| Package { name: n.to_string(), version: "1".into() }).collect();
        assert!(difference(&many, &[]).ends_with("- 3 1, and 5 more"));
    }
}

//! By which names a chroot is to be found besides its own: those that the config gives, and those that users expect.

use crate::{
    config::{Chroot, Config},
    spec::ChrootId,
};

/// Another name of something, which may be taken already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Alias {
    pub(super) name: String,
    /// From the config. One that nobody asked for gives way to whoever has that name.
    pub(super) is_asked_for: bool,
}

impl Alias {
    pub(super) fn asked_for(name: String) -> Self {
        Self { name, is_asked_for: true }
    }

    pub(super) fn expected(name: String) -> Self {
        Self { name, is_asked_for: false }
    }
}

/// What sbuild is told to build for where a changelog's word is taken: unstable has two names, and packages that are
/// being worked on are for it as well.
const EXPECTED: [(&str, [&str; 2]); 2] =
    [("sid", ["unstable", "UNRELEASED"]), ("unstable", ["sid", "UNRELEASED"])];

/// The other names of a chroot's distribution.
pub(super) fn of_dist(config: &Config, id: &ChrootId, chroot: &Chroot) -> Vec<Alias> {
    let mut names: Vec<Alias> = chroot.aliases.iter().cloned().map(Alias::asked_for).collect();
    let dist = id.dist.as_str();
    let expected = EXPECTED.iter().filter(|(name, _)| *name == dist).flat_map(|(_, names)| names);
    for &name in expected {
        let is_anothers = |(other, chroot): (&ChrootId, &Chroot)| {
            other.arch == id.arch
                && (other.dist.as_str() == name || chroot.aliases.iter().any(|alias| alias == name))
        };
        // With both of them in the config, sid comes first.
        let has_twin = dist == "unstable"
            && config
                .chroots
                .keys()
                .any(|other| other.arch == id.arch && other.dist.as_str() == "sid");
        if !has_twin && !config.chroots.iter().any(is_anothers) {
            names.push(Alias::expected(name.to_owned()));
        }
    }
    names
}

/// Whether the names that are there are those that are wanted: all that were asked for, and no others than expected.
pub(super) fn are_as_wanted(there: &[String], wanted: &[Alias]) -> bool {
    there.iter().all(|name| wanted.iter().any(|alias| alias.name == *name))
        && wanted.iter().all(|alias| !alias.is_asked_for || there.contains(&alias.name))
}

#[cfg(test)]
mod tests {
    use super::{Alias, are_as_wanted, of_dist};
    use crate::outputs::testing::config;

    fn names(text: &str, chroot: &str) -> Vec<String> {
        let (config, id) = config(text, chroot);
        let names = of_dist(&config, &id, &config.chroots[&id]);
        names.into_iter().map(|alias| alias.name).collect()
    }

    #[test]
    fn unstable_is_found_by_both_of_its_names_unless_another_has_one() {
        assert_eq!(names("[dist.sid]", "sid-amd64"), ["unstable", "UNRELEASED"]);
        assert_eq!(names("[dist.unstable]", "unstable-amd64"), ["sid", "UNRELEASED"]);
        let both = "[dist.sid]\n[dist.unstable]";
        assert_eq!(names(both, "sid-amd64"), ["UNRELEASED"]);
        assert_eq!(names(both, "unstable-amd64"), [""; 0]);
        let other_arch = "[dist.sid]\n[dist.unstable]\narchs = ['arm64']\ncross-tools = []";
        assert_eq!(names(other_arch, "sid-amd64"), ["unstable", "UNRELEASED"]);
    }

    #[test]
    fn the_configs_aliases_come_first() {
        assert_eq!(
            names("[dist.trixie]\naliases = ['stable', 'a']", "trixie-amd64"),
            ["stable", "a"]
        );
    }

    #[test]
    fn a_name_that_gave_way_is_not_missed_but_one_that_was_asked_for_is() {
        let wanted = [Alias::asked_for("a".into()), Alias::expected("b".into())];
        let there = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(are_as_wanted(&there(&["a"]), &wanted));
        assert!(are_as_wanted(&there(&["a", "b"]), &wanted));
        assert!(!are_as_wanted(&there(&["b"]), &wanted));
        assert!(!are_as_wanted(&there(&["a", "c"]), &wanted));
    }
}

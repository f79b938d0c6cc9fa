//! The list of tools that may be replaced, and of those that never may: data, as TOML. Knows paths and packages by
//! their names, looks at no tree.

use std::collections::{BTreeMap, BTreeSet};

use glob::Pattern;
use serde::Deserialize;
use thiserror::Error;

use crate::spec::Tier;

/// The list that comes with this program.
const BUILT_IN: &str = include_str!("tools.toml");

/// Where the donor has a group's programs from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    /// The package of the same name.
    Native,
    /// Packages made for the purpose, which must be installed.
    Cross,
    /// The distribution's source, compiled for the purpose.
    Built,
    /// The chroot itself: scripts, which stay its own and are run by the host's perl.
    Scripts,
}

/// Programs that are replaced all together or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) tier: Tier,
    pub(crate) reason: String,
    #[serde(default = "native")]
    pub(crate) source: Source,
    /// The package that `files` are looked for in.
    pub(crate) package: Option<String>,
    /// Globs over what the package ships.
    #[serde(default)]
    pub(crate) files: Vec<String>,
    /// Globs that are taken out again.
    #[serde(default)]
    pub(crate) except: Vec<String>,
    /// Packages that the donor needs for it.
    #[serde(default)]
    pub(crate) also: Vec<String>,
    /// Files that are named one by one.
    #[serde(default)]
    pub(crate) replace: Vec<Replace>,
    /// What belongs into the tree without taking anything's place.
    #[serde(default)]
    pub(crate) beside: Vec<Beside>,
}

/// One file; where there are several names, the first one that exists is meant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replace {
    pub(crate) file: String,
    /// Whose it is in the chroot, the first of several that is installed; without, as in the donor.
    pub(crate) package: Option<String>,
    /// Where the donor has it, if not under the same name.
    pub(crate) from: Option<String>,
    /// Whether the group is whole without it, where the chroot hasn't got it either.
    #[serde(default)]
    pub(crate) optional: bool,
}

/// A library of the donor.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Beside {
    pub(crate) file: String,
}

/// A library of the donor that builds preload into whatever they run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Preload {
    pub(crate) file: String,
    /// Whose it is in the chroot.
    pub(crate) package: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Never {
    files: Vec<String>,
    reason: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    preload: Vec<Preload>,
    #[serde(default)]
    group: Vec<Group>,
    #[serde(default)]
    never: Vec<Never>,
}

/// All groups, and what may never be in one.
#[derive(Debug, Clone)]
pub(crate) struct ToolList {
    groups: BTreeMap<String, Group>,
    pub(crate) preloads: Vec<Preload>,
    never: Vec<(Pattern, String)>,
    /// All that it was read from.
    pub(crate) text: String,
}

/// Why a list can't be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum ListError {
    #[error("{origin}: {source}")]
    Syntax { origin: String, source: Box<toml::de::Error> },
    #[error("{origin}: `{pattern}' is no pattern: {source}")]
    Pattern { origin: String, pattern: String, source: glob::PatternError },
    #[error("{origin}: group `{group}': {file} may never be replaced: it {reason}; take it out")]
    Never { origin: String, group: String, file: String, reason: String },
    #[error("{origin}: group `{group}' {what}")]
    Group { origin: String, group: String, what: &'static str },
}

/// The values of the placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    /// The GNU name of the chroot's architecture, as in its paths.
    pub(crate) triplet: String,
    /// The version in the names of its compiler; empty if there is none.
    pub(crate) gcc: String,
    /// The GNU name of the donor's architecture.
    pub(crate) donor: String,
}

impl Names {
    /// The name of a package, which can't have all characters that a GNU name may have.
    fn package(&self, text: &str) -> String {
        self.fill(text).replace('_', "-")
    }

    /// The names that a package may have, in order.
    pub(crate) fn packages(&self, text: &str) -> Vec<String> {
        text.split('|').map(|one| self.package(one)).collect()
    }

    /// Puts them in.
    pub(crate) fn fill(&self, text: &str) -> String {
        text.replace("TRIPLET", &self.triplet)
            .replace("GCCVER", &self.gcc)
            .replace("DONOR", &self.donor)
    }

    /// The names that a file may have, in order.
    pub(crate) fn alternatives(&self, text: &str) -> Vec<String> {
        text.split('|').map(|one| self.fill(one)).collect()
    }
}

impl ToolList {
    /// The list that comes with this program, and `more` of the same form with what it is to be called in messages.
    /// A group of the same name takes the place of the one before.
    pub(crate) fn read(more: Option<(&str, &str)>) -> Result<Self, ListError> {
        let mut list = Self {
            groups: BTreeMap::new(),
            preloads: Vec::new(),
            never: Vec::new(),
            text: String::new(),
        };
        list.add("the built-in list", BUILT_IN)?;
        if let Some((origin, text)) = more {
            list.add(origin, text)?;
        }
        Ok(list)
    }

    /// The groups of these tiers, by name.
    pub(crate) fn of_tiers(&self, tiers: &[Tier]) -> impl Iterator<Item = &Group> {
        self.groups.values().filter(|group| tiers.contains(&group.tier))
    }

    /// The packages that a donor is to have for these tiers, as far as they can be had.
    pub(crate) fn packages(&self, tiers: &[Tier], names: &Names) -> BTreeSet<String> {
        let of_groups = self.of_tiers(tiers).flat_map(|group| group.packages(names));
        of_groups.chain(self.preload_packages(names)).collect()
    }

    /// Those of them that libraries which builds preload are from: without these, programs would do without what builds want of them.
    pub(crate) fn preload_packages(&self, names: &Names) -> BTreeSet<String> {
        self.preloads.iter().map(|preload| names.package(&preload.package)).collect()
    }

    /// The packages of the native chroot whose source a donor compiles for these tiers. It need not install them.
    pub(crate) fn compiled(&self, tiers: &[Tier]) -> BTreeSet<String> {
        self.of_tiers(tiers).filter(|group| group.is_built()).map(|g| g.name.clone()).collect()
    }

    /// The same for a file of this group: a script stays what it is, whoever runs it.
    pub(crate) fn forbidden_in(&self, group: &Group, file: &str) -> Option<&str> {
        if group.has_scripts() { None } else { self.forbidden(file) }
    }

    /// Why this file may never be replaced, if that is so.
    pub(crate) fn forbidden(&self, file: &str) -> Option<&str> {
        let found = self.never.iter().find(|(pattern, _)| pattern.matches(file));
        found.map(|(_, reason)| reason.as_str())
    }

    fn add(&mut self, origin: &str, text: &str) -> Result<(), ListError> {
        let document: Document = toml::from_str(text).map_err(|source| ListError::Syntax {
            origin: origin.to_owned(),
            source: Box::new(source),
        })?;
        for never in document.never {
            for file in never.files {
                self.never.push((pattern(origin, &file)?, never.reason.clone()));
            }
        }
        self.text.push_str(text);
        self.preloads.extend(document.preload);
        for group in document.group {
            self.check(origin, &group)?;
            self.groups.insert(group.name.clone(), group);
        }
        Ok(())
    }

    /// What a glob may match only shows in a package; what is named is refused here.
    fn check(&self, origin: &str, group: &Group) -> Result<(), ListError> {
        let wrong = |what| {
            Err(ListError::Group { origin: origin.to_owned(), group: group.name.clone(), what })
        };
        if group.files.is_empty() && group.replace.is_empty() {
            return wrong("names no file; give it `files' or `replace'");
        }
        if !group.files.is_empty() && group.package.is_none() {
            return wrong("has `files' of no package; give it `package'");
        }
        if group.has_scripts() && !group.replace.is_empty() {
            return wrong("has scripts, which are named by `files'; take `replace' out");
        }
        for file in group.files.iter().chain(&group.except) {
            pattern(origin, file)?;
        }
        let named = group.replace.iter().flat_map(|one| one.file.split('|'));
        for file in named.chain(group.files.iter().map(String::as_str)) {
            if let Some(reason) = self.forbidden_in(group, file) {
                return Err(ListError::Never {
                    origin: origin.to_owned(),
                    group: group.name.clone(),
                    file: file.to_owned(),
                    reason: reason.to_owned(),
                });
            }
        }
        Ok(())
    }
}

impl Group {
    /// Whether it is of scripts.
    pub(crate) fn has_scripts(&self) -> bool {
        self.source == Source::Scripts
    }

    /// Whether the donor has to compile it: the source of the native chroot's package of the group's name.
    pub(crate) fn is_built(&self) -> bool {
        self.source == Source::Built
    }

    /// The packages that a donor is to have for it, as far as they can be had.
    pub(crate) fn packages(&self, names: &Names) -> BTreeSet<String> {
        let all = self.also.iter().chain(&self.package);
        // Without a compiler there is nothing to be done for it.
        let all = all.filter(|package| !names.gcc.is_empty() || !package.contains("GCCVER"));
        all.map(|package| names.package(package)).collect()
    }

    /// Those of a package's files that this group replaces.
    pub(crate) fn chosen<'a>(&self, shipped: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        // They are known to be patterns.
        let of = |texts: &[String]| -> Vec<Pattern> {
            texts.iter().filter_map(|text| Pattern::new(text).ok()).collect()
        };
        let (files, except) = (of(&self.files), of(&self.except));
        shipped
            .filter(|file| files.iter().any(|pattern| pattern.matches(file)))
            .filter(|file| !except.iter().any(|pattern| pattern.matches(file)))
            .collect()
    }
}

fn native() -> Source {
    Source::Native
}

fn pattern(origin: &str, text: &str) -> Result<Pattern, ListError> {
    Pattern::new(text).map_err(|source| ListError::Pattern {
        origin: origin.to_owned(),
        pattern: text.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::{Names, Tier, ToolList};

    fn error(text: &str) -> String {
        ToolList::read(Some(("tools.toml", text))).unwrap_err().to_string()
    }

    #[test]
    fn the_built_in_list_has_every_tier() {
        let list = ToolList::read(None).unwrap();
        for tier in [Tier::Compilers, Tier::Shell, Tier::Packaging] {
            assert!(list.of_tiers(&[tier]).count() > 0, "{tier}");
        }
        assert_eq!(list.of_tiers(&[]).count(), 0);
    }

    #[test]
    fn what_answers_for_the_machine_is_never_replaced() {
        let list = ToolList::read(None).unwrap();
        for file in ["/usr/bin/uname", "/bin/uname", "/usr/bin/dpkg", "/usr/sbin/ldconfig"] {
            assert!(list.forbidden(file).is_some(), "{file}");
        }
        for file in ["/usr/bin/dpkg-deb", "/usr/bin/sed", "/usr/bin/gpgv", "/usr/bin/gawk"] {
            assert_eq!(list.forbidden(file), None, "{file}");
        }
    }

    #[test]
    fn coreutils_are_replaced_but_for_what_is_forbidden() {
        let list = ToolList::read(None).unwrap();
        let shipped: Vec<String> = [
            "cat", "uname", "arch", "od", "printf", "seq", "stdbuf", "who", "users", "numfmt",
            "pinky",
        ]
        .map(|name| format!("/usr/bin/{name}"))
        .to_vec();
        let coreutils = list.of_tiers(&[Tier::Shell]).find(|group| group.name == "coreutils");
        let chosen = coreutils.unwrap().chosen(shipped.iter().map(String::as_str));
        assert_eq!(chosen, ["/usr/bin/cat"]);
        assert!(shipped[1..].iter().all(|file| list.forbidden(file).is_some()));
    }

    #[test]
    fn a_forbidden_file_in_the_config_is_refused_with_the_reason() {
        let text = "[[group]]\nname='x'\ntier='shell'\nreason='fast'\n\
                    [[group.replace]]\nfile='/usr/bin/uname'\n";
        assert_eq!(
            error(text),
            "tools.toml: group `x': /usr/bin/uname may never be replaced: it says the machine \
             that it was built for; take it out"
        );
    }

    #[test]
    fn scripts_may_have_names_that_programs_may_not() {
        let text = |source: &str| {
            format!(
                "[[group]]\nname='x'\ntier='shell'\nreason='fast'\nsource='{source}'\npackage='x'\n\
                 files=['/usr/bin/dpkg-architecture']\n"
            )
        };
        assert!(ToolList::read(Some(("tools.toml", &text("scripts")))).is_ok());
        assert!(error(&text("native")).contains("may never be replaced"));
    }

    #[test]
    fn a_group_without_files_is_refused() {
        let text = "[[group]]\nname='x'\ntier='shell'\nreason='fast'\n";
        assert!(error(text).contains("names no file"));
    }

    #[test]
    fn a_group_of_the_config_takes_the_place_of_the_built_in_one() {
        let text = "[[group]]\nname='sed'\ntier='packaging'\nreason='tried'\npackage='sed'\n\
                    files=['/bin/sed']\n";
        let list = ToolList::read(Some(("tools.toml", text))).unwrap();
        let seds: Vec<_> =
            list.of_tiers(&[Tier::Shell, Tier::Packaging]).filter(|g| g.name == "sed").collect();
        assert_eq!(seds.len(), 1);
        assert_eq!(seds[0].tier, Tier::Packaging);
    }

    #[test]
    fn what_is_compiled_is_known_by_its_package() {
        let list = ToolList::read(None).unwrap();
        let compiled: Vec<String> =
            list.compiled(&Tier::ALL.map(|(_, tier)| tier)).into_iter().collect();
        assert_eq!(compiled, ["bash", "make"]);
        assert!(list.compiled(&[Tier::Compilers]).is_empty());
    }

    #[test]
    fn placeholders_and_alternatives_are_filled_in() {
        let [triplet, gcc, donor] = ["t-linux-gnu", "14", "d-linux-gnu"].map(str::to_owned);
        let names = Names { triplet, gcc, donor };
        assert_eq!(
            names.alternatives("/a/TRIPLET/GCCVER|/DONOR"),
            ["/a/t-linux-gnu/14", "/d-linux-gnu"]
        );
    }
}

//! The older form of the configuration: lines of `NAME='value'` that a shell could read as well.
//!
//! Does not expand anything. Does not know the host's defaults, nor the other form.

use std::collections::HashMap;

use super::{
    Place, Problem,
    document::{
        DistSection, Document, Section, absolute, address, arch, output, package, proxy, tier, user,
    },
};
use crate::spec::{Arch, Dist, nearest};

/// The keys for a section, whole file or `<dist>_KEY`.
const SECTION_KEYS: [&str; 7] =
    ["NATIVE_ARCHS", "FOREIGN_ARCHS", "MIRROR", "INCLUDE", "FRESH", "OUTPUTS", "CROSS_TOOLS"];
/// The keys that only the whole file has.
const TOP_KEYS: [&str; 6] = ["DISTS", "PROXY", "STATE", "SBUILD_USER", "SCHROOT_DIR", "TOOL_LIST"];

/// A value with the line that gave it.
struct Setting {
    line: usize,
    value: String,
}

type Settings = HashMap<String, Setting>;

/// Reads a whole file.
pub(super) fn parse(text: &str) -> Result<Document, Problem> {
    let mut settings = read_lines(text)?;
    let dists = match settings.remove("DISTS") {
        Some(setting) => setting.words(|word| {
            Dist::parse(word).ok_or_else(|| format!("`{word}' can't be a distribution's name"))
        })?,
        None => Vec::new(),
    };
    let document = Document {
        state_dir: take(&mut settings, "STATE", absolute)?,
        proxy: take(&mut settings, "PROXY", proxy)?,
        sbuild_user: take(&mut settings, "SBUILD_USER", user)?,
        schroot_dir: take(&mut settings, "SCHROOT_DIR", absolute)?,
        tool_list: take(&mut settings, "TOOL_LIST", absolute)?,
        defaults: section(&mut settings, "")?,
        dists: dists
            .into_iter()
            .map(|dist| {
                let section = section(&mut settings, &format!("{dist}_"))?;
                Ok(DistSection { dist, aliases: Vec::new(), suites: None, section })
            })
            .collect::<Result<_, Problem>>()?,
        // What the older form never had.
        ..Document::default()
    };
    match settings.iter().min_by_key(|(_, setting)| setting.line) {
        Some((name, setting)) => Err(unknown(name, setting.line, &document.dists)),
        None => Ok(document),
    }
}

fn read_lines(text: &str) -> Result<Settings, Problem> {
    let mut settings = Settings::new();
    for (line, content) in (1..).zip(text.lines()) {
        let content = content.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let (name, value) = assignment(content).ok_or_else(|| {
            let message = format!("bad config line {line}: NAME='value' is wanted");
            Problem { place: Place { line, column: None }, message }
        })?;
        if settings.insert(name.to_owned(), Setting { line, value }).is_some() {
            return Err(fault(line, format!("duplicate {name}")));
        }
    }
    Ok(settings)
}

/// Splits `NAME='value'`, in which `'\''` stands for a quote.
fn assignment(line: &str) -> Option<(&str, String)> {
    let (name, quoted) = line.split_once('=')?;
    let letter = |c: char| c.is_ascii_alphanumeric() || "_-.+".contains(c);
    if name.is_empty() || !name.chars().all(letter) {
        return None;
    }
    let inner = quoted.strip_prefix('\'')?.strip_suffix('\'')?;
    let parts: Vec<&str> = inner.split("'\\''").collect();
    let whole = parts.iter().all(|part| !part.contains('\''));
    whole.then(|| (name, parts.join("'")))
}

fn section(settings: &mut Settings, prefix: &str) -> Result<Section, Problem> {
    let mut key = |name: &str| settings.remove(&format!("{prefix}{name}"));
    let natives = key("NATIVE_ARCHS");
    let foreigns = key("FOREIGN_ARCHS");
    Ok(Section {
        mirror: key("MIRROR").map(|setting| setting.read(address)).transpose()?,
        include: key("INCLUDE").map(|setting| setting.words(package)).transpose()?,
        fresh: key("FRESH").map(|setting| setting.read(str::parse)).transpose()?,
        outputs: key("OUTPUTS").map(|setting| setting.words(output)).transpose()?,
        cross_tools: key("CROSS_TOOLS").map(|setting| setting.words(tier)).transpose()?,
        archs: archs(natives, foreigns)?,
        ..Section::default()
    })
}

/// Both lists in one: which of them are foreign is for the host to know.
fn archs(
    natives: Option<Setting>,
    foreigns: Option<Setting>,
) -> Result<Option<Vec<Arch>>, Problem> {
    let mut archs: Option<Vec<Arch>> = None;
    for setting in [natives, foreigns].into_iter().flatten() {
        let known = archs.get_or_insert_default();
        for arch in setting.words(arch)? {
            if known.contains(&arch) {
                return Err(fault(setting.line, format!("duplicate `{arch}'")));
            }
            known.push(arch);
        }
    }
    Ok(archs)
}

fn take<T>(
    settings: &mut Settings,
    name: &str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, Problem> {
    settings.remove(name).map(|setting| setting.read(read)).transpose()
}

impl Setting {
    fn read<T>(&self, read: impl FnOnce(&str) -> Result<T, String>) -> Result<T, Problem> {
        read(&self.value).map_err(|message| fault(self.line, message))
    }

    /// Words between blanks, no two alike.
    fn words<T: PartialEq>(
        &self,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, Problem> {
        let mut list = Vec::new();
        for word in self.value.split_whitespace() {
            let item = read(word).map_err(|message| fault(self.line, message))?;
            if list.contains(&item) {
                return Err(fault(self.line, format!("duplicate `{word}'")));
            }
            list.push(item);
        }
        Ok(list)
    }
}

fn unknown(name: &str, line: usize, dists: &[DistSection]) -> Problem {
    let dist_keys =
        dists.iter().flat_map(|section| SECTION_KEYS.map(|key| format!("{}_{key}", section.dist)));
    let keys: Vec<String> =
        TOP_KEYS.iter().chain(&SECTION_KEYS).map(ToString::to_string).chain(dist_keys).collect();
    let stranger = || {
        let dist = SECTION_KEYS.iter().find_map(|key| name.strip_suffix(key)?.strip_suffix('_'))?;
        Some(dist).filter(|dist| !dist.is_empty())
    };
    let hint = match (nearest(name, keys.iter().map(String::as_str)), stranger()) {
        (Some(near), _) => format!("did you mean `{near}'?"),
        (None, Some(dist)) => format!("`{dist}' is not among the DISTS"),
        (None, None) => format!("there are: {}, {}", TOP_KEYS.join(", "), SECTION_KEYS.join(", ")),
    };
    fault(line, format!("unknown key `{name}'; {hint}"))
}

fn fault(line: usize, message: String) -> Problem {
    Problem { place: Place { line, column: None }, message }
}

#[cfg(test)]
mod tests {
    use super::{Section, assignment, parse};

    fn fault(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_quote_is_written_as_a_shell_would_want_it() {
        assert_eq!(assignment(r"A='it'\''s'"), Some(("A", "it's".to_owned())));
        assert_eq!(assignment(r"A=''"), Some(("A", String::new())));
        for line in ["A=x", "A='x", "A='x'y'", "A", "='x'", "A B='x'", "A=\"x\"", "A='x' # why"] {
            assert_eq!(assignment(line), None, "{line}");
        }
    }

    #[test]
    fn keys_can_be_given_for_one_distribution() {
        let document = parse(
            "# two of them\n\nDISTS='bookworm trixie'\nNATIVE_ARCHS='amd64'\n\
             MIRROR='http://mirror.example/debian'\ntrixie_INCLUDE='cmake'\n\
             trixie_FOREIGN_ARCHS='arm64'\nFRESH='7d'\nSTATE='/srv/chroots'\n\
             OUTPUTS='sbuild'\ntrixie_OUTPUTS='sbuild schroot'\nSBUILD_USER='alice'\n",
        )
        .unwrap();
        assert_eq!(document.defaults.archs.as_ref().unwrap().len(), 1);
        assert_eq!(document.dists[1].section.include.as_deref(), Some(&["cmake".to_owned()][..]));
        assert_eq!(document.dists[0].section.include, None);
        let outputs = |section: &Section| section.outputs.as_ref().map(Vec::len);
        assert_eq!(outputs(&document.defaults), Some(1));
        assert_eq!(outputs(&document.dists[1].section), Some(2));
        assert_eq!(document.sbuild_user.as_deref(), Some("alice"));
    }

    #[test]
    fn anything_else_is_a_bad_line_with_its_number() {
        assert_eq!(
            fault("DISTS='sid'\n\nexport A='b'\n"),
            "3: bad config line 3: NAME='value' is wanted"
        );
    }

    #[test]
    fn an_unknown_key_has_its_line_and_the_nearest_key() {
        assert_eq!(
            fault("DISTS='sid'\nsid_MIROR='http://mirror.example/debian'\n"),
            "2: unknown key `sid_MIROR'; did you mean `sid_MIRROR'?"
        );
    }

    #[test]
    fn a_key_for_a_distribution_that_is_not_listed_says_so() {
        assert_eq!(
            fault("DISTS='trixie'\nsid_MIRROR='http://mirror.example/debian'\n"),
            "2: unknown key `sid_MIRROR'; `sid' is not among the DISTS"
        );
    }

    #[test]
    fn a_chroot_listed_twice_is_refused() {
        assert_eq!(fault("DISTS='sid sid'\n"), "1: duplicate `sid'");
        assert_eq!(
            fault("NATIVE_ARCHS='amd64'\nFOREIGN_ARCHS='arm64 amd64'\n"),
            "2: duplicate `amd64'"
        );
    }
}

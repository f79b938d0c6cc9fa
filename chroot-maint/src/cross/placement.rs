//! Whether the tools that stand in a foreign chroot may be trusted beyond their versions, and what became of each group.
//!
//! Which programs stand where is decided and done by the switch, in the chroot itself and whenever its packages change:
//! see `programs/switch`. Here is only what takes a look into the programs, which it is told as `refused` beside its list. Reads trees,
//! changes and runs nothing.

use std::{fmt::Write as _, fs, path::Path};

use super::{
    closure::Libraries,
    headers::{self, HeadersError},
    manifest::{Check, Manifest, PRIVATE, Program, SUFFIX},
};
use crate::spec::{Placed, Placement, Tier};

/// A file of the switch's that says which groups are refused, and why; nothing if none is.
pub(crate) fn refusals(root: &Path, manifest: &Manifest) -> String {
    let chroot = Chroot { libraries: Libraries::of(root), manifest };
    let mut refused = String::new();
    for group in &manifest.groups {
        let reason = group.programs.iter().find_map(|program| chroot.objection(program));
        if let Some(reason) = reason {
            // Writing to a String can't fail.
            let _ = write!(refused, "group\t{}\nrefuse\t{reason}\n", group.name);
        }
    }
    refused
}

/// Reads what `switch status` says; groups that the tree has not got come after them.
pub(crate) fn read(said: &str, manifest: &Manifest) -> Placement {
    let tier_of = |name: &str| -> Option<Tier> {
        manifest.groups.iter().find(|group| group.name == name).map(|group| group.tier)
    };
    let placed = |line: &str| {
        let mut fields = line.splitn(3, '\t').map(str::to_owned);
        let (name, state, verdict) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Placed { tier: tier_of(&name)?, name, is_in: state == "in", verdict })
    };
    let left_out = manifest.left_out.iter().map(|one| Placed {
        name: one.name.clone(),
        tier: one.tier,
        is_in: false,
        verdict: format!("refused: {}", one.reason),
    });
    let mut groups: Vec<Placed> = said.lines().filter_map(placed).chain(left_out).collect();
    groups.sort_by(|one, other| one.name.cmp(&other.name));
    Placement { hash: manifest.hash.clone(), groups, gain: None }
}

/// A foreign chroot's tree with the tools in it, seen from outside.
struct Chroot<'a> {
    libraries: Libraries<'a>,
    manifest: &'a Manifest,
}

impl Chroot<'_> {
    /// Why a program should not be replaced, if it is there.
    fn objection(&self, program: &Program) -> Option<String> {
        let own = self.own(program)?;
        match &program.check {
            Check::Nothing => None,
            Check::Headers => {
                self.compare_headers(program, &own).err().map(|e| format!("{} {e}", program.name))
            }
            Check::Texts(texts) => {
                let lacks = |text: &&String| !contains(&own, text.as_bytes());
                let missing = texts.iter().find(lacks)?;
                Some(format!("the chroot's {} does not say `{missing}'", program.name))
            }
        }
    }

    /// The chroot's own program, wherever it is now.
    fn own(&self, program: &Program) -> Option<Vec<u8>> {
        let aside = program.files.iter().map(|file| format!("{file}{SUFFIX}"));
        let mut places = aside.chain(program.files.iter().cloned());
        places.find_map(|file| self.libraries.read(Path::new(&file)).ok())
    }

    /// Whether a compiler of the tree finds the headers that the chroot's own finds.
    fn compare_headers(&self, program: &Program, own: &[u8]) -> Result<(), HeadersError> {
        let ours = ["libexec", "bin"].iter().find_map(|dir| {
            let file = Path::new(PRIVATE).join(dir).join(&program.name);
            fs::read(self.libraries.on_disk(&file)).ok()
        });
        let ours = ours.ok_or(HeadersError::NotElf)?;
        let found = headers::difference(
            &headers::search_list(&ours)?,
            &headers::search_list(own)?,
            &self.manifest.triplet,
            |dir| self.libraries.real(Path::new(dir)).is_ok(),
        );
        found.map_or(Ok(()), Err)
    }
}

/// Whether a text is in a program, with a zero after it.
fn contains(program: &[u8], text: &[u8]) -> bool {
    let wanted = [text, &[0]].concat();
    program.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{contains, read, refusals};
    use crate::{
        cross::manifest::{Built, Check, LeftOut, Manifest, Program},
        spec::Tier,
    };

    fn manifest(check: Check) -> Manifest {
        let program = Program {
            files: vec!["/usr/bin/bash".to_owned()],
            name: "bash".to_owned(),
            packages: vec!["bash".to_owned()],
            donor: "bash".to_owned(),
            version: "5".to_owned(),
            optional: false,
            check,
        };
        let programs = vec![program];
        let bash =
            Built { name: "bash".to_owned(), tier: Tier::Shell, interpreter: None, programs };
        let reason = "gcc-x is not installed in the native chroot".to_owned();
        Manifest {
            hash: "h".to_owned(),
            arch: "arm64".to_owned(),
            triplet: "t".to_owned(),
            groups: vec![bash],
            libraries: Vec::new(),
            left_out: vec![LeftOut { name: "gcc".to_owned(), tier: Tier::Compilers, reason }],
            packages: [].into(),
        }
    }

    fn refusal_of(own: &[u8], file: &str) -> String {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("usr/bin")).unwrap();
        fs::write(root.path().join(file), own).unwrap();
        refusals(root.path(), &manifest(Check::Texts(vec!["t-unknown".to_owned()])))
    }

    #[test]
    fn a_program_with_other_texts_compiled_in_is_refused_wherever_it_lies() {
        let refused = "group\tbash\nrefuse\tthe chroot's bash does not say `t-unknown'\n";
        for file in ["usr/bin/bash", "usr/bin/bash.emulated"] {
            assert_eq!(refusal_of(b"x\0t-unknown\0", file), "", "{file}");
            assert_eq!(refusal_of(b"x\0t-unknown-too\0", file), refused, "{file}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_refused() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(refusals(root.path(), &manifest(Check::Headers)), "");
    }

    #[test]
    fn what_the_switch_says_and_what_the_tree_lacks_make_one_list() {
        let placement =
            read("bash\tin\tclose: a is 1-1, but b is 1-2\n", &manifest(Check::Nothing));
        let [bash, gcc] = placement.groups.as_slice() else { panic!("{placement:?}") };
        assert_eq!((bash.is_in, bash.word(), bash.tier), (true, "close", Tier::Shell));
        assert_eq!((gcc.is_in, gcc.word(), gcc.tier), (false, "refused", Tier::Compilers));
        assert!(gcc.verdict.ends_with("gcc-x is not installed in the native chroot"));
    }

    #[test]
    fn what_could_not_be_put_in_is_out_with_the_reason() {
        let said = "bash\tout\tfailed: not all of it could be put in\n";
        let placement = read(said, &manifest(Check::Nothing));
        let bash = &placement.groups[0];
        assert_eq!((bash.is_in, bash.word()), (false, "failed"));
        assert!(bash.verdict.ends_with("not all of it could be put in"));
    }

    #[test]
    fn a_text_ends_where_a_program_ends_it() {
        assert!(contains(b"ab\0", b"b") && !contains(b"abc\0", b"b"));
    }
}

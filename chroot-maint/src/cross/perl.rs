//! What it takes to have the host's perl run scripts of a foreign chroot: the interpreter, its own modules, and none of its answers about
//! its machine. Those are the chroot's: its Config.pm is found where the host's would be. Knows Debian's layout of perl; copies
//! nothing itself.

/// Whose version has to be alike in both chroots.
pub(super) const PACKAGE: &str = "perl-base";

/// In the donor, and in the tree as `bin/perl`.
pub(super) const PROGRAM: &str = "/usr/bin/perl";

/// What scripts name instead of [`PROGRAM`], in the tree: the dispatcher. With "perl" in its name, perl takes such a script for its own as well.
pub(super) const RUNNER: &str = "perl";

/// Where the modules are, in the tree.
pub(super) const MODULES: &str = "modules";

/// Whether a file is a script for perl whose first line asks for nothing that has to be on a command line too.
pub(super) fn runs(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_prefix(b"#!").unwrap_or_default();
    matches!(line.trim_ascii(), b"/usr/bin/perl" | b"/usr/bin/perl -w")
}

/// For a shell in the donor, with the tree, the donor's GNU name and the chroot's as its words. `base` is what perl-base has, `more` what
/// the other packages of perl add; in both, what says how perl was built is the chroot's own, by links that lead somewhere in there
/// only. `own` leads to the chroot's perl if it has more than perl-base, `extensions` to modules that were compiled for that, which this one
/// can't load.
pub(super) const COPY_MODULES: &str = r#"set -eu
modules=$1/modules donor=/usr/lib/$2 own=/usr/lib/$3
version=$(perl -MConfig -e 'print "$Config{PERL_REVISION}.$Config{PERL_VERSION}"')
mkdir -p "$modules"
cp -RL "$donor/perl-base" "$modules/base"
cp -RL "$donor/perl/$version" "$modules/more"
cd "$modules"
ln -s "$own/perl/$version" own
ln -s "$own/perl5/$version" extensions
for file in base/Config*.p[lm] more/Config*.p[lm]; do
    case $file in
    base/*) ln -sf "$own/perl-base/${file#*/}" "$file" ;;
    *) ln -sf "$own/perl/$version/${file#*/}" "$file" ;;
    esac
done
rm -rf more/CORE more/*DB*_File* more/auto/*DB*_File
"#;

/// Loaded before every script, from among the modules.
pub(super) const FIRST: &str = "base/ChrootMaint.pm";

/// What is in it, for a tree in this directory.
pub(super) fn first(tree: &str) -> String {
    include_str!("ChrootMaint.pm").replace("TREE", tree)
}

/// Words for `bin/perl` that show whether it is whole, with TREE for where the tree is.
pub(super) const TRIAL: [&str; 8] = [
    "-ITREE/modules/more",
    "-ITREE/modules/base",
    "-MChrootMaint",
    "-MPOSIX",
    "-MEncode",
    "-MCompress::Raw::Zlib",
    "-e",
    r#"exit($^X ne "/usr/bin/perl" || $INC{"POSIX.pm"} !~ m{^TREE/})"#,
];

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, process::Command};

    use super::{first, runs};

    /// What a script says that is run as in a chroot where one module of its own architecture is there.
    fn said(extension: &str, locale: &str, script: &str) -> String {
        let tree = tempfile::tempdir().unwrap();
        let path = |name: &str| tree.path().join(name);
        let module = path("modules/extensions").join(extension);
        fs::create_dir_all(module.parent().unwrap_or(Path::new("/"))).unwrap();
        fs::write(module, "").unwrap();
        fs::write(path("ChrootMaint.pm"), first(&tree.path().display().to_string())).unwrap();
        let by = "BEGIN { print $INC{'ChrootMaint.pm'} ? 'host' : 'own', \" @ARGV\\n\" }\n";
        fs::write(path("script"), format!("#!/usr/bin/perl -w\n{by}{script}\n")).unwrap();
        let output = Command::new("perl")
            .env_remove("LANGUAGE")
            .env("LC_ALL", locale)
            .arg(format!("-I{}", tree.path().display()))
            .args([
                "-MChrootMaint".as_ref(),
                path("script").as_os_str(),
                "a".as_ref(),
                "b".as_ref(),
            ])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn a_script_is_started_again_where_it_asks_for_what_only_the_chroots_perl_can_load() {
        let asks = "shift @ARGV; eval { require Some::Thing }; print \"$^X\\n\"";
        assert_eq!(said("Other.pm", "C", asks), "host a b\n/usr/bin/perl\n");
        assert_eq!(said("Some/Thing.pm", "C", asks), "host a b\nown a b\n/usr/bin/perl\n");
        assert_eq!(said("File/FcntlLock.pm", "C", "1"), "own a b\n");
    }

    #[test]
    fn translations_are_the_chroots_where_there_are_some() {
        let asks = "eval { require Locale::gettext }";
        assert_eq!(said("Locale/gettext.pm", "de_DE.UTF-8", asks), "own a b\n");
        for locale in ["C", "C.UTF-8", "POSIX", ""] {
            assert_eq!(said("Locale/gettext.pm", locale, asks), "host a b\n", "{locale}");
        }
    }

    #[test]
    fn only_scripts_that_ask_for_nothing_special_are_run() {
        assert!(runs(b"#!/usr/bin/perl\nuse strict;"));
        assert!(runs(b"#! /usr/bin/perl -w\n"));
        for other in [
            &b"#!/usr/bin/perl -T\n"[..],
            b"#!/usr/bin/perl5.40\n",
            b"#!/bin/sh\n#!/usr/bin/perl\n",
            b"/usr/bin/perl\n",
            b"\x7fELF",
            b"",
        ] {
            assert!(!runs(other));
        }
    }
}

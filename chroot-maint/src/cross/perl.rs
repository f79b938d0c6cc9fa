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
/// only. `own` leads to the chroot's perl if it has more than perl-base, `extensions` and `local` to modules that were compiled for that,
/// by packages and by its administrator, which this one can't load.
pub(super) const COPY_MODULES: &str = r#"set -eu
modules=$1/modules donor=/usr/lib/$2 own=/usr/lib/$3
version=$(perl -MConfig -e 'print "$Config{PERL_REVISION}.$Config{PERL_VERSION}"')
mkdir -p "$modules"
cp -RL "$donor/perl-base" "$modules/base"
cp -RL "$donor/perl/$version" "$modules/more"
cd "$modules"
ln -s "$own/perl/$version" own
ln -s "$own/perl5/$version" extensions
ln -s "/usr/local/lib/$3/perl/$(perl -e 'printf "%vd", $^V')" local
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

    /// What a script says that is run as in a chroot where these modules are. The tree has the core module `Core.pm`.
    fn said(modules: &[&str], locale: &str, script: &str) -> String {
        let chroot = tempfile::tempdir().unwrap();
        let path = |name: &str| chroot.path().join(name);
        let write = |name: &str, contents: &str| {
            fs::create_dir_all(path(name).parent().unwrap_or(Path::new("/"))).unwrap();
            fs::write(path(name), contents).unwrap();
        };
        write("tree/modules/base/ChrootMaint.pm", &first(&path("tree").display().to_string()));
        for module in ["tree/modules/base/Core.pm"].iter().chain(modules) {
            write(module, "1;\n");
        }
        let by = "BEGIN { print $INC{'ChrootMaint.pm'} ? 'host' : 'own', \" @ARGV\\n\" }\n";
        write("script", &format!("#!/usr/bin/perl -w\n{by}{script}\n"));
        let output = Command::new("perl")
            .env_remove("LANGUAGE")
            .env("LC_ALL", locale)
            .args(
                ["tree/modules/base", ETC, HOSTS_LOCAL, SHARED, HOSTS, VENDOR, "perl-base"]
                    .map(|dir| format!("-I{}", path(dir).display())),
            )
            .args([
                "-MChrootMaint".as_ref(),
                path("script").as_os_str(),
                "a".as_ref(),
                "b".as_ref(),
            ])
            .output()
            .unwrap();
        assert!(!String::from_utf8_lossy(&output.stderr).contains("ChrootMaint.pm line"));
        let said = String::from_utf8(output.stdout).unwrap();
        said.replace(&format!("{}/", chroot.path().display()), "")
    }

    // In the order of @INC, as compiled into the host's perl: with its own triplet, where the chroot's modules never are.
    const ETC: &str = "etc/perl";
    const HOSTS_LOCAL: &str = "usr/local/lib/host/perl/5.36.0";
    const SHARED: &str = "usr/local/share/perl/5.36.0";
    const HOSTS: &str = "usr/lib/host/perl5/5.36";
    const VENDOR: &str = "usr/share/perl5";

    const USES: &str = "use Core; print \"$INC{'Core.pm'}\\n\";";

    #[test]
    fn a_core_module_is_the_hosts_where_the_chroot_overrides_nothing() {
        assert_eq!(said(&[], "C", USES), "host a b\ntree/modules/base/Core.pm\n");
    }

    #[test]
    fn a_module_that_is_pure_perl_overrides_a_core_module_as_in_the_chroots_perl() {
        for dir in [ETC, SHARED, VENDOR] {
            let module = format!("{dir}/Core.pm");
            assert_eq!(said(&[&module], "C", USES), format!("host a b\n{module}\n"));
        }
        let both = [format!("{ETC}/Core.pm"), format!("{VENDOR}/Core.pm")];
        assert_eq!(said(&[&both[1], &both[0]], "C", USES), format!("host a b\n{}\n", both[0]));
    }

    #[test]
    fn a_compiled_module_that_overrides_a_core_module_is_loaded_by_the_chroots_perl() {
        let uses = "BEGIN { $0 = 'other'; shift @ARGV } use Core;";
        for dir in ["local", "extensions"] {
            let module = format!("tree/modules/{dir}/Core.pm");
            assert_eq!(said(&[&module], "C", uses), "host a b\nown a b\n", "{dir}");
        }
    }

    #[test]
    fn directories_of_pure_and_of_compiled_modules_have_the_order_of_the_chroots_perl() {
        let order = [
            format!("{ETC}/Core.pm"),
            "tree/modules/local/Core.pm".to_owned(),
            format!("{SHARED}/Core.pm"),
            "tree/modules/extensions/Core.pm".to_owned(),
            format!("{VENDOR}/Core.pm"),
        ];
        for pair in order.windows(2) {
            let says = if pair[0].starts_with("tree") {
                "host a b\nown a b\n".to_owned()
            } else {
                format!("host a b\n{}\n", pair[0])
            };
            assert_eq!(said(&[&pair[1], &pair[0]], "C", USES), says);
        }
    }

    #[test]
    fn a_compiled_module_of_the_administrators_is_loaded_by_the_chroots_perl() {
        let uses = "BEGIN { eval { require Some::Thing } }";
        assert_eq!(said(&["tree/modules/local/Some/Thing.pm"], "C", uses), "host a b\nown a b\n");
    }

    #[test]
    fn a_script_that_runs_already_is_not_started_again_for_a_module_that_core_has_too() {
        let requires = "require Core; print \"$INC{'Core.pm'}\\n\";";
        assert_eq!(
            said(&["tree/modules/extensions/Core.pm"], "C", requires),
            "host a b\ntree/modules/base/Core.pm\n"
        );
    }

    #[test]
    fn looking_for_a_module_keeps_what_was_last_looked_at() {
        let asks = "-d '/'; require Core; print -d _ ? 'kept' : 'lost', \"\\n\"";
        assert_eq!(said(&[], "C", asks), "host a b\nkept\n");
    }

    #[test]
    fn a_script_is_started_again_where_it_asks_for_what_only_the_chroots_perl_can_load() {
        let asks = "shift @ARGV; eval { require Some::Thing }; print \"$^X\\n\"";
        assert_eq!(
            said(&["tree/modules/extensions/Other.pm"], "C", asks),
            "host a b\n/usr/bin/perl\n"
        );
        assert_eq!(
            said(&["tree/modules/extensions/Some/Thing.pm"], "C", asks),
            "host a b\nown a b\n/usr/bin/perl\n"
        );
        assert_eq!(said(&["tree/modules/extensions/File/FcntlLock.pm"], "C", "1"), "own a b\n");
    }

    #[test]
    fn translations_are_the_chroots_where_there_are_some() {
        let asks = "eval { require Locale::gettext }";
        assert_eq!(
            said(&["tree/modules/extensions/Locale/gettext.pm"], "de_DE.UTF-8", asks),
            "own a b\n"
        );
        for locale in ["C", "C.UTF-8", "POSIX", ""] {
            assert_eq!(
                said(&["tree/modules/extensions/Locale/gettext.pm"], locale, asks),
                "host a b\n",
                "{locale}"
            );
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

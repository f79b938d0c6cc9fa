//! sbuild's unshare mode, as an ordinary user, with the tarballs as they are handed out: Debian's own package on the
//! host's architecture, and a package of one file on another one. From the archive's mirror.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    caller::{Caller, USER, run},
    emulation,
    outputs::Cache,
};

/// A directory for sources and what is built of them, for the user to write to.
fn work_dir() -> tempfile::TempDir {
    let dir = tempfile::tempdir_in("/var/tmp").unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    dir
}

/// sbuild as that user, with the words of `wrapper` before it.
fn sbuild(mut wrapper: Command, arch: &str, source: &Path, cache: &Cache) -> String {
    let home = cache.dir.parent().and_then(Path::parent).unwrap();
    wrapper.args(["setpriv", "--reuid", USER, "--regid", USER, "--init-groups", "env", "-i"]);
    for (name, value) in [("USER", USER), ("LOGNAME", USER), ("LC_ALL", "C.UTF-8")] {
        wrapper.arg(format!("{name}={value}"));
    }
    wrapper.arg(format!("HOME={}", home.display())).arg("PATH=/usr/sbin:/usr/bin:/sbin:/bin");
    wrapper.args(["sbuild", "--chroot-mode=unshare", "--dist=trixie", "--nolog"]);
    wrapper.args(["--no-run-lintian", "--no-run-piuparts", "--no-run-autopkgtest"]);
    wrapper.arg(format!("--arch={arch}")).arg(source);
    wrapper.current_dir(source.parent().unwrap());
    let output = wrapper.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let end: Vec<&str> = said.lines().rev().take(60).collect();
    let end: Vec<&str> = end.into_iter().rev().collect();
    assert!(
        output.status.success(),
        "{}\n{}",
        end.join("\n"),
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

/// What a package says of itself.
fn field(deb: &Path, name: &str) -> String {
    let said = run(Command::new("dpkg-deb").arg("--field").arg(deb).arg(name)).stdout;
    String::from_utf8(said).unwrap().trim().to_owned()
}

fn built(dir: &Path, ending: &str) -> PathBuf {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.filter(|path| path.to_str().unwrap().ends_with(ending)).min();
    found.unwrap_or_else(|| panic!("no *{ending} in {}", dir.display()))
}

/// Fetches Debian's `hello` by the sources that the chroot has: trixie's, or an earlier one where the mirror has no whole
/// copy of that.
fn fetch_hello(tree: &Path, dir: &Path) -> PathBuf {
    let sources = fs::read_to_string(tree.join("etc/apt/sources.list.d/debian.sources")).unwrap();
    let parts = dir.join("sources");
    for place in ["sources", "lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(dir.join(place)).unwrap();
    }
    let mut said = String::new();
    for release in ["trixie", "bookworm"] {
        let text = sources.replace("Types: deb\n", "Types: deb-src\n").replace("trixie", release);
        fs::write(parts.join("hello.sources"), text).unwrap();
        let apt_get = |words: &[&str]| {
            let mut apt_get = Command::new("apt-get");
            apt_get.current_dir(dir).args(["-o", "Dir::Etc::SourceList=/dev/null", "-o"]);
            apt_get.arg(format!("Dir::Etc::SourceParts={}", parts.display())).arg("-o");
            apt_get.arg(format!("Dir::State::Lists={}", dir.join("lists").display())).arg("-o");
            apt_get.arg(format!("Dir::Cache={}", dir.join("cache").display())).args(words);
            apt_get.output().unwrap()
        };
        run(Command::new("rm").arg("-rf").arg(dir.join("lists")));
        fs::create_dir_all(dir.join("lists/partial")).unwrap();
        apt_get(&["update"]);
        let output = apt_get(&["source", "--download-only", "--only-source", "hello"]);
        if output.status.success() {
            return built(dir, ".dsc");
        }
        said = String::from_utf8_lossy(&output.stderr).into_owned();
        let _ = fs::remove_file(built(dir, ".dsc"));
    }
    panic!("no source of hello can be had: {said}");
}

const RULES: &str = "#!/usr/bin/make -f
build build-arch build-indep:
\tgcc -O2 -o one one.c
\t./one
binary binary-arch: build
\tinstall -D one debian/one/usr/bin/one
\tmkdir debian/one/DEBIAN
\tdpkg-gencontrol -Pdebian/one
\tdpkg-deb --root-owner-group --build debian/one ..
binary-indep:
clean:
\trm -rf one debian/one debian/files
";

const CONTROL: &str = "Source: one
Section: misc
Priority: optional
Maintainer: Test <test@test.example>
Standards-Version: 4.7.0
Rules-Requires-Root: no

Package: one
Architecture: any
Description: one file
 It is compiled and run.
";

const CHANGELOG: &str = "one (1) trixie; urgency=low

  * Nothing.

 -- Test <test@test.example>  Thu, 01 Jan 2026 00:00:00 +0000
";

/// A source package of one file in C, whose build needs no more than a compiler.
fn one_file(dir: &Path) -> PathBuf {
    let source = dir.join("one-1");
    fs::create_dir_all(source.join("debian/source")).unwrap();
    for (file, text) in [
        ("one.c", "#include <stdio.h>\nint main(void) { return puts(\"one runs\") == EOF; }\n"),
        ("debian/rules", RULES),
        ("debian/control", CONTROL),
        ("debian/changelog", CHANGELOG),
        ("debian/source/format", "3.0 (native)\n"),
    ] {
        fs::write(source.join(file), text).unwrap();
    }
    fs::set_permissions(source.join("debian/rules"), fs::Permissions::from_mode(0o755)).unwrap();
    run(Command::new("dpkg-source").arg("--build").arg("one-1").current_dir(dir));
    built(dir, ".dsc")
}

fn config(arch: &str, outputs: &str) -> String {
    format!(
        "sbuild-user = '{USER}'\n[dist.trixie]\narchs = ['{arch}']\ncross-tools = []\noutputs = {outputs}\n"
    )
}

#[test]
fn sbuild_and_schroot_build_on_the_hosts_architecture() {
    let arch = crate::toy::host_arch();
    let caller = Caller::root();
    let cache = Cache::of(&caller, &format!("trixie-{arch}"));
    run(&mut caller.chroot_maint_with(&config(&arch, "['sbuild']"), &["-q", "all"]));
    let tree = caller.state().join(format!("chroots/trixie-{arch}/current"));

    let dir = work_dir();
    let hello = fetch_hello(&tree, dir.path());
    let said = sbuild(Command::new("env"), &arch, &hello, &cache);
    assert!(said.contains(&format!("Unpacking {}", cache.tarball().display())), "{said}");
    let deb = built(dir.path(), &format!("_{arch}.deb"));
    assert_eq!(field(&deb, "Architecture"), arch);

    schroot_builds(&caller, &arch);
}

/// Has the program of the words after the first two hand the chroot to schroot, and builds in it. The host's own
/// definitions, one of which may have the same name, are out of sight meanwhile.
const BUILD: &str = r#"
mount -t tmpfs none /etc/schroot/chroot.d
chroot=$1; dir=$2; shift 2
"$@"
schroot --chroot "$chroot" --directory "$dir" --user root -- dpkg-buildpackage -us -uc -b
"#;

fn schroot_builds(caller: &Caller, arch: &str) {
    let dir = work_dir();
    one_file(dir.path());
    // Sessions have this directory of the host's as /build.
    let build = tempfile::tempdir_in("/var/lib/sbuild/build").unwrap();
    run(Command::new("cp").arg("-r").arg(dir.path().join("one-1")).arg(build.path()));
    let inside = format!("/build/{}/one-1", build.path().file_name().unwrap().to_str().unwrap());
    let all = caller.chroot_maint_with(&config(arch, "['sbuild', 'schroot']"), &["-q", "all"]);
    let mut script = Command::new("unshare");
    script.args(["--mount", "sh", "-euc", BUILD, "build", &format!("trixie-{arch}"), &inside]);
    script.arg(all.get_program()).args(all.get_args());
    script.envs(all.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let said = run(script.current_dir(all.get_current_dir().unwrap())).stdout;
    assert!(String::from_utf8_lossy(&said).contains("\none runs\n"));
    assert_eq!(field(&built(build.path(), ".deb"), "Package"), "one");
}

#[test]
fn sbuild_builds_on_an_architecture_that_is_emulated() {
    let caller = Caller::root();
    let cache = Cache::of(&caller, "trixie-arm64");
    run(&mut caller.chroot_maint_with(&config("arm64", "['sbuild']"), &["-q", "all"]));
    let dir = work_dir();
    let said = sbuild(emulation::of_arm64(), "arm64", &one_file(dir.path()), &cache);
    assert!(said.contains("\none runs\n"), "{said}");
    assert_eq!(field(&built(dir.path(), "_arm64.deb"), "Architecture"), "arm64");
}

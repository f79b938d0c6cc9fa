//! Packages that make a tree that runs, out of the host's own programs and the libraries that ldd names: a shell, dpkg,
//! apt-get, tar, and of coreutils what mmdebstrap and maintainer scripts of toys call. With these, mmdebstrap makes
//! a tree of any variant in two seconds or so, and dpkg works in it.
//!
//! - `toy-base`, essential: everything but apt, with merged /usr, two users, and stubs for ldconfig and start-stop-daemon.
//! - `apt`, required: apt-get and apt-config, without methods: there is no network in a sandbox.
//! - `build-essential`, empty, for the variant `buildd`: there is no compiler, as a look at `gcc` tells.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use super::{Package, run};

const PROGRAMS: &[&str] = &[
    "basename",
    "cat",
    "chmod",
    "chown",
    "cp",
    "dash",
    "diff",
    "dirname",
    "dpkg",
    "dpkg-deb",
    "dpkg-divert",
    "dpkg-query",
    "dpkg-split",
    "dpkg-trigger",
    "echo",
    "env",
    "false",
    "getent",
    "grep",
    "id",
    "ln",
    "ls",
    "mkdir",
    "mv",
    "printf",
    "readlink",
    "rm",
    "sed",
    "sleep",
    "tar",
    "test",
    "true",
];

const APT_PROGRAMS: &[&str] = &["apt-config", "apt-get"];

/// A program that is run for its effects on files that the toy does not have.
const STUB: &str = "#!/bin/sh\nexit 0\n";

pub(super) fn packages() -> Vec<Package> {
    static LIBRARIES: OnceLock<(BTreeSet<PathBuf>, BTreeSet<PathBuf>)> = OnceLock::new();
    let (base_libraries, apt_libraries) = LIBRARIES.get_or_init(|| {
        let base = libraries(PROGRAMS);
        let apt = libraries(APT_PROGRAMS).difference(&base).cloned().collect();
        (base, apt)
    });
    let mut base = Package::new("toy-base", "1").native();
    base = base.field("Essential", "yes").field("Priority", "required");
    for dir in ["bin", "lib", "lib64", "sbin"] {
        base = base.link(&format!("/{dir}"), &format!("usr/{dir}"));
    }
    base = with_programs(base, PROGRAMS, base_libraries)
        .link("/usr/bin/sh", "dash")
        .program("/usr/sbin/ldconfig", STUB)
        .program("/usr/sbin/start-stop-daemon", STUB)
        .dir("/usr/lib64")
        .file(
            "/etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\n_apt:x:42:65534::/nonexistent:/bin/false\n",
        )
        .file("/etc/group", "root:x:0:\nnogroup:x:65534:\n");
    for table in ["abitable", "cputable", "ostable", "tupletable"] {
        let path = Path::new("/usr/share/dpkg").join(table);
        base = base.host_file(&path.to_string_lossy(), &path);
    }
    // What every tree has, to mount on and to work in.
    for dir in ["dev", "proc", "root", "sys", "tmp", "var/tmp", "run"] {
        base = base.dir(&format!("/{dir}"));
    }
    let apt = Package::new("apt", "1").native().field("Priority", "required");
    let apt = with_programs(apt, APT_PROGRAMS, apt_libraries).dir("/etc/apt/sources.list.d");
    let build_essential = Package::new("build-essential", "1").field("Priority", "optional");
    vec![base, apt, build_essential]
}

/// Gives a package programs of the host, with those of their libraries that the base does not have.
pub(super) fn with_more_programs(package: Package, names: &[&str]) -> Package {
    let base = libraries(PROGRAMS);
    with_programs(package, names, &libraries(names).difference(&base).cloned().collect())
}

fn with_programs(mut package: Package, names: &[&str], libraries: &BTreeSet<PathBuf>) -> Package {
    for name in names {
        let path = PathBuf::from("/usr/bin").join(name);
        package = package.host_file(&path.to_string_lossy(), &path);
    }
    let mut seen = BTreeMap::new();
    for library in libraries {
        // On a host with merged /usr, the loader's path is a link to the file itself.
        let placed = under_usr(library);
        if seen.insert(placed.clone(), library).is_none() {
            package = package.host_file(&placed.to_string_lossy(), library);
        }
    }
    package
}

/// `/lib/x` -> `/usr/lib/x`
fn under_usr(path: &Path) -> PathBuf {
    if path.starts_with("/usr") {
        path.to_owned()
    } else {
        Path::new("/usr").join(path.strip_prefix("/").unwrap())
    }
}

/// The libraries of programs, by the names under which the loader looks for them.
fn libraries(programs: &[&str]) -> BTreeSet<PathBuf> {
    let paths = programs.iter().map(|name| Path::new("/usr/bin").join(name));
    let said = run(Command::new("ldd").args(paths)).stdout;
    let said = String::from_utf8(said).unwrap();
    let is_library = |word: &&str| word.starts_with('/') && !word.ends_with(':');
    let found: BTreeSet<PathBuf> =
        said.split_whitespace().filter(is_library).map(PathBuf::from).collect();
    assert!(found.iter().all(|path| fs::metadata(path).is_ok()), "{found:?}");
    found
}

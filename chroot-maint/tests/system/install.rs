//! What `make install` installs, judged by those that it is for: man, systemd, and the service's own command.

use std::{fs, path::PathBuf, process::Command};

use tempfile::TempDir;

use crate::{
    caller::run,
    toy::{Fault, Server, Toy, host_arch},
};

/// Installed for good, in a directory of its own.
struct Installed {
    dir: TempDir,
}

impl Installed {
    fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("in stalled").tempdir_in("/var/tmp").unwrap();
        let mut make = Command::new("make");
        make.args(["-C", concat!(env!("CARGO_MANIFEST_DIR"), "/.."), "--silent", "install"]);
        make.arg(format!("PROGRAM={}", env!("CARGO_BIN_EXE_chroot-maint")));
        make.arg(format!("PREFIX={}", dir.path().display()));
        run(make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL"));
        Self { dir }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }
}

/// Fails with what a tool says on standard error, for it has nothing good to say there.
fn judge(command: &mut Command, package: &str) {
    let output = command
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; it is in the package {package}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{command:?}: {said}");
}

#[test]
fn man_has_nothing_to_complain_of() {
    let installed = Installed::new();
    for section in ["share/man/man1", "share/man/man5"] {
        for page in fs::read_dir(installed.path(section)).unwrap() {
            let page = page.unwrap().path();
            judge(Command::new("man").args(["--warnings", "-l"]).arg(&page), "man-db");
            judge(
                Command::new("groff").args(["-man", "-Tutf8", "-ww", "-z"]).arg(&page),
                "groff-base",
            );
            judge(Command::new("lexgrog").arg(&page), "man-db");
        }
    }
}

#[test]
fn systemd_accepts_the_units() {
    let installed = Installed::new();
    for manager in ["system", "user"] {
        let mut verify = Command::new("systemd-analyze");
        verify.arg(format!("--{manager}")).args(["--man=no", "--recursive-errors=no", "verify"]);
        for unit in ["chroot-maint.service", "chroot-maint.timer"] {
            verify.arg(installed.path("lib/systemd").join(manager).join(unit));
        }
        // A user's manager has one; nothing is written there.
        judge(verify.env("XDG_RUNTIME_DIR", installed.dir.path()), "systemd");
    }
}

#[test]
fn the_services_command_makes_chroots_with_the_little_that_systemd_gives_it() {
    let mut toy = Toy::new();
    toy.add_base();
    toy.publish();
    let server = Server::start(&toy.root());
    let installed = Installed::new();
    let config = format!(
        "state-dir = '{}'\nproxy = 'DIRECT'\n[defaults]\ninclude = []\nmirror = '{}'\nkeyring = '{}'\n\
         [dist.toy]\nsuites = ['toy']\n",
        installed.path("state").display(),
        server.address(),
        toy.keyring().display()
    );
    fs::write(installed.path("chroot-maint.toml"), config).unwrap();
    let unit =
        fs::read_to_string(installed.path("lib/systemd/system/chroot-maint.service")).unwrap();
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let service = || {
        let mut command = Command::new("setsid");
        command.args(["--wait", "sh", "-euc", start]).env_clear().current_dir("/");
        // No home, no terminal; only the config is elsewhere than it would be.
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin");
        command.env("LANG", "C.UTF-8").env("XDG_CONFIG_HOME", installed.dir.path());
        command.stdin(std::process::Stdio::null()).output().unwrap()
    };
    server.break_files("InRelease", Fault::Broken);
    let failed = service();
    let said = String::from_utf8_lossy(&failed.stdout);
    assert_eq!(failed.status.code(), Some(2), "the unit must fail: {said}");
    server.mend();
    let made = service();
    let said = String::from_utf8_lossy(&made.stdout);
    assert!(made.status.success(), "{said}{}", String::from_utf8_lossy(&made.stderr));
    let name = format!("state/chroots/toy-{}/current", host_arch());
    assert!(installed.path(&name).is_symlink(), "{said}");
    run(Command::new("rm").args(["-rf", "--one-file-system"]).arg(installed.path("state")));
}

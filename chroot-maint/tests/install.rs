//! `make install`, as the user that runs the tests, into a directory of the test's own. Needs make, bash, and no network.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on should panic")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_chroot-maint");

/// A package's staging directory, with a blank in its name.
struct Staging {
    dir: TempDir,
}

impl Staging {
    fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("sta ging").tempdir().unwrap();
        Self { dir }
    }

    fn root(&self) -> &Path {
        self.dir.path()
    }

    /// Calls make with what the tests have built, as from a terminal rather than from `make test`.
    fn make(&self, words: &[&str]) {
        let output = Command::new("make")
            .args(["-C", concat!(env!("CARGO_MANIFEST_DIR"), "/.."), "--silent"])
            .arg(format!("DESTDIR={}", self.root().display()))
            .arg(format!("PROGRAM={PROGRAM}"))
            .args(words)
            .env_remove("MAKEFLAGS")
            .env_remove("MAKELEVEL")
            .output()
            .expect("make, of the package make, can be run");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{}: {said}", output.status);
    }

    /// Every file with its mode, in order.
    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        collect(self.root(), &mut files);
        let mut lines: Vec<String> = files.iter().map(|path| self.line(path)).collect();
        lines.sort();
        lines
    }

    fn line(&self, path: &Path) -> String {
        let mode = fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        format!("{} {mode:o}", path.strip_prefix(self.root()).unwrap().display())
    }
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o755);
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

#[test]
fn everything_gets_to_its_usual_place_and_away_again() {
    let staging = Staging::new();
    staging.make(&["install"]);
    let files = staging.files();
    for file in [
        "usr/local/bin/chroot-maint 755",
        "usr/local/lib/systemd/system/chroot-maint.service 644",
        "usr/local/lib/systemd/system/chroot-maint.timer 644",
        "usr/local/lib/systemd/user/chroot-maint.service 644",
        "usr/local/lib/systemd/user/chroot-maint.timer 644",
        "usr/local/share/bash-completion/completions/chroot-maint 644",
        "usr/local/share/fish/vendor_completions.d/chroot-maint.fish 644",
        "usr/local/share/man/man1/chroot-maint.1 644",
        "usr/local/share/man/man1/chroot-maint-status.1 644",
        "usr/local/share/man/man5/chroot-maint.toml.5 644",
        "usr/local/share/zsh/site-functions/_chroot-maint 644",
    ] {
        assert!(files.iter().any(|line| line == file), "no {file}: {files:#?}");
    }
    assert!(files.iter().all(|line| !line.contains("shuffle") && line.contains("chroot-maint")));

    let foreign = staging.root().join("usr/local/share/man/man1/other.1");
    fs::write(&foreign, "").unwrap();
    staging.make(&["uninstall"]);
    assert_eq!(staging.files().len(), 1, "{:?}", staging.files());
    assert!(foreign.exists());
}

#[test]
fn the_service_runs_the_program_where_it_was_installed() {
    let staging = Staging::new();
    staging.make(&["install", "PREFIX=/opt/100% a&b"]);
    let unit = "opt/100% a&b/lib/systemd/system/chroot-maint.service";
    let unit = fs::read_to_string(staging.root().join(unit)).unwrap();
    let start = "\nExecStart=\"/opt/100%% a&b/bin/chroot-maint\" --keep-going --quiet all\n";
    assert!(unit.contains(start), "{unit}");
    assert!(staging.root().join("opt/100% a&b/bin/chroot-maint").exists());
}

#[test]
fn bash_completes_commands_options_and_the_chroots_of_the_config() {
    let staging = Staging::new();
    staging.make(&["install"]);
    let config = "[defaults]\narchs = ['amd64', 'arm64']\n[dist.trixie]\n[dist.bookworm]\n";
    fs::write(staging.root().join("chroot-maint.toml"), config).unwrap();
    let script = r#"
        source "$ROOT/usr/local/share/bash-completion/completions/chroot-maint"
        complete -p chroot-maint >/dev/null
        PATH=$ROOT/usr/local/bin:$PATH
        complete_words() {
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
            _chroot__maint chroot-maint "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            echo "${COMPREPLY[*]}"
        }
        complete_words chroot-maint stat
        complete_words chroot-maint status --js
        complete_words chroot-maint -k chroot trixie-arm64 book
        complete_words chroot-maint enter trixie-a
        complete_words chroot-maint all --fresh f
    "#;
    let output = Command::new("bash")
        .args(["-euc", script])
        .env("ROOT", staging.root())
        .env("XDG_CONFIG_HOME", staging.root())
        .output()
        .expect("bash, of the package bash, can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "status\n--json\nbookworm-amd64 bookworm-arm64\ntrixie-amd64 trixie-arm64\nforce\n"
    );
}

#[test]
fn the_manual_names_every_key_that_the_config_takes() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/man/chroot-maint.toml.5");
    let page = fs::read_to_string(page).unwrap().replace("\\-", "-");
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("c.toml");
    for table in ["", "[defaults]\n", "[dist.sid]\n"] {
        fs::write(&config, format!("{table}colour = 1\n")).unwrap();
        let list = Command::new(PROGRAM).arg("list").arg("--config").arg(&config).output().unwrap();
        let said = String::from_utf8(list.stderr).unwrap();
        // An unknown key is met with those that there are.
        let (_, keys) = said.trim().split_once("; there are: ").expect(&said);
        for key in keys.split(", ").filter(|key| !["defaults", "dist"].contains(key)) {
            let is_head = |line: &str| {
                line.strip_prefix(".B")
                    .is_some_and(|head| head.split([' ', ',', '"']).any(|word| word == key))
            };
            assert!(page.lines().any(is_head), "chroot-maint.toml.5 has no `{key}'");
        }
    }
}

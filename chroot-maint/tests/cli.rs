//! The command line as users meet it: what it says, and how it exits. Needs no root and no network.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on should panic")]

use std::{fs, process::Command};

use tempfile::TempDir;

/// One call, and what is expected of it.
#[must_use = "a test that is not run tests nothing"]
struct Test {
    dir: TempDir,
    arguments: Vec<String>,
    status: i32,
    stdout: Option<String>,
    says: Vec<String>,
}

impl Test {
    /// The words of the call; `DIR` in them is a directory of the test's own.
    fn call(words: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().display().to_string();
        let arguments = words.split_whitespace().map(|word| word.replace("DIR", &home)).collect();
        Self { dir, arguments, status: 0, stdout: None, says: Vec::new() }
    }

    /// A file in the test's directory.
    fn file(self, name: &str, text: &str) -> Self {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// The expected exit status; 0 otherwise.
    fn status(mut self, status: i32) -> Self {
        self.status = status;
        self
    }

    /// The expected standard output, whole.
    fn stdout(mut self, text: &str) -> Self {
        self.stdout = Some(text.to_owned());
        self
    }

    /// Part of what must be said, on either output.
    fn says(mut self, text: &str) -> Self {
        self.says.push(text.to_owned());
        self
    }

    fn run(self) {
        let output = Command::new(env!("CARGO_BIN_EXE_chroot-maint"))
            .args(&self.arguments)
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_STATE_HOME")
            .env_remove("MAKEFLAGS")
            .env("HOME", self.dir.path())
            .output()
            .unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let context = format!("{:?}\nstdout:\n{stdout}\nstderr:\n{stderr}", self.arguments);
        assert_eq!(output.status.code(), Some(self.status), "{context}");
        if let Some(expected) = self.stdout {
            assert_eq!(stdout, expected, "{context}");
        }
        for text in self.says {
            assert!(stdout.contains(&text) || stderr.contains(&text), "no `{text}': {context}");
        }
    }
}

const TWO: &str = "[defaults]\narchs = ['amd64']\n[dist.trixie]\n[dist.bookworm]\n";

/// Chroots of two architectures, one of which is foreign wherever the test runs.
const SID: &str = if cfg!(target_arch = "x86_64") {
    "sid-amd64\nsid-arm64\ncross-tools.sid-arm64\n"
} else {
    "sid-amd64\nsid-arm64\ncross-tools.sid-amd64\n"
};

#[test]
fn help_and_version_are_no_errors() {
    Test::call("--help").says("Exit status:").says("Examples:").run();
    Test::call("--version").says("chroot-maint ").run();
}

#[test]
fn a_call_that_is_not_understood_exits_with_64() {
    Test::call("").status(64).run();
    Test::call("chrot").status(64).says("chroot").run();
    Test::call("list --colour").status(64).run();
    Test::call("-j2 -J list").status(64).run();
    // Commands for the program's own use are not named.
    Test::call("--quiet").status(64).says("one was not provided\n\nUsage").run();
}

#[test]
fn the_users_config_is_found_and_listed_in_order() {
    Test::call("list")
        .file(".config/chroot-maint.toml", TWO)
        .stdout("bookworm-amd64\ntrixie-amd64\n")
        .run();
}

#[test]
fn a_given_config_counts_before_the_users() {
    Test::call("list --config DIR/other.sh")
        .file(".config/chroot-maint.toml", TWO)
        .file("other.sh", "DISTS='sid'\nNATIVE_ARCHS='amd64'\nFOREIGN_ARCHS='arm64'\n")
        .stdout(SID)
        .run();
}

#[test]
fn the_cross_tools_are_listed_after_all_chroots_as_far_as_any_are_wanted() {
    let config =
        "[defaults]\narchs = ['amd64', 'arm64']\n[dist.bookworm]\ncross-tools = []\n[dist.sid]\n";
    Test::call("list --config DIR/c.toml")
        .file("c.toml", config)
        .stdout(&format!("bookworm-amd64\nbookworm-arm64\n{SID}"))
        .run();
}

#[test]
fn a_fault_in_a_config_has_its_place_and_exits_with_78() {
    Test::call("list --config DIR/c.toml")
        .file("c.toml", "[dist.trixie]\narch = ['amd64']\n")
        .status(78)
        .says("c.toml:2:1: unknown key `arch' in [dist.trixie]; did you mean `archs'?")
        .run();
    Test::call("list --config DIR/c.sh")
        .file("c.sh", "DISTS='sid'\nexport X=1\n")
        .status(78)
        .says("bad config line 2")
        .run();
}

#[test]
fn a_given_config_that_is_not_there_exits_with_66() {
    Test::call("list --config DIR/none.toml").status(66).says("can't read the config").run();
}

#[test]
fn a_config_that_is_not_utf_8_has_its_place_and_exits_with_78() {
    let test = Test::call("list --config DIR/c.toml");
    fs::write(test.dir.path().join("c.toml"), b"# caf\xe9\n").unwrap();
    test.status(78).says("c.toml:1:6: this is not UTF-8").run();
}

#[test]
fn a_config_from_a_pipe_is_refused_for_jobs_read_it_again() {
    let test = Test::call("list --config DIR/pipe");
    let path = test.dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    test.status(66).says("pipe is a pipe, which the jobs could not read again").run();
}

#[test]
fn the_older_form_without_any_architecture_is_refused() {
    Test::call("list --config DIR/c.sh")
        .file("c.sh", "DISTS='sid'\nNATIVE_ARCHS=''\n")
        .status(78)
        .says("c.sh: no chroot is left")
        .run();
}

#[test]
fn jobs_read_the_config_that_was_read_wherever_they_run() {
    // As standard input, a job would find another file under the same name.
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("c d.toml");
    let state = dir.path().join("st ate");
    // The keyring keeps the job from making anything.
    let text = format!("state-dir = '{}'\n[dist.x]\nkeyring = '/nowhere.gpg'\n", state.display());
    fs::write(&config, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_chroot-maint"))
        .args(["--config", "/dev/stdin", "all"])
        .env_remove("MAKEFLAGS")
        .stdin(fs::File::open(&config).unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("1 failed") && !said.contains("not in the config"), "{said}");
}

#[test]
fn an_unknown_job_is_met_with_the_nearest_and_exits_with_64() {
    Test::call("job slep.x-1").status(64).says("did you mean `sleep.x-1'?").run();
    Test::call("job chroot.trixie-adm64").status(64).says("did you mean `amd64'?").run();
}

#[test]
fn a_job_for_a_chroot_outside_the_config_is_refused() {
    Test::call("job chroot.sid-amd64 --config DIR/c.toml")
        .file("c.toml", TWO)
        .status(64)
        .says("`sid-amd64' is not in the config")
        .run();
    Test::call("job chroot.trixy-amd64 --config DIR/c.toml")
        .file("c.toml", TWO)
        .status(64)
        .says("did you mean `trixie-amd64'?")
        .run();
}

#[test]
fn a_foreign_architecture_is_refused_with_the_reason() {
    // No emulator of this one is packaged, nor does any machine have both.
    let foreign = if cfg!(target_arch = "x86_64") { "ia64" } else { "x32" };
    Test::call(&format!("job chroot.trixie-{foreign} --config DIR/c.toml"))
        .file("c.toml", &format!("[dist.trixie]\narchs = ['{foreign}']\n"))
        .status(69)
        .says(&format!("can't run programs of {foreign}: there is no emulator for it"))
        .run();
}

#[test]
fn a_session_needs_one_chroot_that_is_made() {
    let config = format!("state-dir = 'DIR/state'\n{TWO}");
    let call = |words: &str| {
        let test = Test::call(&format!("enter --config DIR/c.toml {words}"));
        let dir = test.dir.path().display().to_string();
        test.file("c.toml", &config.replace("DIR", &dir))
    };
    call("trixie").status(66).says("make it: chroot-maint chroot trixie-amd64").run();
    call("*-amd64").status(64).says("names several chroots: bookworm-amd64, trixie-amd64").run();
    call("trixy").status(64).says("did you mean `trixie'?").run();
    call("--bind DIR:DIR:x trixie").status(64).says("give DIR or DIR:DIR").run();
    call("--bind DIR:mnt trixie").status(64).says("a path that begins with /").run();
}

#[test]
fn the_doctor_says_what_is_missing_and_what_mends_it() {
    Test::call("doctor --config DIR/c.toml")
        .file(
            "c.toml",
            "state-dir = '/proc/nowhere'\n[dist.trixie]\narchs = ['ia64']\nkeyring = '/nowhere.gpg'\n",
        )
        .status(69)
        .says("FAULT  can't write to the state directory /proc/nowhere")
        .says("FAULT  the keyring /nowhere.gpg is not there")
        .says("       -> correct `keyring' in the config")
        .says(" faults\n")
        .run();
}

#[test]
fn the_job_that_sleeps_says_so() {
    Test::call("job sleep.x-0.01").stdout("Sleeping for 0.01s...\nDone.").run();
}

#[test]
fn the_job_that_is_bad_exits_with_69() {
    Test::call("job bad").status(69).says("line 50 of 50").says("this job always fails").run();
}

#[test]
fn only_work_directories_can_be_deleted() {
    Test::call("remove-tree DIR/precious")
        .file("precious/file", "x")
        .status(64)
        .says("won't")
        .run();
    Test::call("remove-tree DIR/work/1.x").file("work/1.x/file", "x").run();
}

/// In namespaces of its own, so that mounts need no root: `$1` is the program.
fn in_namespaces(script: &str) {
    let status = Command::new("unshare")
        .args(["-Urm", "sh", "-euc", script, "test"])
        .arg(env!("CARGO_BIN_EXE_chroot-maint"))
        .status()
        .expect("unshare, of util-linux, can be run");
    assert!(status.success());
}

#[test]
fn a_tree_with_a_mount_in_it_is_left_alone() {
    in_namespaces(
        r#"
        mount -t tmpfs none /mnt; cd /mnt
        mkdir -p work/1.x/etc/sub precious; echo x >precious/file; echo x >work/1.x/etc/file
        mount --bind precious work/1.x/etc/sub
        said=$("$1" remove-tree /mnt/work/1.x 2>&1) && exit 1
        case $said in *"/mnt/work/1.x/etc/sub is mounted in it"*) ;; *) echo "$said"; exit 1;; esac
        [ -e precious/file ] && [ -e work/1.x/etc/file ]
        umount work/1.x/etc/sub
        "$1" remove-tree /mnt/work/1.x
        [ -e precious/file ] && ! [ -e work/1.x ]
        "#,
    );
}

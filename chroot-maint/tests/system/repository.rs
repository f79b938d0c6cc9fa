//! The Makefile and .ci/packages, as far as they can go wrong on machines other than this one.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::caller::run;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// As the real one, it can't run twice at once.
const APT_GET: &str = r#"#!/bin/sh
mkdir "$0.lock" || exit 100
sleep 0.1
rmdir "$0.lock"
"#;

#[test]
fn packages_are_installed_one_call_after_another_under_make_j() {
    let dir = tempfile::tempdir().unwrap();
    let (text, apt_get) = (dir.path().join("text"), dir.path().join("apt-get"));
    fs::write(&text, APT_GET).unwrap();
    // By another process: what other tests start meanwhile would have it open, which can't be run then.
    run(Command::new("install").args(["-m", "755"]).args([&text, &apt_get]));
    let mut path = dir.path().as_os_str().to_owned();
    path.push(":/usr/bin:/bin");
    let calls: Vec<_> = ["no-such-tool:a", "no-such-tool:b", "no-such-tool:c"]
        .map(|tool| {
            let mut call = Command::new(repository().join(".ci/packages"));
            call.arg(tool).env("PATH", &path).spawn().unwrap()
        })
        .into();
    for mut call in calls {
        assert!(call.wait().unwrap().success());
    }
}

#[test]
fn make_maint_finds_the_program_in_cargos_target_directory() {
    for (target_dir, program) in
        [(None, "target/release/chroot-maint"), (Some("/a b"), "/a b/release/chroot-maint")]
    {
        let mut make = Command::new("make");
        make.args(["--no-print-directory", "--eval", "show: ; @echo '$(PROGRAM)'", "show"])
            .current_dir(repository());
        make.env_remove("CARGO_TARGET_DIR").env_remove("MAKEFLAGS");
        make.envs(target_dir.map(|dir| ("CARGO_TARGET_DIR", dir)));
        assert_eq!(String::from_utf8(run(&mut make).stdout).unwrap().trim_end(), program);
    }
}

//! The Makefile and .ci/packages, as far as they can go wrong on machines other than this one.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
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
    let apt_get = dir.path().join("apt-get");
    fs::write(&apt_get, APT_GET).unwrap();
    fs::set_permissions(&apt_get, fs::Permissions::from_mode(0o755)).unwrap();
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

//! The scheduler under GNU make 4.4, whose jobserver is a fifo: in a chroot of trixie, made for it.

use std::{path::Path, process::Command};

use crate::caller::{Caller, run};

/// How a thing that runs says how many do, itself included: as many files as there are at that moment. It goes on
/// when it has read a line; the first that sees four of them writes those for all.
const BUSY: &str = r"#!/bin/sh
touch /t/run/$$; set -- /t/run/*; echo $# >>/t/counts
if [ $# -ge 4 ] && mkdir /t/met 2>/dev/null; then yes go | head -n 21 >/t/go; fi
read line </t/go; rm /t/run/$$
";

const MAKEFILE: &str = r"
all: a b c scheduled
a b c:
	@/t/busy; /t/busy; /t/busy
scheduled:
	+@/t/flood -q 12 /t/busy
without-plus:
	@/t/flood -q 5 /t/busy
";

/// Puts a throw-away layer over the tree `$1`, with the files of `$2` in /t, and runs `$3` there in a shell.
const IN_THE_CHROOT: &str = r#"
mount -t tmpfs none /mnt
cd /mnt
mkdir upper work root
mount -t overlay none -o "lowerdir=$1,upperdir=upper,workdir=work" root
mount -t proc none root/proc
mount --bind /dev root/dev
mkdir -p root/t/run
mkfifo root/t/go
exec 9<>root/t/go
cp "$2"/* root/t
exec chroot root sh -c "cd /t; $3"
"#;

/// What make says, followed by the numbers of things that ran at once.
fn in_the_chroot(tree: &Path, files: &Path, script: &str) -> String {
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", IN_THE_CHROOT, "sh"]);
    let output = run(unshare.arg(tree).arg(files).arg(format!("{script} 2>&1; sort counts")));
    String::from_utf8(output.stdout).unwrap()
}

/// The numbers at the end of what was said, and what comes before them.
fn counts(said: &str) -> (String, Vec<u32>) {
    let (numbers, text): (Vec<&str>, Vec<&str>) =
        said.lines().partition(|line| line.parse::<u32>().is_ok());
    (text.join("\n"), numbers.iter().map(|number| number.parse().unwrap()).collect())
}

#[test]
fn under_make_44_never_more_run_than_it_allows_and_no_token_is_missed() {
    let caller = Caller::root();
    let config = "[dist.trixie]\n";
    run(&mut caller.chroot_maint_with(config, &["-q", "all"]));
    let place = caller.state().join("chroots");
    let arch = String::from_utf8(run(Command::new("dpkg").arg("--print-architecture")).stdout);
    let tree = place.join(format!("trixie-{}", arch.unwrap().trim())).join("current");
    let tree = tree.canonicalize().unwrap();

    let files = tempfile::tempdir().unwrap();
    std::fs::write(files.path().join("busy"), BUSY).unwrap();
    std::fs::write(files.path().join("Makefile"), MAKEFILE).unwrap();
    run(Command::new("chmod").arg("+x").arg(files.path().join("busy")));
    let flood = Path::new(env!("CARGO_BIN_EXE_chroot-maint")).with_file_name("examples/flood");
    std::fs::copy(&flood, files.path().join("flood"))
        .unwrap_or_else(|error| panic!("{}: {error}; `make system' builds it", flood.display()));

    for style in ["fifo", "pipe"] {
        let script = format!("timeout 600 make -j4 --jobserver-style={style}");
        let (said, counts) = counts(&in_the_chroot(&tree, files.path(), &script));
        assert_eq!(counts.len(), 21, "{said}");
        assert!(counts.iter().all(|&count| count <= 4), "{style}: {counts:?}");
        assert!(counts.contains(&4), "{style}: the slots were not used: {counts:?}");
        assert!(!said.contains("token") && !said.contains("jobserver"), "{style}: {said}");
        assert!(said.contains("12 succeeded"), "{style}: {said}");
    }

    // A pipe is closed to a recipe without `+'.
    let script = "yes go | head -n 5 >go; timeout 600 make -j4 --jobserver-style=pipe without-plus";
    let (said, counts) = counts(&in_the_chroot(&tree, files.path(), script));
    assert_eq!(counts, [1; 5], "{said}");
    assert_eq!(said.matches("warning: jobserver unavailable").count(), 1, "{said}");
    assert!(said.contains("put `+' before the command"), "{said}");
}

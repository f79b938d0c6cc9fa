//! A host that has an emulator registered, for programs that can't do without: a user namespace in which all ids are
//! what they are, with a `binfmt_misc` of its own. The real host's stays as it is.

use std::{fs, process::Command};

/// Registers the emulator with the flag F, as Debian's packages do, and runs the rest of the words. Waits until it is
/// root in there.
const INNER: &str = r#"
echo there >"$1/there"; read -r go <"$1/go"
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
printf %s "$2" >/proc/sys/fs/binfmt_misc/register
shift 2
exec "$@"
"#;

const OUTER: &str = r#"
dir=$(mktemp -d); trap 'rm -r "$dir"' EXIT
mkfifo "$dir/there" "$dir/go"
inner=$1; shift
unshare --user --mount sh -euc "$inner" inner "$dir" "$@" &
read -r there <"$dir/there"
echo '0 0 4294967295' >"/proc/$!/uid_map"
echo '0 0 4294967295' >"/proc/$!/gid_map"
echo go >"$dir/go"
wait "$!"
"#;

/// A command that takes a program with its arguments, and runs it where arm64 is emulated.
pub(crate) fn of_arm64() -> Command {
    let qemu = fs::canonicalize("/usr/bin/qemu-aarch64-static");
    let qemu = qemu.expect("qemu-aarch64-static is missing; install the package qemu-user-static");
    let magic = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00";
    let mask = r"\xff\xff\xff\xff\xff\xff\xff\x00\x00\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff";
    let line = format!(":test-arm64:M::{magic}:{mask}:{}:OPF", qemu.display());
    let mut command = Command::new("sh");
    command.args(["-euc", OUTER, "emulation", INNER, &line]);
    command
}

//! How it looks when an emulator crashes, and not the program that it runs: worth a second try, for many of these
//! faults of QEMU come and go. Pure text.

/// Whether a line of output says so. QEMU names the signal that the program got no chance to handle; maintainer
/// scripts that die of SIGSEGV or SIGILL, which as real programs they hardly ever do, are reported by dpkg.
///
/// For output of a foreign architecture only: on the host's own, a crash is a fault of the program.
pub(crate) fn is_emulator_crash(line: &str) -> bool {
    let is_qemu = line.contains("qemu: ") || line.starts_with("qemu-");
    let says = |part: &str| line.contains(part);
    // SIGILL, SIGBUS, SIGSEGV. An abort is the program's own decision.
    let is_fault = ["4 ", "7 ", "11 "].iter().any(|n| says(&format!("uncaught target signal {n}")));
    is_qemu && (is_fault || says("unhandled CPU exception"))
        || says("QEMU internal SIG")
        // A shell's 128 + SIGILL, SIGBUS, SIGSEGV.
        || ["132", "135", "139"].iter().any(|status| {
            line.ends_with(&format!("subprocess returned error exit status {status}"))
        })
        || says("subprocess was killed by signal (Segmentation fault)")
        || says("subprocess was killed by signal (Illegal instruction)")
}

#[cfg(test)]
mod tests {
    use super::is_emulator_crash;

    #[test]
    fn crashes_of_the_emulator_are_recognised() {
        for line in [
            "qemu: uncaught target signal 11 (Segmentation fault) - core dumped",
            "qemu: uncaught target signal 4 (Illegal instruction) - core dumped",
            "**:0:0:qemu: unhandled CPU exception 0x10001 - aborting",
            "QEMU internal SIGSEGV {code=MAPERR, addr=0x20}",
            " installed libc-bin package post-installation script subprocess returned error exit status 139",
            "E: Sub-process /usr/bin/dpkg: subprocess was killed by signal (Segmentation fault)",
        ] {
            assert!(is_emulator_crash(line), "{line}");
        }
    }

    #[test]
    fn other_failures_are_not_the_emulators() {
        for line in [
            " installed x package post-installation script subprocess returned error exit status 1",
            " installed x package post-installation script subprocess returned error exit status 13",
            "E: Sub-process /usr/bin/dpkg returned an error code (1)",
            "Setting up qemu-user-static (1:7.2+dfsg-7+deb12u18) ...",
            "a test: uncaught target signal handler",
            "qemu: uncaught target signal 6 (Aborted) - core dumped",
            "",
        ] {
            assert!(!is_emulator_crash(line), "{line}");
        }
    }
}

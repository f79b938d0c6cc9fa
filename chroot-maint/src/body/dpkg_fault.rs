//! Which package dpkg could not deal with, and why, out of what it says. Knows the words of dpkg 1.17 to 1.23, in English.

use std::fmt;

/// What dpkg complained of first.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DpkgFault {
    package: String,
    said: String,
}

/// Finds the first complaint. What comes after it mostly follows from it.
pub(super) fn find(output: &str) -> Option<DpkgFault> {
    let mut lines = output.lines();
    while let Some(line) = lines.next() {
        let Some(at) = line.find("dpkg: error processing ") else { continue };
        let subject = &line[at + "dpkg: error processing ".len()..];
        let package = match subject.split_once(' ') {
            Some(("package", rest)) => rest.split([' ', ':']).next(),
            Some(("archive", rest)) => rest.split(' ').next().and_then(package_of_file),
            _ => continue,
        };
        let said = lines.next().unwrap_or_default().trim();
        // The rest of its life it is about the same package.
        let package = package.unwrap_or("a package").to_owned();
        return Some(DpkgFault { said: shortened(said), package });
    }
    None
}

impl DpkgFault {
    /// What to do.
    pub(super) fn advice(&self) -> &'static str {
        if self.said.contains("trying to overwrite") {
            "two packages hold the same file: leave one out of `include', or wait for the archive to mend it"
        } else if self.said.contains("script") {
            "see the log for what it said: it may want what a chroot does not have, or a later version may mend it"
        } else {
            "see the log; the archive may not be consistent at the moment"
        }
    }
}

impl fmt::Display for DpkgFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.package, self.said)
    }
}

/// `/var/cache/apt/archives/hello_2.10-3_amd64.deb` -> `hello`
fn package_of_file(path: &str) -> Option<&str> {
    path.rsplit('/').next()?.split('_').next()
}

/// `installed hello package post-installation script subprocess returned error exit status 1` and its older form
/// `subprocess installed post-installation script returned error exit status 1`, without what is known already.
fn shortened(said: &str) -> String {
    for when in ["installed", "new", "old"] {
        let of_package = said.strip_prefix(when).and_then(|rest| rest.split_once(" package "));
        let rest = of_package
            .map(|(_, rest)| rest)
            .or_else(|| said.strip_prefix("subprocess ")?.strip_prefix(when)?.strip_prefix(' '));
        if let Some(rest) = rest.filter(|rest| rest.contains("script")) {
            return format!("its {}", rest.replacen(" subprocess", "", 1));
        }
    }
    said.to_owned()
}

#[cfg(test)]
mod tests {
    use super::find;

    fn found(output: &str) -> String {
        find(output).map(|fault| fault.to_string()).unwrap_or_default()
    }

    #[test]
    fn the_package_and_what_it_did_are_named() {
        for (output, said) in [
            (
                "dpkg: error processing package hello (--configure):\n installed hello package post-installation script subprocess returned error exit status 1",
                "hello: its post-installation script returned error exit status 1",
            ),
            (
                "dpkg: error processing package libc6:arm64 (--configure):\n installed libc6:arm64 package post-installation script subprocess was killed by signal (Killed)",
                "libc6: its post-installation script was killed by signal (Killed)",
            ),
            (
                "dpkg: error processing package hello (--configure):\n subprocess installed post-installation script returned error exit status 2",
                "hello: its post-installation script returned error exit status 2",
            ),
            (
                "dpkg: error processing archive /var/cache/apt/archives/b_1%3a2_all.deb (--unpack):\n trying to overwrite '/x', which is also in package a 1",
                "b: trying to overwrite '/x', which is also in package a 1",
            ),
            (
                "dpkg: error processing archive /a/c_1_all.deb (--unpack):\n new c package pre-installation script subprocess returned error exit status 1",
                "c: its pre-installation script returned error exit status 1",
            ),
            (
                "dpkg: dependency problems prevent configuration of d:\n d depends on e.\n\ndpkg: error processing package d (--configure):\n dependency problems - leaving unconfigured",
                "d: dependency problems - leaving unconfigured",
            ),
        ] {
            assert_eq!(found(output), said);
        }
    }

    #[test]
    fn the_first_complaint_counts() {
        let output = "dpkg: error processing package a (--configure):\n x\ndpkg: error processing package b (--configure):\n y";
        assert_eq!(found(output), "a: x");
    }

    #[test]
    fn without_a_complaint_there_is_none() {
        assert_eq!(find("Setting up hello (1) ...\ndpkg: warning: x"), None);
    }
}

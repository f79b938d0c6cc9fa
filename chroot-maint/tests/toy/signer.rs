//! Two throw-away keys: the archive's own, and another one whose public half is given to nobody.

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::Command,
};

use super::run;

/// Keys in a directory of their own; the agent that gpg starts ends when the directory is gone.
pub(super) struct Signer {
    home: PathBuf,
    keyring: PathBuf,
}

const OWN: &str = "own@toy.example";
const OTHER: &str = "other@toy.example";

impl Signer {
    pub(super) fn new(dir: &Path) -> Self {
        let home = dir.join("gpg");
        fs::DirBuilder::new().mode(0o700).create(&home).unwrap();
        let signer = Self { home, keyring: dir.join("toy-keyring.gpg") };
        signer.make(OWN);
        let key = run(signer.gpg().args(["--export", OWN])).stdout;
        fs::write(&signer.keyring, key).unwrap();
        signer
    }

    fn make(&self, owner: &str) {
        run(self.gpg().args(["--quick-gen-key", owner, "ed25519", "sign", "never"]));
    }

    pub(super) fn keyring(&self) -> PathBuf {
        self.keyring.clone()
    }

    pub(super) fn sign(&self, text: &[u8]) -> Vec<u8> {
        self.clear_sign(OWN, text)
    }

    pub(super) fn sign_as_other(&self, text: &[u8]) -> Vec<u8> {
        self.other_key();
        self.clear_sign(OTHER, text)
    }

    /// The fingerprint; the key is made when it is first asked for.
    pub(super) fn other_key(&self) -> String {
        let list = || {
            let output = self.gpg().args(["--with-colons", "--list-keys", OTHER]).output().unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            let line = said.lines().find_map(|line| line.strip_prefix("fpr:::::::::"))?;
            Some(line.trim_end_matches(':').to_owned())
        };
        list().unwrap_or_else(|| {
            self.make(OTHER);
            list().expect("the key was just made")
        })
    }

    fn clear_sign(&self, owner: &str, text: &[u8]) -> Vec<u8> {
        let plain = self.home.join("plain");
        fs::write(&plain, text).unwrap();
        let mut gpg = self.gpg();
        gpg.args(["--local-user", owner, "--digest-algo", "SHA512", "--output", "-"]);
        run(gpg.arg("--clearsign").arg(plain)).stdout
    }

    fn gpg(&self) -> Command {
        let mut gpg = Command::new("gpg");
        gpg.arg("--homedir").arg(&self.home);
        gpg.args(["--batch", "--yes", "--quiet", "--passphrase", ""]);
        gpg
    }
}

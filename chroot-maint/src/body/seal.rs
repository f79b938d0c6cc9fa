//! What a new tree still needs to be the same wherever it was made and quiet whoever uses it.

use std::{fs, path::Path};

use super::{BodyError, bootstrap::SOURCES_FILE, devices, process};
use crate::{archive::DEFAULT_KEYRING, sandbox::Sandbox, spec::Recipe};

/// Runs in the tree. mmdebstrap leaves the host's resolv.conf and hostname there: whoever enters a chroot brings
/// along those of the day. No daemon is ever to start in it. And nothing is left that only tells when and on which disk
/// it was made, or that is another file's last state: with the same packages it should be the same.
const SCRIPT: &str = r#"set -eu
rm -f /etc/resolv.conf /etc/hostname
cd /etc/apt/sources.list.d
if [ -e "0000$1" ]; then mv "0000$1" "$1"; fi
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
cd /var
rm -f log/alternatives.log log/bootstrap.log log/dpkg.log log/apt/*
rm -f cache/ldconfig/aux-cache cache/apt/*.bin cache/debconf/*-old
rm -f lib/dpkg/*-old lib/dbus/machine-id lib/apt/lists/lock
if [ -s /etc/machine-id ]; then : >/etc/machine-id; fi
"#;

/// Runs in the tree: writes its input to a file.
const WRITE: &str = r#"set -eu
mkdir -p "${1%/*}"
cat >"$1"
chmod 644 "$1"
"#;

/// Changes the tree from within, so that no symlink in it leads elsewhere.
pub(super) fn seal(sandbox: Sandbox, tree: &Path, recipe: &Recipe) -> Result<(), BodyError> {
    let mut script = sandbox.inside(tree, "sh");
    script.args(["-c", SCRIPT, "seal", SOURCES_FILE]);
    process::output("sealing the tree", script)?;

    // The sources name the keyring by its path on the host, where Debian's own package puts it too.
    if let Some(keyring) =
        recipe.keyring.as_ref().filter(|path| *path != Path::new(DEFAULT_KEYRING))
    {
        let keys =
            fs::read(keyring).map_err(|source| BodyError::Write { what: "the keyring", source })?;
        let mut write = sandbox.inside(tree, "sh");
        write.args(["-c", WRITE, "seal"]).arg(keyring);
        process::feed("copying the keyring", write, &keys)?;
    }
    devices::make(tree)
}

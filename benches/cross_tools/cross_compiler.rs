//! The archive's cross compiler in a session of the native chroot: what one builds with who has no foreign chroot. Does not
//! know what is built.

use std::fs;

use crate::{
    Result,
    chroots::{Chroots, SHARED, Side},
};

/// How a session gets it, and what it is called.
#[derive(Debug)]
pub(crate) struct CrossCompiler {
    /// The GNU name of the foreign architecture, which its programs' names begin with.
    pub(crate) triplet: String,
    /// A part of a script. What apt fetches is kept for the next session.
    pub(crate) install: String,
}

impl CrossCompiler {
    pub(crate) fn of(chroots: &Chroots) -> Result<Self> {
        // Of an earlier run, which may be long ago.
        let lists = chroots.shared().join("lists");
        if lists.exists() {
            fs::remove_dir_all(lists)?;
        }
        let triplet = chroots.ask(Side::Foreign, "gcc -dumpmachine")?.trim().to_owned();
        // The headers of the C library are only recommended by it.
        let (name, arch) = (triplet.replace('_', "-"), chroots.arch(Side::Foreign));
        let install = format!(
            "mkdir -p {SHARED}/lists/partial {SHARED}/debs/partial
            apt_get() {{
                apt-get -q -o APT::Sandbox::User=root -o Dir::State::Lists={SHARED}/lists \\
                    -o Dir::Cache::Archives={SHARED}/debs -o APT::Keep-Downloaded-Packages=true \\
                    \"$@\" >&2
            }}
            test -e {SHARED}/lists/complete || {{ apt_get update; : >{SHARED}/lists/complete; }}
            export DEBIAN_FRONTEND=noninteractive
            apt_get install --yes --no-install-recommends gcc-{name} libc6-dev-{arch}-cross"
        );
        Ok(Self { triplet, install })
    }
}

//! What those steps are called that run apt or dpkg, or what is in the packages: who runs them and who judges their
//! failures go by the same names. Knows nothing of how they are run.

pub(super) const MMDEBSTRAP: &str = "mmdebstrap";
pub(super) const UPDATE: &str = "apt-get update";
pub(super) const DOWNLOAD: &str = "apt-get --download-only";
pub(super) const SIMULATE: &str = "simulating the upgrade";
pub(super) const UPGRADE: &str = "upgrading the packages";
pub(super) const CHECK: &str = "apt-get check";
pub(super) const AUDIT: &str = "dpkg --audit";
pub(super) const QUERY: &str = "dpkg-query";
pub(super) const JOURNAL: &str = "looking into dpkg's journal";
pub(super) const COMPILE: &str = "compiling and running a program";
pub(super) const COPY_TOOLS: &str = "copying the tools";
pub(super) const SWITCH: &str = "putting the tools into their places";
pub(super) const SAMPLE: &str = "measuring what the tools gain";
pub(super) const AVAILABLE: &str = "asking for versions";
pub(super) const BUILD: &str = "compiling a program from source";
pub(super) const READ: &str = "reading a program";

const APTS: [&str; 7] = [MMDEBSTRAP, UPDATE, DOWNLOAD, SIMULATE, UPGRADE, CHECK, AVAILABLE];

/// mmdebstrap does much more than that.
const ABOUT_PACKAGES: [&str; 11] =
    [UPDATE, DOWNLOAD, SIMULATE, UPGRADE, CHECK, AUDIT, QUERY, JOURNAL, COMPILE, READ, BUILD];

/// Whether apt says why such a step failed.
pub(super) fn is_apts(what: &str) -> bool {
    APTS.contains(&what)
}

/// Whether such a step only looks at packages, installs them, or runs what is in them.
pub(super) fn is_about_packages(what: &str) -> bool {
    ABOUT_PACKAGES.contains(&what)
}

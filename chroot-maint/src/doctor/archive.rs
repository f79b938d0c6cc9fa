//! Whether each distribution's suites can be had, with signatures that its keyring knows: asked of apt, which fetches
//! and checks no more than the Release files, into a directory that is gone afterwards.

use std::{collections::BTreeSet, fs, io, path::Path, process::Command};

use super::report::Finding;
use crate::{
    archive::{HostApt, Sources},
    config::Config,
};

/// No index is wanted, and no patience with mirrors.
const OPTIONS: [&str; 10] = [
    "Dir::Etc::SourceList=/dev/null",
    "Dir::State::Status=/dev/null",
    "Acquire::Retries=0",
    "Acquire::http::Timeout=15",
    "Acquire::https::Timeout=15",
    "Acquire::Languages=none",
    "Acquire::IndexTargets::deb::Packages::DefaultEnabled=false",
    "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false",
    "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
    "Acquire::IndexTargets::deb::CNF::DefaultEnabled=false",
];

pub(super) fn look(config: &Config) -> Vec<Finding> {
    let host = match HostApt::ask() {
        Ok(host) => host,
        Err(error) => return vec![Finding::error(&error)],
    };
    let mut asked = BTreeSet::new();
    let mut findings = Vec::new();
    for (id, chroot) in &config.chroots {
        let dist = id.dist.as_str();
        if !asked.insert(dist) {
            continue;
        }
        findings.push(match Sources::plan(&chroot.recipe, &host) {
            Err(error) => Finding::error(&error),
            Ok(Sources::Mmdebstraps) => Finding::note(format!(
                "no mirror is known for {dist}: it will be mmdebstrap's choice"
            ))
            .mend("name one as `mirror' in the config"),
            Ok(Sources::Written(text)) => match fetch(&text, config.proxy.as_deref()) {
                Ok(()) => Finding::good(format!("the archive has {dist}, signed by a known key")),
                Err(said) => unfit(dist, &said),
            },
        });
    }
    findings
}

/// Has apt fetch the Release files of these sources; what it complains of is the error.
fn fetch(sources: &str, proxy: Option<&str>) -> Result<(), String> {
    let told = |error: io::Error| error.to_string();
    let dir = tempfile::Builder::new().prefix("chroot-maint.").tempdir().map_err(told)?;
    prepare(dir.path(), sources).map_err(told)?;
    let mut apt = Command::new("apt-get");
    apt.args(["update", "--quiet", "--error-on=any"]);
    for (key, place) in
        [("Etc::SourceParts", "sources"), ("State::Lists", "lists"), ("Cache", "cache")]
    {
        apt.arg("-o").arg(format!("Dir::{key}={}", dir.path().join(place).display()));
    }
    apt.args(OPTIONS.iter().flat_map(|option| ["-o", option]));
    if let Some(proxy) = proxy {
        apt.arg("-o").arg(format!("Acquire::http::Proxy={proxy}"));
    }
    let output = apt.env("LC_ALL", "C.UTF-8").output().map_err(told)?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

fn prepare(dir: &Path, sources: &str) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    // apt fetches as a user of its own.
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
    for place in ["sources", "lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(dir.join(place))?;
    }
    fs::write(dir.join("sources/doctor.sources"), sources)
}

fn unfit(dist: &str, said: &str) -> Finding {
    // apt's last lines only say that something failed.
    let complaint = said
        .lines()
        .find(|line| line.starts_with("E:") || line.starts_with("W:"))
        .unwrap_or("apt-get gave no reason");
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let mend = if says(&["NO_PUBKEY", "no public key", "Missing key", "signatures were invalid"]) {
        "run as root: apt-get install debian-archive-keyring; for another archive, name `keyring' in the config"
    } else if says(&["is expired", "Valid-Until", "not valid yet"]) {
        "look at this host's clock (date), and at how old the mirror is"
    } else if says(&["404", "does not have a Release file"]) {
        "correct `suites' or `mirror' in the config: this mirror has no such suite"
    } else {
        "look at the network, and at `mirror' and `proxy' in the config"
    };
    Finding::fault(format!("{dist}: {complaint}")).mend(mend)
}

#[cfg(test)]
mod tests {
    use super::{fetch, unfit};

    fn advice(said: &str) -> String {
        format!("{:?}", unfit("trixie", said))
    }

    #[test]
    fn each_complaint_of_apts_has_its_advice() {
        for (said, mend) in [
            (
                "W: GPG error: ... NO_PUBKEY 6ED0E7B82643E131\nE: not signed.\n",
                "debian-archive-keyring",
            ),
            ("E: Release file for ... is expired (invalid since 16d).\n", "clock"),
            ("Err:1\nE: The repository 'x' does not have a Release file.\n", "suites"),
            ("W: Failed to fetch ...  Could not connect\nE: Some index files failed\n", "proxy"),
        ] {
            assert!(advice(said).contains(mend), "{}", advice(said));
        }
        assert!(advice("Err:1\nW: first\nE: last\n").contains("trixie: W: first"));
    }

    #[test]
    fn a_repository_without_a_release_file_is_found_out() {
        let dir = tempfile::tempdir().unwrap();
        let sources = format!(
            "Types: deb\nURIs: file:{}\nSuites: toy\nComponents: main\nSigned-By: /dev/null\n",
            dir.path().display()
        );
        let said = fetch(&sources, None).unwrap_err();
        assert!(advice(&said).contains("no such suite"), "{said}");
    }
}

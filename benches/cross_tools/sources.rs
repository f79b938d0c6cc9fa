//! What is compiled, fetched once: GNU hello as Debian's archive has it, and sqlite3.c out of a crate. Does not
//! know what is done with them.

use std::{
    env, fs,
    path::Path,
    process::{Command, Output},
};

use crate::{
    Result,
    chroots::{Chroots, Side},
};

/// Exactly this one, as another version of sqlite3.c takes another time to compile.
const SQLITE_CRATE: (&str, &str) = ("libsqlite3-sys", "0.30.1");

/// A source in the directory that sessions share.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its file's name.
    pub(crate) file: String,
    pub(crate) version: String,
}

/// Fetches the tarball by the sources that the native chroot has: its own release's, or an earlier one where the mirror has
/// no whole copy of that. The host's apt does it, which knows the way to the mirror; its own lists stay as they are.
pub(crate) fn hello(chroots: &Chroots) -> Result<Source> {
    if let Some(found) = hello_in(&chroots.shared())? {
        return Ok(found);
    }
    let file = chroots.tree(Side::Native).join("etc/apt/sources.list.d/debian.sources");
    let sources =
        fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut said = String::new();
    for release in [chroots.dist(), "bookworm"] {
        let dir = tempfile::tempdir_in(chroots.shared())?;
        let text = sources.replace("Types: deb\n", "Types: deb-src\n");
        for place in ["sources", "lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(dir.path().join(place))?;
        }
        let text = text.replace(chroots.dist(), release);
        fs::write(dir.path().join("sources/hello.sources"), text)?;
        // That all of its suites are there is not wanted.
        apt_get(dir.path(), &["update"])?;
        let output = apt_get(dir.path(), &["source", "--download-only", "--only-source", "hello"])?;
        if let Some(found) = hello_in(dir.path())?.filter(|_| output.status.success()) {
            fs::rename(dir.path().join(&found.file), chroots.shared().join(&found.file))?;
            return Ok(found);
        }
        said = String::from_utf8_lossy(&output.stderr).into_owned();
    }
    Err(format!("no source of hello can be had: {said}").into())
}

fn hello_in(dir: &Path) -> Result<Option<Source>> {
    for entry in fs::read_dir(dir)? {
        let file = entry?.file_name().to_string_lossy().into_owned();
        let version = file.strip_prefix("hello_").and_then(|rest| rest.split_once(".orig.tar."));
        if let Some((version, "gz" | "xz" | "bz2")) = version {
            return Ok(Some(Source { version: version.to_owned(), file }));
        }
    }
    Ok(None)
}

fn apt_get(dir: &Path, words: &[&str]) -> Result<Output> {
    let mut apt_get = Command::new("apt-get");
    apt_get.current_dir(dir).args(["-q", "-o", "APT::Sandbox::User=root"]);
    for (setting, place) in [
        ("Dir::Etc::SourceList", Path::new("/dev/null")),
        ("Dir::Etc::SourceParts", &dir.join("sources")),
        ("Dir::State::Lists", &dir.join("lists")),
        ("Dir::Cache", &dir.join("cache")),
    ] {
        apt_get.arg("-o").arg(format!("{setting}={}", place.display()));
    }
    Ok(apt_get.args(words).output()?)
}

/// Fetches the crate by a manifest that wants nothing else.
pub(crate) fn sqlite(chroots: &Chroots) -> Result<Source> {
    let file = "sqlite3.c".to_owned();
    let to = chroots.shared().join(&file);
    if !to.exists() {
        let (name, version) = SQLITE_CRATE;
        let dir = tempfile::tempdir_in(chroots.shared())?;
        fs::create_dir(dir.path().join("src"))?;
        fs::write(dir.path().join("src/lib.rs"), "")?;
        let manifest = format!(
            "[package]\nname = 'fetch'\nversion = '0.0.0'\nedition = '2021'\n\
             [workspace]\n[dependencies]\n{name} = '={version}'\n"
        );
        fs::write(dir.path().join("Cargo.toml"), manifest)?;
        cargo(dir.path(), &["fetch"])?;
        let metadata = cargo(dir.path(), &["metadata", "--format-version=1", "--offline"])?;
        let metadata: serde_json::Value = serde_json::from_slice(&metadata)?;
        let packages = metadata["packages"].as_array().ok_or("no packages")?;
        let package = packages.iter().find(|package| package["name"] == name);
        let manifest = package.and_then(|package| package["manifest_path"].as_str());
        let manifest = Path::new(manifest.ok_or("cargo does not say where the crate is")?);
        let partial = to.with_extension("partial");
        fs::copy(manifest.with_file_name("sqlite3").join(&file), &partial)?;
        fs::rename(partial, &to)?;
    }
    let text = fs::read(&to)?;
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find_map(|line| line.strip_prefix("#define SQLITE_VERSION "));
    let version = line.ok_or("sqlite3.c has no version")?.trim().trim_matches('"').to_owned();
    Ok(Source { file, version })
}

fn cargo(dir: &Path, words: &[&str]) -> Result<Vec<u8>> {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(program);
    for variable in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CARGO_MAKEFLAGS"] {
        cargo.env_remove(variable);
    }
    let output = cargo.current_dir(dir).args(words).output()?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("cargo {}: {}: {said}", words.join(" "), output.status).into())
}

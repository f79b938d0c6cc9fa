//! bash, which has the names of its machine compiled in: built from the distribution's own source, as the distribution builds it, but with
//! the foreign chroot's names. Knows that package's rules; does not know what becomes of the program.

use std::{fs, path::Path};

use super::{BodyError, archive::Way, process, step, task::Task};
use crate::{
    archive::{FetchFailure, SourceFetch},
    cross::{self, BUILT, TEXTS},
    store::Generation,
};

/// The package, source and binary alike.
const BASH: &str = "bash";

/// Runs in the donor. What make is told on its command line counts for all makes below it, and before what configure found
/// out: these two are only used to define HOSTTYPE and MACHTYPE, which `config.sub` spells as it did for the distribution's own build.
const COMPILE: &str = r#"set -eu
triplet=$1 built=$2 texts=$3
cd "$built"
dpkg-source --no-check -x source/*.dsc tree >/dev/null
cd tree
machine=$(sh support/config.sub "$triplet")
DEB_BUILD_OPTIONS=nocheck make -f debian/rules bash-build "Machine=${machine%%-*}" "MACHTYPE=$machine" 1>&2
program=$(find . -name bash -type f -perm -100 | head -n 1)
strip --remove-section=.comment --remove-section=.note -o ../bash "$program"
printf '%s\n%s\n' "${machine%%-*}" "$machine" >"../bash$texts"
cd ..
rm -rf tree source
[ "$(env -i ./bash -c 'echo $MACHTYPE')" = "$machine" ]
"#;

/// The source of the shell.
pub(super) struct Source {
    fetch: SourceFetch,
    /// What it takes to compile it, as apt writes it: `debhelper (>= 11)`.
    pub(super) build_depends: Vec<String>,
}

/// Fetches the source that the native chroot's own bash was built from.
pub(super) fn fetch(task: &Task<'_>, way: &Way, native: &Generation) -> Result<Source, BodyError> {
    let version = version_of(task, &native.tree)?;
    let sources = way.sources.as_deref().ok_or(BodyError::NoMirror)?;
    let fetch = SourceFetch::prepare(sources, &task.work.tmp().join("source"))?;
    let package = format!("{BASH}={version}");
    for (what, words) in [
        (step::UPDATE, &["update", "-qq", "--error-on=any"][..]),
        (step::DOWNLOAD, &["source", "-qq", "--download-only", "--only-source", &package]),
    ] {
        let mut apt_get = task.sandbox.outside("apt-get");
        fetch.configure(&mut apt_get, true);
        apt_get.args(words).current_dir(fetch.files()).env("TMPDIR", task.work.tmp());
        way.set_proxy(&mut apt_get, task.config);
        for (name, seconds) in Way::timeouts(task.config) {
            apt_get.arg("-o").arg(format!("{name}={seconds}"));
        }
        match process::relay_whole(what, apt_get) {
            Ok(_) => {}
            Err(process::Failure::Ended(said)) => {
                return Err(BodyError::Fetch(FetchFailure::read(&said)));
            }
            Err(process::Failure::Start(error)) => return Err(error),
        }
    }
    let no_source = || BodyError::NoSource { package: package.clone() };
    let files = fs::read_dir(fetch.files()).map_err(|_| no_source())?;
    let mut names = files.flatten().map(|entry| entry.path());
    let is_dsc = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "dsc");
    let dsc = names.find(is_dsc).ok_or_else(no_source)?;
    let text = fs::read_to_string(dsc).map_err(|_| no_source())?;
    Ok(Source { fetch, build_depends: build_depends(&text) })
}

impl Source {
    /// Compiles it in the donor, whose packages have to be installed.
    pub(super) fn compile(&self, task: &Task<'_>, triplet: &str) -> Result<(), BodyError> {
        let root = task.work.tree();
        let cant = |source| BodyError::Write { what: "bash's source", source };
        let built = cross::place_in(&root, Path::new(BUILT)).map_err(cant)?;
        fs::create_dir_all(&built).map_err(cant)?;
        fs::rename(self.fetch.files(), built.join("source")).map_err(cant)?;
        let mut compile = task.sandbox.inside(&root, "sh");
        compile.args(["-c", COMPILE, "sh", triplet, BUILT, TEXTS]);
        process::output(step::BUILD, compile).map(drop)
    }
}

/// Of the source: that of the package may say that it was built again.
fn version_of(task: &Task<'_>, tree: &Path) -> Result<String, BodyError> {
    let mut query = task.sandbox.inside(tree, "dpkg-query");
    query.args(["--show", "--showformat", "${source:Version}", BASH]);
    let said = process::output(step::QUERY, query)?;
    Ok(String::from_utf8_lossy(&said).trim().to_owned())
}

/// What the field of a .dsc file says, without what is only wanted for tests.
fn build_depends(dsc: &str) -> Vec<String> {
    let mut field = String::new();
    let mut is_in_it = false;
    for line in dsc.lines() {
        if let Some(value) = line.strip_prefix("Build-Depends:") {
            is_in_it = true;
            field.push_str(value);
        } else if is_in_it && line.starts_with(' ') {
            field.push_str(line);
        } else {
            is_in_it = false;
        }
    }
    let relations = field.split(',').map(str::trim).filter(|relation| !relation.is_empty());
    let wanted = relations.filter(|relation| !relation.contains("<!nocheck>"));
    wanted
        .map(|relation| relation.split('<').next().unwrap_or(relation).trim().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::build_depends;

    #[test]
    fn build_dependencies_are_read_over_several_lines_without_those_of_tests() {
        let dsc = "Format: 3.0 (quilt)\nBuild-Depends: autoconf, debhelper (>= 11),\n locales <!nocheck>, time\n\
                   Build-Depends-Indep: texlive\nFiles:\n abc\n";
        assert_eq!(build_depends(dsc), ["autoconf", "debhelper (>= 11)", "time"]);
    }
}

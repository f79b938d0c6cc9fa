//! Programs that have the names of their machine compiled in: built from the distribution's own source, as the distribution builds them,
//! but with the foreign chroot's names. Knows these packages' rules; does not know what becomes of the programs.

use std::{collections::BTreeMap, fs, path::Path};

use super::{BodyError, archive::Way, process, step, task::Task};
use crate::{
    archive::{FetchFailure, SourceFetch},
    cross::{self, BUILT, TEXTS},
    store::Generation,
};

/// How a program is built. The group, the binary package and the program have one name.
struct Recipe {
    name: &'static str,
    /// Runs in the unpacked source; `$triplet` is the foreign chroot's GNU name, `$machine` the same as config.sub spells it. Sets
    /// `program` to where the program is then, and `texts` to what it has in common with the chroot's own, a line each.
    script: &'static str,
}

const RECIPES: [Recipe; 2] = [
    // What make is told on its command line counts for all makes below it, and before what configure found out: these three are
    // only used to define HOSTTYPE, OSTYPE and MACHTYPE. printf calculates with `long double` where it is longer than `double`.
    Recipe {
        name: "bash",
        script: r#"
machine=$(sh support/config.sub "$triplet")
for cc in /usr/bin/"$triplet"-gcc-[0-9]*; do
    [ ! -e "$cc" ] || [ "$(echo __LDBL_MANT_DIG__ | "$cc" -E -P -)" != 53 ] || export ac_cv_have_decl_strtold=no
done
mkdir -p stamps
DEB_BUILD_OPTIONS=nocheck make -f debian/rules bash-build "Machine=${machine%%-*}" "OS=${machine#*-*-}" "MACHTYPE=$machine" 1>&2
program=$(find . -name bash -type f -perm -100 | head -n 1)
texts=$(printf '%s\n%s\n%s\n' "${machine%%-*}" "${machine#*-*-}" "$machine")
[ "$(env -i "$program" -c 'echo $MACHTYPE')" = "$machine" ]
"#,
    },
    // The variable MAKE_HOST, and where a prerequisite -lNAME is looked for.
    Recipe {
        name: "make",
        script: r#"
machine=$(sh build-aux/config.sub "$triplet")
dh_autoreconf 1>&2
eval "$(DEB_BUILD_MAINT_OPTIONS='hardening=+all qa=+bug reproducible=+all' dpkg-buildflags --export=sh)"
./configure --prefix=/usr --libdir="/usr/lib/$triplet" --without-guile --disable-dependency-tracking 1>&2
sed -i "s/^\(#define MAKE_HOST\) .*/\1 \"$machine\"/" src/config.h
make MAKE_MAINTAINER_MODE= 1>&2
program=./make
texts=$(printf '%s\n%s\n' "$machine" "/usr/lib/$triplet")
[ "$(printf '$(info $(MAKE_HOST))\nall:;\n' | ./make -f - | head -n 1)" = "$machine" ]
"#,
    },
];

/// Around each of them, in the donor.
const BEFORE: &str = r#"set -eu
triplet=$1 built=$2 name=$3 ending=$4
cd "$built/$name.source"
dpkg-source --no-check -x ./*.dsc tree >/dev/null
cd tree
"#;
const AFTER: &str = r#"
strip --remove-section=.comment --remove-section=.note -o "$built/$name" "$program"
printf '%s\n' "$texts" >"$built/$name$ending"
cd "$built"
rm -rf "$name.source"
"#;

/// One that is there.
struct Source {
    recipe: &'static Recipe,
    build_depends: Vec<String>,
}

/// The sources that could be had, and why the others could not.
pub(super) struct Sources {
    fetch: Option<SourceFetch>,
    there: Vec<Source>,
    /// By group, on one line.
    failed: BTreeMap<String, String>,
}

/// Fetches the sources that the native chroot's own programs of these names were built from.
pub(super) fn fetch<'n>(
    task: &Task<'_>,
    way: &Way,
    native: &Generation,
    names: impl Iterator<Item = &'n str>,
) -> Result<Sources, BodyError> {
    let mut sources = Sources { fetch: None, there: Vec::new(), failed: BTreeMap::new() };
    let mut wanted = Vec::new();
    for name in names {
        if let Some(recipe) = RECIPES.iter().find(|recipe| recipe.name == name) {
            wanted.push(recipe);
        } else {
            let reason = format!("how to build {name} is not known here");
            sources.failed.insert(name.to_owned(), reason);
        }
    }
    if wanted.is_empty() {
        return Ok(sources);
    }
    let text = way.sources.as_deref().ok_or(BodyError::NoMirror)?;
    let fetch = SourceFetch::prepare(text, &task.work.tmp().join("source"))?;
    run_apt(task, way, &fetch, step::UPDATE, &["update", "-qq", "--error-on=any"])?;
    for recipe in wanted {
        match fetch_one(task, way, native, &fetch, recipe) {
            Ok(build_depends) => {
                sources.there.push(Source { recipe, build_depends });
            }
            // Its group is left out then, which is no reason to have nothing of the others.
            Err(error @ (BodyError::Fetch(_) | BodyError::NoSource { .. })) => {
                sources.failed.insert(recipe.name.to_owned(), error.failure().reason);
            }
            Err(error) => return Err(error),
        }
    }
    sources.fetch = Some(fetch);
    Ok(sources)
}

/// Gives what it takes to compile it.
fn fetch_one(
    task: &Task<'_>,
    way: &Way,
    native: &Generation,
    fetch: &SourceFetch,
    recipe: &Recipe,
) -> Result<Vec<String>, BodyError> {
    let package = source_of(task, &native.tree, recipe.name)?;
    let dir = fetch.files(recipe.name)?;
    let words = ["source", "-qq", "--download-only", "--only-source", &package];
    run_apt_in(task, way, fetch, step::DOWNLOAD, &words, &dir)?;
    let no_source = || BodyError::NoSource { package: package.clone() };
    let mut names = fs::read_dir(&dir).map_err(|_| no_source())?.flatten().map(|e| e.path());
    let is_dsc = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "dsc");
    let dsc = names.find(is_dsc).ok_or_else(no_source)?;
    let text = fs::read_to_string(dsc).map_err(|_| no_source())?;
    Ok(build_depends(&text))
}

fn run_apt(
    task: &Task<'_>,
    way: &Way,
    fetch: &SourceFetch,
    what: &'static str,
    words: &[&str],
) -> Result<(), BodyError> {
    run_apt_in(task, way, fetch, what, words, &task.work.tmp())
}

fn run_apt_in(
    task: &Task<'_>,
    way: &Way,
    fetch: &SourceFetch,
    what: &'static str,
    words: &[&str],
    dir: &Path,
) -> Result<(), BodyError> {
    let mut apt_get = task.sandbox.outside("apt-get");
    fetch.configure(&mut apt_get, true);
    apt_get.args(words).current_dir(dir).env("TMPDIR", task.work.tmp());
    way.set_proxy(&mut apt_get, task.config);
    for (name, seconds) in Way::timeouts(task.config) {
        apt_get.arg("-o").arg(format!("{name}={seconds}"));
    }
    match process::relay_whole(what, apt_get) {
        Ok(_) => Ok(()),
        Err(process::Failure::Ended(said)) => Err(BodyError::Fetch(FetchFailure::read(&said))),
        Err(process::Failure::Start(error)) => Err(error),
    }
}

impl Sources {
    /// What it takes to compile a group's source, as apt writes it: `debhelper (>= 11)`. Nothing if that is not there.
    pub(super) fn build_depends(&self, group: &str) -> &[String] {
        let source = self.there.iter().find(|source| source.recipe.name == group);
        source.map_or(&[], |source| &source.build_depends)
    }

    /// A group's source is not to be compiled.
    pub(super) fn leave_out(&mut self, group: &str) {
        self.there.retain(|source| source.recipe.name != group);
    }

    /// Compiles them in the donor, whose packages have to be installed; gives why those of them failed that did, by group.
    pub(super) fn compile(
        self,
        task: &Task<'_>,
        triplet: &str,
    ) -> Result<BTreeMap<String, String>, BodyError> {
        let mut failed = self.failed;
        let root = task.work.tree();
        for Source { recipe, .. } in self.there {
            let Some(fetch) = &self.fetch else {
                continue;
            };
            let cant = |source| BodyError::Write { what: "the source", source };
            let built = cross::place_in(&root, Path::new(BUILT)).map_err(cant)?;
            fs::create_dir_all(&built).map_err(cant)?;
            let target = built.join(format!("{}.source", recipe.name));
            fs::rename(fetch.files(recipe.name)?, target).map_err(cant)?;
            println!("compiling {} for this chroot", recipe.name);
            let mut compile = task.sandbox.inside(&root, "sh");
            compile.arg("-c").arg([BEFORE, recipe.script, AFTER].concat());
            compile.args(["sh", triplet, BUILT, recipe.name, TEXTS]);
            if let Err(error) = process::output(step::BUILD, compile) {
                let failure = error.failure();
                if failure.class != crate::spec::FailureClass::Package {
                    return Err(error);
                }
                failure.last_lines.iter().for_each(|line| eprintln!("{line}"));
                failed.insert(recipe.name.to_owned(), failure.reason);
            }
        }
        Ok(failed)
    }
}

/// `NAME=VERSION` of the source of an installed package, whose own version may say that it was built again.
fn source_of(task: &Task<'_>, tree: &Path, package: &str) -> Result<String, BodyError> {
    let mut query = task.sandbox.inside(tree, "dpkg-query");
    query.args(["--show", "--showformat", "${source:Package}=${source:Version}", package]);
    let no_source = |_| BodyError::NoSource { package: package.to_owned() };
    let said = process::output(step::QUERY, query).map_err(no_source)?;
    Ok(String::from_utf8_lossy(&said).trim().to_owned())
}

/// What the field of a .dsc file says, without what is only wanted for tests or packages that can be left out.
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
    let wanted = relations.filter(|relation| !relation.contains("<!"));
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

//! Puts a tree of tools to use in a foreign chroot, and takes it out again.
//!
//! Each program of the chroot that is replaced keeps a name of its own, with [`SUFFIX`], and a diversion tells dpkg so: an
//! upgrade then unpacks to that name, and `dpkg --verify` looks there. Packages are asked how they call the file, for that is what
//! a diversion must say where /bin leads to usr/bin. The files are moved from outside, and dpkg-divert only writes it down: it
//! would warn of moving what is essential, and there would be moments without a shell.
//! Hard links, not symbolic ones: whoever asks where a program really is gets its usual path.
//!
//! Only for trees that nobody uses: what is interrupted in between is to be thrown away. Knows trees by path, dpkg's database
//! and dpkg-divert; does not know how to run a program in a tree.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    closure::{ClosureError, Libraries},
    guard::{Pair, Verdict, judge},
    headers::{self, HeadersError},
    list::{Start, Tier},
    manifest::{Built, Manifest, ManifestError, PRIVATE, SUFFIX},
    packages::{Installed, PackagesError},
    version::Likeness,
};

/// What is written into a chroot of the tools in it.
const FILE: &str = "placed.json";

/// One run for all files: every process counts under emulation. `$1` is what to do.
const DIVERT: &str = r#"set -eu
do=$1 suffix=$2
shift 2
for file; do
    dpkg-divert --quiet --local --no-rename "--$do" --divert "$file$suffix" "$file"
done
"#;

/// What is to be done in a chroot, or was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Placement {
    /// The tree that it was done with.
    pub(crate) hash: String,
    pub(crate) groups: Vec<Placed>,
    pub(crate) skipped: Vec<Skipped>,
}

/// A group whose programs are replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Placed {
    pub(crate) name: String,
    pub(crate) tier: Tier,
    pub(crate) verdict: Verdict,
    /// The chroot's packages that it is only good for as long as they have these versions: for whoever checks at use.
    pub(crate) pairs: Vec<Pair>,
    pub(crate) files: Vec<Replaced>,
}

/// One file that is replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replaced {
    /// As its package calls it.
    pub(crate) file: String,
    /// What stands in its place, in the tree of tools.
    pub(crate) by: String,
}

/// A group that stays as it is, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Skipped {
    pub(crate) name: String,
    pub(crate) reason: String,
}

/// Why tools can't be put in or taken out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum PlaceError {
    #[error(transparent)]
    Packages(#[from] PackagesError),
    #[error(transparent)]
    Tree(#[from] ClosureError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("can't put {path} into its place: {source}")]
    Put { path: PathBuf, source: io::Error },
    #[error("{path} is damaged: {source}")]
    Damaged { path: PathBuf, source: serde_json::Error },
    #[error("can't start dpkg-divert in the chroot: {0}")]
    Start(#[source] io::Error),
    #[error("dpkg-divert failed in the chroot: {0}")]
    Divert(String),
}

/// Says for each group of these tiers whether it can be placed in the chroot, as that is now.
pub(crate) fn plan(
    root: &Path,
    manifest: &Manifest,
    tree: &Path,
    tiers: &[Tier],
) -> Result<Placement, PlaceError> {
    let packages = Installed::read(root)?;
    let chroot = Chroot { root, libraries: Libraries::of(root) };
    let mut placement =
        Placement { hash: manifest.hash.clone(), groups: Vec::new(), skipped: Vec::new() };
    for group in manifest.groups.iter().filter(|group| tiers.contains(&group.tier)) {
        match chroot.judge_group(group, &packages, manifest, tree) {
            Ok(placed) => placement.groups.push(placed),
            Err(reason) => {
                placement.skipped.push(Skipped { name: group.name.clone(), reason });
            }
        }
    }
    for one in &manifest.left_out {
        placement.skipped.push(Skipped { name: one.name.clone(), reason: one.reason.clone() });
    }
    Ok(placement)
}

/// Copies the tree into the chroot and puts its programs into their places; `command` runs a program in the chroot as root.
pub(crate) fn place(
    root: &Path,
    tree: &Path,
    placement: &Placement,
    command: &dyn Fn(&str) -> Command,
) -> Result<(), PlaceError> {
    let chroot = Chroot { root, libraries: Libraries::of(root) };
    let private = chroot.on_disk(Path::new(PRIVATE))?;
    copy_tree(tree, &private)?;
    let all = placement.groups.iter().flat_map(|group| &group.files);
    for replaced in all.clone() {
        let own = chroot.on_disk(Path::new(&replaced.file))?;
        let aside = with_suffix(&own);
        let put = |source| PlaceError::Put { path: own.clone(), source };
        let by = private.join(&replaced.by);
        let new = own.with_file_name(format!("{}.chroot-maint-new", base(&replaced.file)));
        fs::hard_link(&own, &aside).map_err(put)?;
        fs::hard_link(&by, &new).or_else(|_| fs::copy(&by, &new).map(drop)).map_err(put)?;
        fs::rename(&new, &own).map_err(put)?;
    }
    divert("add", all, command)?;
    let path = private.join(FILE);
    let text = serde_json::to_vec_pretty(placement)
        .map_err(|source| PlaceError::Damaged { path: path.clone(), source })?;
    fs::write(&path, text).map_err(|source| PlaceError::Put { path, source })
}

/// What is placed in a chroot, if anything is.
pub(crate) fn placed(root: &Path) -> Result<Option<Placement>, PlaceError> {
    let chroot = Chroot { root, libraries: Libraries::of(root) };
    let path = chroot.on_disk(Path::new(PRIVATE))?.join(FILE);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ClosureError::Read { path, source }.into()),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|source| PlaceError::Damaged { path, source })
}

/// Gives the chroot its own programs back; nothing of the tree stays.
pub(crate) fn take_out(root: &Path, command: &dyn Fn(&str) -> Command) -> Result<(), PlaceError> {
    let Some(placement) = placed(root)? else {
        return Ok(());
    };
    let chroot = Chroot { root, libraries: Libraries::of(root) };
    let private = chroot.on_disk(Path::new(PRIVATE))?;
    let all = placement.groups.iter().flat_map(|group| &group.files);
    for replaced in all.clone() {
        let own = chroot.on_disk(Path::new(&replaced.file))?;
        let aside = with_suffix(&own);
        let put = |source| PlaceError::Put { path: own.clone(), source };
        if fs::symlink_metadata(&aside).is_ok() {
            fs::rename(&aside, &own).map_err(put)?;
        } else if is_same(&own, &private.join(&replaced.by)) {
            // Its package was removed meanwhile.
            fs::remove_file(&own).map_err(put)?;
        }
    }
    divert("remove", all, command)?;
    fs::remove_dir_all(&private).map_err(|source| PlaceError::Put { path: private, source })
}

/// A foreign chroot's tree, seen from outside.
struct Chroot<'a> {
    root: &'a Path,
    libraries: Libraries<'a>,
}

impl Chroot<'_> {
    /// Where a file of the chroot is for this process. The directory's symlinks lead nowhere but into the chroot; the file
    /// itself need not be there, and is not followed.
    fn on_disk(&self, file: &Path) -> Result<PathBuf, PlaceError> {
        let parent = file.parent().unwrap_or(Path::new("/"));
        let real = self
            .libraries
            .real(parent)
            .map_err(|source| ClosureError::Read { path: parent.to_owned(), source })?;
        Ok(self.libraries.on_disk(&real).join(file.file_name().unwrap_or_default()))
    }

    fn has(&self, file: &str) -> bool {
        self.libraries.real(Path::new(file)).is_ok()
    }

    fn judge_group(
        &self,
        group: &Built,
        packages: &Installed,
        manifest: &Manifest,
        tree: &Path,
    ) -> Result<Placed, String> {
        let (mut files, mut pairs, mut absent) = (Vec::new(), Vec::new(), Vec::new());
        for program in &group.programs {
            let mut shipped = program.file.iter().filter(|file| self.has(file));
            let Some(shipped) = shipped.find_map(|file| packages.shipped(file)) else {
                if !program.optional {
                    absent.push(program.file.join(" or "));
                }
                continue;
            };
            let pair = Pair {
                donor: program.package.clone(),
                donor_version: program.version.clone(),
                package: shipped.package.to_owned(),
                version: packages.version(shipped.package).unwrap_or_default().to_owned(),
            };
            if !pairs.contains(&pair) {
                pairs.push(pair);
            }
            let by = match group.start {
                Start::Link => format!("bin/{}", program.name),
                Start::Dispatch => "dispatch".to_owned(),
            };
            files.push(Replaced { file: shipped.file.to_owned(), by });
        }
        if let Some(first) = absent.first() {
            return Err(format!("the chroot has no {first}"));
        }
        let verdict = judge(&pairs);
        if verdict.likeness == Likeness::Refused {
            return Err(verdict.to_string());
        }
        for program in &group.programs {
            if group.start == Start::Dispatch && program.name.starts_with("cc1") {
                self.check_headers(
                    program.file.iter(),
                    &tree.join("bin").join(&program.name),
                    manifest,
                )
                .map_err(|error| format!("{} {error}", program.name))?;
            }
        }
        Ok(Placed { name: group.name.clone(), tier: group.tier, verdict, pairs, files })
    }

    /// Whether a compiler of the tree finds the headers that the chroot's own finds.
    fn check_headers<'f>(
        &self,
        mut own: impl Iterator<Item = &'f String>,
        ours: &Path,
        manifest: &Manifest,
    ) -> Result<(), HeadersError> {
        let Some(theirs) = own.find_map(|file| self.libraries.read(Path::new(file)).ok()) else {
            return Ok(());
        };
        let ours = fs::read(ours).map_err(|_| HeadersError::NotElf)?;
        let found = headers::difference(
            &headers::search_list(&ours)?,
            &headers::search_list(&theirs)?,
            &manifest.triplet,
            |dir| self.has(dir),
        );
        found.map_or(Ok(()), Err)
    }
}

fn divert<'p>(
    what: &str,
    files: impl Iterator<Item = &'p Replaced>,
    command: &dyn Fn(&str) -> Command,
) -> Result<(), PlaceError> {
    let files: Vec<&str> = files.map(|replaced| replaced.file.as_str()).collect();
    let output = command("sh")
        .args(["-c", DIVERT, "sh", what, SUFFIX])
        .args(files)
        .output()
        .map_err(PlaceError::Start)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    Err(PlaceError::Divert(said.to_owned()))
}

/// A tree is two directories of files and a few files beside them.
fn copy_tree(from: &Path, to: &Path) -> Result<(), PlaceError> {
    let put = |path: &Path| {
        let path = path.to_owned();
        move |source| PlaceError::Put { path, source }
    };
    for dir in ["", "bin", "lib"] {
        let (from, to) = (from.join(dir), to.join(dir));
        fs::create_dir_all(&to).map_err(put(&to))?;
        for entry in fs::read_dir(&from).map_err(put(&from))? {
            let file = entry.map_err(put(&from))?.path();
            if !file.is_file() {
                continue;
            }
            let copy = to.join(file.file_name().unwrap_or_default());
            fs::copy(&file, &copy)
                .and_then(|_| fs::metadata(&file)?.modified())
                .and_then(|date| {
                    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755))?;
                    fs::File::options().append(true).open(&copy)?.set_modified(date)
                })
                .map_err(put(&copy))?;
        }
    }
    Ok(())
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::symlink_metadata(one), fs::symlink_metadata(other)) {
        (Ok(one_data), Ok(other_data)) => {
            one_data.ino() == other_data.ino() && one_data.dev() == other_data.dev()
                || one_data.is_file()
                    && one_data.len() == other_data.len()
                    && fs::read(one).ok() == fs::read(other).ok()
        }
        _ => false,
    }
}

fn with_suffix(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(SUFFIX);
    PathBuf::from(name)
}

fn base(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

#[cfg(test)]
mod tests;

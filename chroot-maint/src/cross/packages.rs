//! What dpkg has written down in a tree: versions, and which package ships which file. Reads files, runs nothing.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::{Path, PathBuf},
};

use thiserror::Error;

/// The packages in a tree.
#[derive(Debug, Clone, Default)]
pub(crate) struct Installed {
    versions: BTreeMap<String, String>,
    owners: HashMap<String, String>,
}

/// A file as the package that ships it calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shipped<'a> {
    /// In the words of the package, which a diversion must use: /bin/sed, where that is what it says.
    pub(crate) file: &'a str,
    pub(crate) package: &'a str,
}

/// Why nothing is known of a tree.
#[derive(Debug, Error)]
#[error("can't read {path}: {source}")]
pub(crate) struct PackagesError {
    path: PathBuf,
    source: io::Error,
}

impl Installed {
    /// Reads dpkg's database below this root.
    pub(crate) fn read(root: &Path) -> Result<Self, PackagesError> {
        let dpkg = root.join("var/lib/dpkg");
        let status = dpkg.join("status");
        let text =
            fs::read_to_string(&status).map_err(|source| PackagesError { path: status, source })?;
        let mut installed = Self { versions: versions(&text), owners: HashMap::new() };
        let info = dpkg.join("info");
        let failed = |source| PackagesError { path: info.clone(), source };
        for entry in fs::read_dir(&info).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_none_or(|extension| extension != "list") {
                continue;
            }
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let package = name.split(':').next().unwrap_or_default().to_owned();
            if !installed.versions.contains_key(&package) {
                continue;
            }
            let list =
                fs::read(&path).map_err(|source| PackagesError { path: path.clone(), source })?;
            for file in String::from_utf8_lossy(&list).lines() {
                installed.owners.insert(file.to_owned(), package.clone());
            }
        }
        Ok(installed)
    }

    /// The version of a package that is installed.
    pub(crate) fn version(&self, package: &str) -> Option<&str> {
        self.versions.get(package).map(String::as_str)
    }

    /// The package of a file, by this name or the one on the other side of /bin -> usr/bin.
    pub(crate) fn shipped(&self, file: &str) -> Option<Shipped<'_>> {
        let twin = match file.strip_prefix("/usr") {
            Some(rest) => rest.to_owned(),
            None => format!("/usr{file}"),
        };
        let found = self.owners.get_key_value(file).or_else(|| self.owners.get_key_value(&twin));
        found.map(|(file, package)| Shipped { file, package })
    }

    /// The files of a package, in order.
    pub(crate) fn files(&self, package: &str) -> Vec<&str> {
        let of_it = self.owners.iter().filter(|(_, owner)| *owner == package);
        let mut files: Vec<&str> = of_it.map(|(file, _)| file.as_str()).collect();
        files.sort_unstable();
        files
    }
}

/// Name and version of each package whose files are there.
fn versions(status: &str) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    for paragraph in status.split("\n\n") {
        let field = |name: &str| {
            paragraph.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        let is_there = field("Status").is_some_and(|status| {
            let state = status.rsplit(' ').next().unwrap_or_default();
            !matches!(state, "not-installed" | "config-files")
        });
        if let (true, Some(name), Some(version)) = (is_there, field("Package"), field("Version")) {
            versions.insert(name.to_owned(), version.to_owned());
        }
    }
    versions
}

#[cfg(test)]
pub(crate) mod testing {
    use std::{fs, path::Path};

    /// Writes down packages as dpkg would: name, version, files.
    pub(crate) fn write_down(root: &Path, packages: &[(&str, &str, &[&str])]) {
        let dpkg = root.join("var/lib/dpkg");
        fs::create_dir_all(dpkg.join("info")).unwrap();
        let mut status = Vec::new();
        for (name, version, files) in packages {
            status.push(format!(
                "Package: {name}\nStatus: install ok installed\nVersion: {version}\n"
            ));
            fs::write(dpkg.join("info").join(format!("{name}.list")), files.join("\n")).unwrap();
        }
        fs::write(dpkg.join("status"), status.join("\n")).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use super::{Installed, Shipped, testing::write_down, versions};

    #[test]
    fn a_file_is_called_as_its_package_calls_it() {
        let root = tempfile::tempdir().unwrap();
        write_down(root.path(), &[("sed", "4.9-2", &["/bin", "/bin/sed"])]);
        let installed = Installed::read(root.path()).unwrap();
        let sed = Some(Shipped { file: "/bin/sed", package: "sed" });
        assert_eq!(installed.shipped("/usr/bin/sed"), sed);
        assert_eq!(installed.shipped("/bin/sed"), sed);
        assert_eq!(installed.shipped("/bin/awk"), None);
        assert_eq!(installed.version("sed"), Some("4.9-2"));
        assert_eq!(installed.files("sed"), ["/bin", "/bin/sed"]);
    }

    #[test]
    fn what_is_removed_has_no_version() {
        let status = "Package: a\nStatus: deinstall ok config-files\nVersion: 1\n\n\
                      Package: b\nStatus: install ok unpacked\nVersion: 2\n";
        let versions = versions(status);
        assert_eq!(versions.get("a"), None);
        assert_eq!(versions.get("b").map(String::as_str), Some("2"));
    }

    #[test]
    fn a_tree_without_dpkg_is_named() {
        let root = tempfile::tempdir().unwrap();
        let error = Installed::read(root.path()).unwrap_err().to_string();
        assert!(error.contains("var/lib/dpkg/status"), "{error}");
    }
}

//! A package as a test writes it down, and how dpkg-deb makes a file of it.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use super::{host_arch, run};

/// A package in the making.
#[derive(Clone)]
#[must_use]
pub(crate) struct Package {
    name: String,
    version: String,
    arch: String,
    fields: Vec<(String, String)>,
    contents: Vec<(String, Content)>,
    scripts: Vec<(String, String)>,
}

#[derive(Clone)]
enum Content {
    Text {
        mode: u32,
        text: String,
    },
    /// A copy of a file of the host.
    Host(PathBuf),
    Link(String),
    Dir,
}

impl Package {
    /// One without files, for all architectures.
    pub(crate) fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            arch: "all".to_owned(),
            fields: Vec::new(),
            contents: Vec::new(),
            scripts: Vec::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn arch(mut self, arch: &str) -> Self {
        arch.clone_into(&mut self.arch);
        self
    }

    /// For the host's architecture.
    pub(crate) fn native(self) -> Self {
        let arch = host_arch();
        self.arch(&arch)
    }

    /// A line of its control file, such as `Depends`.
    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A file with that text at an absolute path.
    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        self.content(path, Content::Text { mode: 0o644, text: text.to_owned() })
    }

    /// A script or program that can be run.
    pub(crate) fn program(self, path: &str, text: &str) -> Self {
        self.content(path, Content::Text { mode: 0o755, text: text.to_owned() })
    }

    /// A symbolic link.
    pub(crate) fn link(self, path: &str, target: &str) -> Self {
        self.content(path, Content::Link(target.to_owned()))
    }

    /// An empty directory.
    pub(crate) fn dir(self, path: &str) -> Self {
        self.content(path, Content::Dir)
    }

    /// A copy of a file of the host, mode included.
    pub(crate) fn host_file(self, path: &str, source: &Path) -> Self {
        self.content(path, Content::Host(source.to_owned()))
    }

    /// Programs of the host with their libraries, for trees with the toy base.
    pub(crate) fn host_programs(self, names: &[&str]) -> Self {
        super::base::with_more_programs(self.native(), names)
    }

    /// A maintainer script, such as `postinst`: what comes after the line `#!/bin/sh`.
    pub(crate) fn script(mut self, name: &str, text: &str) -> Self {
        self.scripts.push((name.to_owned(), text.to_owned()));
        self
    }

    fn content(mut self, path: &str, content: Content) -> Self {
        self.contents.push((path.trim_start_matches('/').to_owned(), content));
        self
    }

    /// Makes `NAME_VERSION_ARCH.deb` in `pool`.
    pub(super) fn build(&self, pool: &Path, scratch: &Path) -> PathBuf {
        let _ = fs::remove_dir_all(scratch);
        let debian = scratch.join("DEBIAN");
        fs::create_dir_all(&debian).unwrap();
        fs::write(debian.join("control"), self.control()).unwrap();
        for (name, text) in &self.scripts {
            write(&debian.join(name), 0o755, &format!("#!/bin/sh\n{text}\n"));
        }
        for (path, content) in &self.contents {
            let path = scratch.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match content {
                Content::Text { mode, text } => write(&path, *mode, text),
                Content::Host(source) => drop(fs::copy(source, &path).unwrap()),
                Content::Dir => fs::create_dir_all(&path).unwrap(),
                Content::Link(target) => symlink(target, &path).unwrap(),
            }
        }
        let version = self.version.split_once(':').map_or(&*self.version, |(_, version)| version);
        let deb = pool.join(format!("{}_{version}_{}.deb", self.name, self.arch));
        let mut build = Command::new("dpkg-deb");
        // With a fixed time, what is built twice is the same twice.
        build.env("SOURCE_DATE_EPOCH", "946684800");
        build.args(["-Znone", "--root-owner-group", "--build"]).arg(scratch).arg(&deb);
        run(&mut build);
        fs::remove_dir_all(scratch).unwrap();
        deb
    }

    fn control(&self) -> String {
        let Self { name, version, arch, .. } = self;
        let mut text = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: {arch}\n\
             Maintainer: Toy <toy@toy.example>\nDescription: a toy\n"
        );
        for (field, value) in &self.fields {
            writeln!(text, "{field}: {value}").unwrap();
        }
        text
    }
}

fn write(path: &Path, mode: u32, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

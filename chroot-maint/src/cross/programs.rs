//! The tree's own programs: the C sources that they are compiled from, and what they are told by macros. Writes the sources out, and
//! runs nothing.

use std::{fs, io, path::Path};

use super::{
    list::Names,
    manifest::{PRIVATE, SUFFIX},
};

macro_rules! program {
    ($dir:literal: $($file:literal)*) => {
        Program { name: $dir, files: &[$(($file, include_str!(concat!("programs/", $dir, "/", $file)))),*] }
    };
}

/// Stands in the place of a program.
pub(super) const DISPATCHER: Program = program! {
    "dispatch": "words.h" "words.c" "environment.h" "environment.c" "start.h" "start.c" "compiler.h" "driver.c" "parts.c"
    "binutils.c" "main.c"
};

/// Puts it there and takes it out.
pub(super) const SWITCH: Program = program! {
    "switch": "text.h" "text.c" "place.h" "place.c" "list.h" "list.c" "installed.h" "installed.c" "versions.h" "versions.c"
    "diversions.h" "diversions.c" "script.h" "script.c" "own.h" "own.c" "judge.h" "judge.c" "contents.h" "contents.c" "bring.h" "bring.c"
    "main.c"
};

/// What both of them know, one directory above their own.
const SHARED: (&str, &str) = ("trailer.h", include_str!("programs/trailer.h"));

/// A program of the tree.
pub(super) struct Program {
    /// Also that of the directory with its sources.
    pub(super) name: &'static str,
    files: &'static [(&'static str, &'static str)],
}

impl Program {
    /// All that it is compiled from.
    pub(super) fn texts<'a>(&self) -> impl Iterator<Item = &'a str> {
        self.files.iter().chain([&SHARED]).map(|(_, text)| *text)
    }

    /// Writes its sources into a directory of its name in this one, and what others know too beside that; gives the paths in this
    /// one that the compiler is to be told.
    pub(super) fn write(&self, dir: &Path) -> io::Result<Vec<String>> {
        let own = dir.join(self.name);
        fs::create_dir_all(&own)?;
        fs::write(dir.join(SHARED.0), SHARED.1)?;
        for (file, text) in self.files {
            fs::write(own.join(file), text)?;
        }
        let is_c = |file: &str| Path::new(file).extension().is_some_and(|end| end == "c");
        let compiled = self.files.iter().filter(|(file, _)| is_c(file));
        Ok(compiled.map(|(file, _)| format!("{}/{file}", self.name)).collect())
    }
}

/// Options that set the macros.
pub(super) fn macros(names: &Names, bits: u32) -> [String; 5] {
    let define = |name: &str, value: &str| format!("-D{name}=\"{value}\"");
    [
        define("PRIVATE", PRIVATE),
        define("TRIPLET", &names.triplet),
        define("GCC", &names.gcc),
        define("SUFFIX", SUFFIX),
        format!("-DBITS={bits}"),
    ]
}

#[cfg(test)]
pub(super) mod testing {
    use std::{fs, path::Path, process::Command};

    use super::{Names, Program, macros};

    /// Compiles a program by the host's compiler, with another private directory if one is given.
    pub(in super::super) fn compile(program: &Program, private: Option<&Path>, to: &Path) {
        let dir = to.with_extension("sources");
        let sources = program.write(&dir).unwrap();
        let [triplet, gcc, donor] =
            ["aarch64-linux-gnu", "14", "x86_64-linux-gnu"].map(str::to_owned);
        let mut words = macros(&Names { triplet, gcc, donor }, 64);
        if let Some(private) = private {
            words[0] = format!("-DPRIVATE=\"{}\"", private.display());
        }
        let compiler = Command::new("cc")
            .args(["-Wall", "-Wextra", "-Wmissing-prototypes", "-Werror", "-O1", "-o"])
            .arg(to)
            .args(words)
            .args(sources.iter().map(|source| dir.join(source)))
            .output()
            .unwrap();
        assert!(compiler.status.success(), "{}", String::from_utf8_lossy(&compiler.stderr));
        fs::remove_dir_all(dir).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{DISPATCHER, SWITCH};

    #[test]
    fn every_source_is_compiled_into_this_program() {
        for program in [&DISPATCHER, &SWITCH] {
            let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cross/programs");
            let entries = fs::read_dir(dir.join(program.name)).unwrap();
            let mut there: Vec<_> =
                entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            let mut known: Vec<_> =
                program.files.iter().map(|(file, _)| (*file).to_owned()).collect();
            there.sort();
            known.sort();
            assert_eq!(known, there, "{}", program.name);
        }
    }
}

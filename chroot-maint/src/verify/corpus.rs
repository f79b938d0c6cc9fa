//! What is built: sources, and the scripts that build them, compiled into this program. Runs nothing, and names no
//! architecture.

use std::fmt::Write as _;

/// Everywhere the same: it gets into what is built.
const DIR: &str = "/build/corpus";

/// No line of any file.
const END: &str = "END OF A FILE OF THE CORPUS";

macro_rules! files {
    ($($name:literal)*) => { [$(($name, include_str!(concat!("corpus/", $name)))),*] };
}

/// By name; a name is also that of the file in the session.
const FILES: [(&str, &str); 28] = files! {
    "Makefile" "assembly.c" "broken.c" "broken.s" "checked.c" "compile.sh" "cycle.c" "data.s" "draw.cpp" "features.bash" "features.sh" "main.c"
    "numbers.patch" "packing.sh" "part.m4" "probe.sh" "run.sh" "scripts.sh" "shapes.cpp" "shapes.hpp" "table.c" "table.h" "texts.sh"
    "twice.c" "unlinked.c" "warned.c" "wrong.c" "wrong.cpp"
};

/// For sh: puts the files into their directory, and builds there. Where `close` is said to the last script, it removes from
/// what it made the name of the compiler's revision.
pub(super) fn script(is_close: bool) -> String {
    let mut script = format!("set -e\numask 022\nmkdir -p {DIR}\ncd {DIR}\n");
    for (name, text) in FILES {
        // Writing to a String can't fail.
        let _ = write!(script, "cat >{name} <<'{END}'\n{text}{END}\n");
    }
    // The time of a file is seen by make, and by archives that say nothing else.
    script.push_str("touch -d @86400 *\n");
    let how = if is_close { "close" } else { "exact" };
    let _ = writeln!(script, "exec sh ./run.sh {how}");
    script
}

#[cfg(test)]
mod tests {
    use super::{END, FILES, script};

    #[test]
    fn every_file_ends_with_its_line_and_holds_no_end() {
        for (name, text) in FILES {
            assert!(text.ends_with('\n') && !text.contains(END), "{name}");
        }
    }

    #[test]
    fn the_script_fits_into_one_argument() {
        // MAX_ARG_STRLEN of Linux: 32 pages, of 4096 bytes at least.
        assert!(script(true).len() < 32 * 4096);
    }

    #[test]
    fn a_compiler_that_is_only_close_is_told_to_the_script() {
        assert!(script(true).ends_with("run.sh close\n"));
        assert!(script(false).ends_with("run.sh exact\n"));
    }
}

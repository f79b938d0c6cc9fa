//! Tools of the host in foreign chroots: which, in what form, where they stand, and when they are trusted.
//!
//! ```text
//! list        the data: tiers, groups, what may never be replaced        elf, closure    what a program needs
//! packages    what dpkg has written down in a tree                       manifest        what is in a tree
//! headers     the directories of headers compiled into cc1               perl            what scripts are run with
//! selection   what of a donor a group takes                              programs        the sources of the tree's own programs
//! tree        builds a tree of tools                                     placement       looks into the chroot's own programs
//!
//! in the chroot: programs/dispatch  stands in the place of a program     programs/switch  puts it there and takes it out
//! ```
//! Each knows only those before it; none knows of jobs, of stores or of sandboxes. Only what runs in the chroot decides what stands
//! where, so that it holds at any moment: dpkg calls it after each run.
//!
//! # How a compiler of the host becomes the chroot's own
//! Debian's cross compiler is the native one of its target, built from the same source, but for five things:
//! - The driver has other directories compiled in (`gcc-cross`), in machine code as well as in texts: it can't be patched. It obeys
//!   `GCC_EXEC_PREFIX` and `COMPILER_PATH`, which the dispatcher sets; objects of the C runtime and libgcc are then the chroot's own.
//! - `cc1` and `cc1plus` have another table of header directories: [`headers`] gives them the native one.
//! - It can't offload, and so leaves notes out (`-foffload-options=-l_GCC_m` with `-lm`, in debugging information), knows no
//!   `-march=native`, and says other things of itself. The dispatcher leaves such calls to the chroot's own driver, which calls the
//!   host's `cc1`, `as` and `ld` again: that costs a tenth of a second, not the compilation.
//! - The linker heeds neither `LD_RUN_PATH` nor `LD_LIBRARY_PATH`: with these, the chroot's own links.
//! - The linker's plugin must be of the linker's architecture. The chroot's stays in its place, for other linkers load it; the host's
//!   linker is handed the host's.
//!
//! Plugins and other character sets are libraries of the chroot's architecture: whoever asks for them gets the emulated compiler.
//! `CHROOT_MAINT_EMULATE=1` has every program emulated.
//!
//! # How the host's perl runs a script of the chroot
//! perl itself stays the chroot's. What stands in the place of a known script is the same script but for its first line, which names
//! the dispatcher. That starts the host's perl, which looks for modules in the order of the chroot's perl, but has core modules that were
//! compiled for itself; Config.pm is the chroot's, so the script finds the machine that it is on. If it asks for a module from where
//! the chroot keeps compiled ones, or PERL5LIB, PERLLIB or PERL5OPT is set, the chroot's own perl runs it.
//!
//! What is known to differ, README.md says.

mod closure;
mod elf;
mod headers;
mod list;
mod manifest;
mod packages;
mod perl;
mod placement;
mod programs;
mod selection;
#[cfg(test)]
mod switch_tests;
mod tree;

pub(crate) use closure::place_in;
pub(crate) use list::{Group, ListError, Names, ToolList};
pub(crate) use manifest::{HOOK, Manifest, ManifestError, PRIVATE};
pub(crate) use placement::{read as read_placement, refusals};
pub(crate) use selection::{BUILT, TEXTS};
pub(crate) use tree::{Donor, TreeError, build, fingerprint};

//! Tools of the host in foreign chroots.
mod closure;
mod elf;
mod guard;
mod headers;
mod list;
mod manifest;
mod packages;
mod placement;
mod tree;
mod version;

//! What it takes to run programs of another architecture: a program to try it with, the emulators, what the
//! host has registered in `binfmt_misc`, and what to tell who lacks something.
//!
//! Starts nothing: [`crate::sandbox`] tries things out.

mod advice;
mod binfmt;
mod crash;
mod emulator;
mod program;

pub(crate) use advice::{Foreign, Tried, emulator_package};
pub(crate) use binfmt::{Finding, Registry, registration};
pub(crate) use crash::is_emulator_crash;
pub(crate) use emulator::{Emulator, Searched, processor};
pub(crate) use program::{EXIT_STATUS, exit_program};

use crate::spec::Arch;

/// Whether programs of `arch` expect to be told of a 32-bit machine: `uname -m` decides what some of them build.
pub(crate) fn is_32_bit(arch: Arch) -> bool {
    arch.elf().is_some_and(|elf| !elf.is_64_bit()) && arch.to_string() != "x32"
}

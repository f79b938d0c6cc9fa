//! Finds out by running a program how an architecture can be run here.

use std::process::Command;

use super::{Sandbox, SandboxError, plan::View};
use crate::{
    foreign::{
        self, EXIT_STATUS, Emulator, Finding, Foreign, Registry, Searched, Tried, emulator_package,
        exit_program, registration,
    },
    spec::{Arch, Elf},
};

/// How programs of an architecture run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runs {
    /// By the processor.
    Natively,
    /// By an emulator that the host has registered.
    ByTheHost,
    /// By an emulator that is registered in the sandbox's own user namespace.
    Privately,
}

impl Sandbox {
    /// Natively or by the host if that works, else by an emulator of the sandbox's own.
    pub(super) fn try_out(arch: Arch, host: Arch) -> Result<Self, SandboxError> {
        let Some(program) = exit_program(arch) else {
            return Err(refuse(arch, host, Finding::NoEntry, Searched::Unknown, String::new()));
        };
        let registry = Registry::read().find(&program);
        let here = Self { arch: Some(arch), ..Self::open()? };
        if here.succeeds(&program).is_ok() {
            // Where what is registered can't be looked up, one thing is sure: no processor has two 64-bit instruction sets.
            let is_hidden =
                matches!(registry, Finding::NotMounted) && arch.elf().is_some_and(Elf::is_64_bit);
            let is_registered = is_hidden
                || matches!(registry, Finding::Registered { .. } | Finding::Vanished { .. });
            let runs = if is_registered { Runs::ByTheHost } else { Runs::Natively };
            return Ok(Self { runs, ..here });
        }
        let emulator = Emulator::search(arch);
        let mut said = String::new();
        if matches!(emulator, Searched::Found(_)) {
            let private = Self { runs: Runs::Privately, ..here };
            match private.succeeds(&program) {
                Ok(()) => return Ok(private.naming_processor(&program)),
                Err(why) => said = explain(&why),
            }
        }
        Err(refuse(arch, host, registry, emulator, said))
    }

    /// The same with an emulator that is told what processor to play, if there is something to tell and it understands that. Only for
    /// an emulator of the sandbox's own: all others that the host may have registered would read the same, and refuse it.
    fn naming_processor(self, program: &[u8]) -> Self {
        let naming = Self { names_processor: true, ..self };
        if naming.processor().is_some() && naming.succeeds(program).is_ok() { naming } else { self }
    }

    /// Runs a program that has to end with a certain status, where there is nothing else.
    fn succeeds(self, program: &[u8]) -> Result<(), String> {
        let mut command: Command =
            self.command(View::Program(program.to_owned()), true, "/".as_ref());
        let output = command.output().map_err(|error| error.to_string())?;
        if output.status.code() == Some(EXIT_STATUS) {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(said.lines().last().map_or_else(|| output.status.to_string(), str::to_owned))
    }

    /// The line that the sandbox's own `binfmt_misc` is given, if it has one.
    pub(super) fn registration(self) -> Option<String> {
        let arch = self.arch.filter(|_| self.runs == Runs::Privately)?;
        registration(arch, &Emulator::search(arch).found()?)
    }

    /// What the emulator is told of the processor to play, as a variable of the environment.
    pub(super) fn processor(self) -> Option<(&'static str, &'static str)> {
        self.arch.filter(|_| self.names_processor).and_then(foreign::processor)
    }

    /// Whether it is to say that it is a 32-bit machine.
    pub(super) fn is_32_bit(self) -> bool {
        // An emulator says itself what machine it is.
        self.runs == Runs::Natively && self.arch.is_some_and(foreign::is_32_bit)
    }
}

fn refuse(
    arch: Arch,
    host: Arch,
    registry: Finding,
    emulator: Searched,
    private: String,
) -> SandboxError {
    let tried = Tried { registry, emulator, private, package: emulator_package() };
    SandboxError::Foreign(Box::new(Foreign { arch, host, tried }))
}

/// A kernel before 6.7 lets no user namespace mount it.
fn explain(said: &str) -> String {
    let said = said.trim_start_matches("chroot-maint: sandbox: ");
    if said.starts_with("can't mount binfmt_misc: EPERM") {
        let release = nix::sys::utsname::uname()
            .map(|names| names.release().to_string_lossy().into_owned())
            .unwrap_or_default();
        return format!(
            "kernel {release} lets no user namespace have a binfmt_misc of its own (6.7 and later do)"
        );
    }
    if said.starts_with("can't make namespaces: ENOSPC") {
        return "user namespaces are switched off (sysctl -w user.max_user_namespaces=15000 permits them)".to_owned();
    }
    format!("an emulator in a user namespace failed ({said})")
}

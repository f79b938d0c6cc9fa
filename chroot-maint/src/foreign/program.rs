//! The smallest program of each architecture: it ends with a known status. No package has to bring it.
//!
//! Whether a kernel runs it says whether it would run others of the same architecture. Does not run it.

use crate::spec::Arch;

/// What the program ends with: a shell or an emulator that fails ends with something else.
pub(crate) const EXIT_STATUS: i32 = 42;

/// `e_flags` and the instructions of exit(42).
struct Code {
    arch: &'static str,
    flags: u32,
    text: &'static [u8],
}

const fn code(arch: &'static str, flags: u32, text: &'static [u8]) -> Code {
    Code { arch, flags, text }
}

/// Assembled from what the comments say. The one of armhf uses a floating-point register, which a machine that can
/// run armel only does not have.
#[rustfmt::skip]
const CODES: &[Code] = &[
    // mov $42,%edi; mov $60,%eax; syscall
    code("amd64", 0, &[0xbf, 42, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05]),
    // mov x0,#42; mov x8,#93; svc #0
    code("arm64", 0, &[0x40, 0x05, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 0x01, 0, 0, 0xd4]),
    // mov r0,#42; mov r7,#1; svc #0 (EABI 5, soft float)
    code("armel", 0x0500_0200, &[0x2a, 0, 0xa0, 0xe3, 0x01, 0x70, 0xa0, 0xe3, 0, 0, 0, 0xef]),
    // vmov.f32 s0,#1.0; mov r0,#42; mov r7,#1; svc #0 (EABI 5, hard float)
    code("armhf", 0x0500_0400,
        &[0, 0x0a, 0xb7, 0xee, 0x2a, 0, 0xa0, 0xe3, 0x01, 0x70, 0xa0, 0xe3, 0, 0, 0, 0xef]),
    // mov $42,%ebx; mov $1,%eax; int $0x80
    code("i386", 0, &[0xbb, 42, 0, 0, 0, 0xb8, 1, 0, 0, 0, 0xcd, 0x80]),
    // ori $a0,$zero,42; ori $a7,$zero,93; syscall 0 (LP64 double float, objects version 1)
    code("loong64", 0x43, &[0x04, 0xa8, 0x80, 0x03, 0x0b, 0x74, 0x81, 0x03, 0, 0, 0x2b, 0]),
    // addiu $2,$0,5058; addiu $4,$0,42; syscall (MIPS64 release 2)
    code("mips64el", 0x8000_0000, &[0xc2, 0x13, 0x02, 0x24, 0x2a, 0, 0x04, 0x24, 0x0c, 0, 0, 0]),
    // addiu $2,$0,4001; addiu $4,$0,42; syscall (MIPS32 release 2, O32)
    code("mipsel", 0x7000_1000, &[0xa1, 0x0f, 0x02, 0x24, 0x2a, 0, 0x04, 0x24, 0x0c, 0, 0, 0]),
    // li 0,1; li 3,42; sc (ELFv2)
    code("ppc64el", 2, &[0x01, 0, 0, 0x38, 0x2a, 0, 0x60, 0x38, 0x02, 0, 0, 0x44]),
    // li a0,42; li a7,93; ecall
    code("riscv64", 0, &[0x13, 0x05, 0xa0, 0x02, 0x93, 0x08, 0xd0, 0x05, 0x73, 0, 0, 0]),
    // lghi %r2,42; svc 1
    code("s390x", 0, &[0xa7, 0x29, 0, 0x2a, 0x0a, 0x01]),
    // lda $0,1($31); lda $16,42($31); call_pal callsys
    code("alpha", 0, &[0x01, 0, 0x1f, 0x20, 0x2a, 0, 0x1f, 0x22, 0x83, 0, 0, 0]),
    // ldi 42,%r26; ble 0x100(%sr2,%r0); ldi 1,%r20
    code("hppa", 0x20f, &[0x34, 0x1a, 0, 0x54, 0xe4, 0, 0x82, 0, 0x34, 0x14, 0, 0x02]),
    // moveq #42,%d1; moveq #1,%d0; trap #0
    code("m68k", 0, &[0x72, 42, 0x70, 1, 0x4e, 0x40]),
    // li 0,1; li 3,42; sc
    code("powerpc", 0, &[0x38, 0, 0, 0x01, 0x38, 0x60, 0, 0x2a, 0x44, 0, 0, 0x02]),
    // li 0,1; li 3,42; sc (said to be ELFv2, in which the entry is code and no descriptor)
    code("ppc64", 2, &[0x38, 0, 0, 0x01, 0x38, 0x60, 0, 0x2a, 0x44, 0, 0, 0x02]),
    // mov #42,r4; mov #1,r3; trapa #0x13
    code("sh4", 9, &[42, 0xe4, 1, 0xe3, 0x13, 0xc3]),
    // mov 1,%g1; mov 42,%o0; ta 0x6d
    code("sparc64", 0, &[0x82, 0x10, 0x20, 0x01, 0x90, 0x10, 0x20, 0x2a, 0x91, 0xd0, 0x20, 0x6d]),
    // mov $42,%edi; mov $0x4000003c,%eax; syscall
    code("x32", 0, &[0xbf, 42, 0, 0, 0, 0xb8, 60, 0, 0, 0x40, 0x0f, 0x05]),
];

/// Where it is loaded: in reach of every architecture, above what may not be mapped, and a multiple of their
/// largest page.
const ADDRESS: u64 = 0x40_0000;
const PAGE: u64 = 0x1_0000;

/// The program as the bytes of an ELF executable; `None` for architectures that nobody has written it for.
pub(crate) fn exit_program(arch: Arch) -> Option<Vec<u8>> {
    let name = arch.to_string();
    let code = CODES.iter().find(|code| code.arch == name)?;
    let elf = arch.elf()?;
    let mut file =
        Writer { bytes: Vec::new(), wide: elf.is_64_bit(), little: elf.is_little_endian() };
    let (header, segment) = if file.wide { (64_u16, 56_u16) } else { (52, 32) };
    let size = u64::from(header + segment) + code.text.len() as u64;

    file.bytes.extend(b"\x7fELF");
    file.bytes.extend([if file.wide { 2 } else { 1 }, if file.little { 1 } else { 2 }, 1]);
    file.bytes.extend([0; 9]);
    file.half(2); // an executable
    file.half(elf.machine());
    file.word(1); // the only version there is
    file.address(ADDRESS + u64::from(header + segment)); // the first instruction
    file.address(u64::from(header)); // the program headers
    file.address(0); // no section headers
    file.word(code.flags);
    for half in [header, segment, 1, 0, 0, 0] {
        file.half(half);
    }

    // One segment holds the whole file, to be read and executed; the flags' place depends on the class.
    file.word(1);
    if file.wide {
        file.word(5);
    }
    for value in [0, ADDRESS, ADDRESS, size, size] {
        file.address(value);
    }
    if !file.wide {
        file.word(5);
    }
    file.address(PAGE);
    file.bytes.extend(code.text);
    Some(file.bytes)
}

/// Numbers in the program's own size and byte order.
struct Writer {
    bytes: Vec<u8>,
    wide: bool,
    little: bool,
}

impl Writer {
    fn half(&mut self, value: u16) {
        self.bytes.extend(if self.little { value.to_le_bytes() } else { value.to_be_bytes() });
    }

    fn word(&mut self, value: u32) {
        self.bytes.extend(if self.little { value.to_le_bytes() } else { value.to_be_bytes() });
    }

    fn address(&mut self, value: u64) {
        if self.wide {
            let bytes = if self.little { value.to_le_bytes() } else { value.to_be_bytes() };
            self.bytes.extend(bytes);
        } else {
            // Every address here is far below 4 GiB.
            self.word(u32::try_from(value).unwrap_or(u32::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, process::Command};

    use super::{CODES, EXIT_STATUS, exit_program};
    use crate::{
        foreign::Emulator,
        host::Host,
        spec::{Arch, Elf},
    };

    /// The exit status of a program that a command is given as its last word.
    fn status_of(program: &[u8], runner: Option<&Path>) -> Option<i32> {
        let dir = tempfile::tempdir().unwrap();
        let (bytes, file) = (dir.path().join("bytes"), dir.path().join("exit"));
        fs::write(&bytes, program).unwrap();
        // Written by another process: other tests fork meanwhile, and what they start would have it open to write
        // to for a while, if this process had. Then it could not be run.
        let copied = Command::new("install").args(["-m", "755"]).args([&bytes, &file]).status();
        assert!(copied.unwrap().success());
        // By a shell, which ends with a status of its own if it can't be run.
        let mut command = Command::new("sh");
        command.args(["-c", "\"$@\"", "sh"]);
        command.args(runner).arg(&file).output().unwrap().status.code()
    }

    #[test]
    fn every_program_has_the_header_of_its_architecture() {
        for code in CODES {
            let arch = Arch::find(code.arch).unwrap();
            assert_eq!(Elf::read(&exit_program(arch).unwrap()), arch.elf(), "{arch}");
        }
        for name in
            ["amd64", "i386", "arm64", "armhf", "armel", "riscv64", "ppc64el", "s390x", "mips64el"]
        {
            assert!(CODES.iter().any(|code| code.arch == name), "{name}");
        }
    }

    #[test]
    fn the_kernel_runs_the_program_of_its_own_architecture() {
        let arch = Host::detect().unwrap().arch;
        assert_eq!(status_of(&exit_program(arch).unwrap(), None), Some(EXIT_STATUS));
    }

    /// All that can be tried where no emulator is installed is the host's own; where one is, all of them are.
    #[test]
    fn every_emulator_that_is_there_runs_the_program_of_its_architecture() {
        for code in CODES {
            let arch = Arch::find(code.arch).unwrap();
            let Some(emulator) = Emulator::search(arch).found() else {
                continue;
            };
            // By a name that does not make it expect one more argument.
            let qemu = emulator.path().canonicalize().unwrap();
            let status = status_of(&exit_program(arch).unwrap(), Some(&qemu));
            assert_eq!(status, Some(EXIT_STATUS), "{arch} by {}", qemu.display());
        }
    }
}

//! The tools that a package is built with: for which machine, for which glibc, and by which linker.

use super::platforms::OLDEST;
use crate::artefact::{Glibc, Machine};
use crate::failure::Failure;
use crate::project::cargo::Builder;
use clap::ValueEnum;

/// The program that makes zig cargo's linker.
const ZIGBUILD: &str = "cargo-zigbuild";

/// A processor that functions are packaged for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arch {
    /// 64-bit x86
    #[value(name = "x86_64", alias = "amd64")]
    X86_64,
    /// 64-bit Arm
    #[value(name = "arm64", alias = "aarch64")]
    Arm64,
}

impl Arch {
    /// Returns the processor of this machine, or the more common one.
    pub(crate) fn host() -> Arch {
        if std::env::consts::ARCH == "aarch64" { Arch::Arm64 } else { Arch::X86_64 }
    }

    /// Returns the processor as compiled files name it.
    pub(crate) fn machine(self) -> Machine {
        match self {
            Arch::X86_64 => Machine::X86_64,
            Arch::Arm64 => Machine::Arm64,
        }
    }

    /// Returns the processor of a compiled file; `None` if functions are not packaged for it.
    pub(crate) fn of(machine: &Machine) -> Option<Arch> {
        [Arch::X86_64, Arch::Arm64].into_iter().find(|arch| arch.machine() == *machine)
    }

    /// Returns the first part of its target triple.
    pub(crate) fn triple(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64",
            Arch::Arm64 => "aarch64",
        }
    }
}

/// The linker that a package is linked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Linker {
    /// zig if cargo-zigbuild is installed, else cargo's own
    Auto,
    /// zig, by cargo-zigbuild: any processor, and a glibc as old as you like
    Zig,
    /// The linker that cargo is set up with
    Cargo,
}

/// The command that compiles and links, and its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Toolchain {
    /// The processor that it compiles for.
    pub(crate) arch: Arch,
    /// The target triple, with the glibc where zig links; `None` for cargo's own default.
    pub(crate) target: Option<String>,
    /// The cargo command that compiles.
    pub(crate) builder: Builder,
}

impl Toolchain {
    /// Returns the toolchain for a processor and, where zig links, a glibc.
    ///
    /// # Errors
    /// Zig is asked for and is not installed.
    pub(crate) fn choose(arch: Arch, linker: Linker, glibc: Option<Glibc>) -> Result<Toolchain, Failure> {
        let is_there = on_path(ZIGBUILD);
        if linker == Linker::Zig && !is_there {
            let why = format!("{ZIGBUILD} is not in PATH: `pip install ziglang cargo-zigbuild` brings it and zig");
            return Err(Failure::new("toolchain", why));
        }
        let triple = format!("{}-unknown-linux-gnu", arch.triple());
        if is_there && linker != Linker::Cargo {
            // One build for the oldest glibc runs on every platform.
            let target = format!("{triple}.{}", glibc.unwrap_or(OLDEST));
            return Ok(Toolchain { arch, target: Some(target), builder: Builder::Zigbuild });
        }
        let target = (arch != Arch::host()).then_some(triple);
        Ok(Toolchain { arch, target, builder: Builder::Cargo })
    }

    /// Returns a description of it, in words.
    pub(crate) fn words(&self) -> String {
        let linker = if self.builder == Builder::Zigbuild { "zig" } else { "cargo's own linker" };
        match &self.target {
            Some(target) => format!("{target}, {linker}"),
            None => format!("this machine, {linker}"),
        }
    }
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_own_linker_builds_for_this_machine_without_a_word() {
        let here = Toolchain::choose(Arch::host(), Linker::Cargo, None).expect("cargo is there");
        assert_eq!(here, Toolchain { arch: Arch::host(), target: None, builder: Builder::Cargo });
        let other = if Arch::host() == Arch::X86_64 { Arch::Arm64 } else { Arch::X86_64 };
        let there = Toolchain::choose(other, Linker::Cargo, Some(OLDEST)).expect("cargo is there");
        assert_eq!(there.target, Some(format!("{}-unknown-linux-gnu", other.triple())));
    }
}

//! The tools that a package is built with: for which machine, for which glibc, and by which linker.

use super::platforms::OLDEST;
use crate::artefact::{Glibc, Machine};
use crate::failure::Failure;
use crate::project::cargo::{Builder, needs};
use clap::ValueEnum;
use std::path::{Path, PathBuf};

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

    /// Checks that something links for the target. Left alone rustc calls `cc`, which links for this machine; that comes
    /// out as pages of its words, after all dependencies are built. So whoever names no linker is told before.
    ///
    /// # Errors
    /// The target is of another processor, zig is not there, and no linker is named: not in the environment, and not in
    /// cargo's configuration for that folder.
    pub(crate) fn wants_linker(&self, folder: &Path) -> Result<(), Failure> {
        let Some(target) = self.target.as_deref().filter(|_| self.builder == Builder::Cargo) else { return Ok(()) };
        if target.starts_with(std::env::consts::ARCH) || names_linker(target, folder) {
            return Ok(());
        }
        let variable = linker_variable(target);
        let needs = needs(target);
        let why =
            format!("the linker of this machine makes nothing for {target}{needs}; or name a linker by {variable}");
        Err(Failure::new("toolchain", why))
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

/// Returns the variable by which cargo is told the linker of a target.
fn linker_variable(target: &str) -> String {
    format!("CARGO_TARGET_{}_LINKER", target.replace('-', "_").to_ascii_uppercase())
}

/// Returns `true` if the environment or a file of cargo's configuration names a linker, be it among the flags of the
/// compiler. Which target it is for is cargo's to say.
fn names_linker(target: &str, folder: &Path) -> bool {
    if std::env::var_os(linker_variable(target)).is_some() {
        return true;
    }
    let mut flags = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().ends_with("RUSTFLAGS"));
    if flags.any(|(_, flags)| flags.to_string_lossy().contains("linker")) {
        return true;
    }
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let folders = folder.ancestors().map(|above| above.join(".cargo")).chain(home);
    let mut files = folders.flat_map(|folder| [folder.join("config.toml"), folder.join("config")]);
    files.any(|file| std::fs::read_to_string(file).is_ok_and(|text| text.contains("linker")))
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

    #[test]
    fn another_processor_wants_a_linker_that_somebody_names() {
        let folder = tempfile::tempdir().expect("there is room");
        let inner = folder.path().join("project");
        std::fs::create_dir_all(folder.path().join(".cargo")).expect("there is room");
        std::fs::create_dir_all(&inner).expect("there is room");
        let of = |arch| Toolchain::choose(arch, Linker::Cargo, None).expect("cargo is there").wants_linker(&inner);
        let other = if Arch::host() == Arch::X86_64 { Arch::Arm64 } else { Arch::X86_64 };
        assert_eq!(of(Arch::host()), Ok(()));
        // Who runs the tests may have one set up.
        if let Err(failure) = of(other) {
            let said = failure.to_string();
            assert!(said.starts_with("toolchain: the linker of this machine makes nothing for "), "{said}");
            assert!(said.contains("`pip install ziglang cargo-zigbuild`; or name a linker by CARGO_TARGET_"), "{said}");
        }
        let text = format!("[target.{}-unknown-linux-gnu]\nlinker = \"other-cc\"\n", other.triple());
        std::fs::write(folder.path().join(".cargo/config.toml"), text).expect("there is room");
        assert_eq!(of(other), Ok(()));
    }
}

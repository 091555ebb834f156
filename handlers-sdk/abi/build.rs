//! Links the unwinder into every program and module that links this crate.
//!
//! Rust's std takes the unwinder from the shared library `libgcc_s`, and loading that one library is a tenth of a cold
//! start. The same code is there as an archive wherever gcc is. So this script makes a folder with a linker script
//! under the shared library's name, which stands for the archives, and has the linker look into that folder first.
//!
//! Where anything is missing, and on every other kind of target, the script does nothing and `libgcc_s` is loaded as
//! ever.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The source that stands in for `_dl_find_object` of glibc 2.35.
const FIND_OBJECT: &str = "unwinder/find_object.c";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={FIND_OBJECT}");
    if is_for_this_target()
        && let Some(folder) = link_folder()
    {
        println!("cargo::rustc-link-search=native={}", folder.display());
    }
}

/// Returns `true` on Linux with glibc, on the two architectures whose layouts `find_object.c` knows. A static program
/// has the archive anyway, and a sanitizer has to see calls to the shared library.
fn is_for_this_target() -> bool {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let is_static = env::var("CARGO_CFG_TARGET_FEATURE").is_ok_and(|all| all.split(',').any(|one| one == "crt-static"));
    is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && is("CARGO_CFG_TARGET_POINTER_WIDTH", "64")
        && (is("CARGO_CFG_TARGET_ARCH", "x86_64") || is("CARGO_CFG_TARGET_ARCH", "aarch64"))
        && env::var_os("CARGO_CFG_SANITIZE").is_none()
        && !is_static
}

/// Makes the folder. Returns `None` if the compiler that links is no gcc's, is for another architecture, or lacks the
/// archives.
fn link_folder() -> Option<PathBuf> {
    let linker = Linker(env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into()));
    let machine = linker.answers(&["-dumpmachine"])?;
    if machine.split('-').next() != env::var("CARGO_CFG_TARGET_ARCH").ok().as_deref() {
        return None;
    }
    let (unwinder, helpers) = (linker.archive("libgcc_eh.a")?, linker.archive("libgcc.a")?);
    let folder = PathBuf::from(env::var_os("OUT_DIR")?).join("unwinder");
    fs::create_dir_all(&folder).ok()?;
    let object = folder.join("find_object.o");
    linker.answers(&["-std=gnu11", "-O2", "-fPIC", "-c", FIND_OBJECT, "-o", object.to_str()?])?;
    let script = format!("GROUP(\"{}\" \"{unwinder}\" \"{helpers}\")\n", object.display());
    fs::write(folder.join("libgcc_s.so"), script).ok()?;
    Some(folder)
}

/// The compiler driver that cargo has rustc link with.
struct Linker(OsString);

impl Linker {
    /// Runs it with these arguments, and returns its output. Returns `None` if it cannot be run or fails.
    fn answers(&self, arguments: &[&str]) -> Option<String> {
        let output = Command::new(&self.0).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Returns the absolute path of an archive that the compiler has, by the archive's name. It is `None` if the
    /// compiler prints the name back, as it does with one that it does not know.
    fn archive(&self, name: &str) -> Option<String> {
        let path = self.answers(&[&format!("-print-file-name={name}")])?;
        (Path::new(&path).is_absolute() && Path::new(&path).is_file()).then_some(path)
    }
}

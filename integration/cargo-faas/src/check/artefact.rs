//! The check of one compiled file. It tells whether the file is for the machine and the system that it is to run on,
//! and whether the runtime loads it.

use super::finding::Findings;
use crate::artefact::{Artefact, Glibc, Kind, Machine};
use crate::package::platforms::COMMON_LIBRARIES;

/// The major version of the contract that the runtime speaks.
const CONTRACT: u32 = faas_abi::MAJOR;

/// The minor version of the contract.
const MINOR: u32 = faas_abi::MINOR;

/// The number of symbols that are named before the rest is counted.
const MOST_SYMBOLS: usize = 4;

/// The machine and system that a file is to run on.
pub(crate) struct Target<'t> {
    /// The processor; `None` for any.
    pub(crate) arch: Option<Machine>,
    /// The newest glibc that it may want, and the name of the system that has it; `None` if it is not known.
    pub(crate) glibc: Option<(Glibc, &'t str)>,
    /// Returns `true` if the loader finds a library of this name, asked for by the file of that path with these search
    /// paths.
    pub(crate) finds: &'t dyn Fn(&str, &str, &[String]) -> bool,
}

/// The role of a file in a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A library of functions or layers.
    Module,
    /// A runtime, or a program with one in it.
    Program,
    /// A library that another file needs.
    Support,
}

/// Checks a file for its role and target.
pub(crate) fn check(file: &str, artefact: &Artefact, role: Role, target: &Target<'_>, found: &mut Findings) {
    if let Some(arch) = target.arch.as_ref().filter(|arch| **arch != artefact.arch) {
        let message = format!("expected a file for {arch}, found one for {}", artefact.arch);
        found.error("wrong-arch", file, message).help(format!("build it for {arch}: cargo faas package --arch {arch}"));
    } else if let Machine::Other(name) = &artefact.arch {
        found.error("wrong-arch", file, format!("expected a file for x86_64 or arm64, found one for {name}"));
    }
    let kind = if role == Role::Program { Kind::Program } else { Kind::Library };
    if artefact.kind != kind {
        found.error("wrong-kind", file, format!("expected a {kind}, found a {}", artefact.kind));
    } else if role == Role::Module {
        entry(file, artefact, found);
    }
    glibc(file, artefact, target, found);
    libraries(file, artefact, target, found);
    for path in &artefact.search_paths {
        if !path.starts_with("$ORIGIN") {
            let message = format!("it looks for libraries in {path}, a folder of the machine that it was built on");
            found
                .warning("search-path", file, message)
                .help("build it without -rpath, or with one that begins with $ORIGIN");
        }
    }
    if artefact.executable_stack {
        let message = "it asks for a stack that can be executed, which hardened systems refuse";
        found.warning("executable-stack", file, message).help("link it with -z noexecstack");
    }
}

/// Checks that a module offers its entry, and little else.
fn entry(file: &str, artefact: &Artefact, found: &mut Findings) {
    let contracts = artefact.contracts();
    if contracts.contains(&CONTRACT) {
        if let Some(wanted) = artefact.min_minor.filter(|wanted| *wanted > MINOR) {
            let message = format!("it needs contract {CONTRACT}.{wanted}, and this runtime has {CONTRACT}.{MINOR}");
            found
                .error("contract", file, message)
                .help("use a newer runtime, or build it with the handlers-sdk of this one");
        }
        return;
    }
    if let Some(newest) = contracts.iter().max() {
        let message = format!("expected a module for contract {CONTRACT}, found one for contract {newest}");
        found.error("contract", file, message).help("build it with the handlers-sdk of this runtime");
    } else {
        let message = format!("expected a module, found a library without the symbol faas_module_v{CONTRACT}");
        found
            .error("no-entry", file, message)
            .help("a function or layer of handlers-sdk in a crate of type cdylib has it");
    }
}

fn glibc(file: &str, artefact: &Artefact, target: &Target<'_>, found: &mut Findings) {
    let Some(wanted) = artefact.glibc() else { return };
    let Some((there, system)) = target.glibc else { return };
    let too_new = artefact.newer_than(there);
    if too_new.is_empty() {
        return;
    }
    let named: Vec<String> = too_new.iter().take(MOST_SYMBOLS).map(ToString::to_string).collect();
    let more = match too_new.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!("it wants glibc {wanted}, and {system} has {there}: {}{more}", named.join(", "));
    found.error("glibc-too-new", file, message).help(format!(
        "build it for glibc {there}: after `pip install ziglang cargo-zigbuild`, cargo faas package does; otherwise build on \
         an older system"
    ));
}

fn libraries(file: &str, artefact: &Artefact, target: &Target<'_>, found: &mut Findings) {
    if artefact.loader.as_deref().is_some_and(|loader| loader.contains("ld-musl")) {
        let message = "it is linked against the shared library of musl, which no platform's image has";
        found.error("musl", file, message).help("build it for a target of glibc, or static");
        return;
    }
    for library in &artefact.needed {
        if COMMON_LIBRARIES.contains(&library.as_str()) || (target.finds)(library, file, &artefact.search_paths) {
            continue;
        }
        let message = format!("it needs the library {library}, which is neither on the image nor found in the package");
        let help = if library.starts_with("libstdc++") {
            "link it in: -static-libstdc++"
        } else if library.starts_with("libstd-") {
            "build it without -C prefer-dynamic"
        } else if library.contains("musl") {
            "build it for a target of glibc"
        } else {
            "link it in, or put it beside the library that needs it and link that with -rpath '$ORIGIN'"
        };
        found.error("needs-library", file, message).help(help);
    }
}

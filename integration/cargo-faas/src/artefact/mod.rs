//! The description of a compiled file, read from its ELF headers: its machine, the libraries and the glibc it wants,
//! the symbols it offers. Loads nothing and runs nothing, so a file for another machine, or a harmful one, can be
//! looked at.
//!
//! | module | holds |
//! |---|---|
//! | `read` | from the bytes of a file to an [`Artefact`] |
//! | `glibc` | versions of glibc, as symbols carry them |

mod glibc;
mod read;

pub(crate) use glibc::Glibc;
pub(crate) use read::{NotElf, read};

use serde::Serialize;
use std::fmt;

/// The symbol that makes a shared library a module, without the major version of the contract behind it.
const ENTRY: &str = "faas_module_v";

/// The description of a compiled file.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Artefact {
    /// The processor it is built for.
    pub(crate) arch: Machine,
    /// A program, or a shared library.
    pub(crate) kind: Kind,
    /// The dynamic loader that a program asks for; `None` for libraries and static programs.
    pub(crate) loader: Option<String>,
    /// The shared libraries that it loads, as they are named in it.
    pub(crate) needed: Vec<String>,
    /// The symbol versions that it wants of other libraries.
    pub(crate) wanted: Vec<Wanted>,
    /// The symbols that it offers to others.
    pub(crate) exports: Vec<String>,
    /// The oldest minor version of the contract that its modules can live with, as their tables say. It is `None` if it
    /// has no table that lies in the file as it is loaded.
    pub(crate) min_minor: Option<u32>,
    /// Folders in which it tells the loader to look for libraries.
    pub(crate) search_paths: Vec<String>,
    /// `true` if it asks for a stack whose content may be executed.
    pub(crate) executable_stack: bool,
    /// `true` if it has no table of symbols for debuggers.
    pub(crate) stripped: bool,
    /// Its size in bytes.
    pub(crate) bytes: usize,
}

/// A version that is wanted of another library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Wanted {
    /// The library's name, such as `libc.so.6`.
    pub(crate) library: String,
    /// The version, such as `GLIBC_2.34`.
    pub(crate) version: String,
    /// The symbols that carry it; empty if the version is asked for by itself.
    pub(crate) symbols: Vec<String>,
}

/// A processor, as ELF headers name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub(crate) enum Machine {
    /// The 64-bit x86 processor.
    X86_64,
    /// The 64-bit Arm processor.
    Arm64,
    /// Any other processor, in words.
    Other(String),
}

impl Machine {
    /// Returns the processor of this machine.
    pub(crate) fn host() -> Machine {
        match std::env::consts::ARCH {
            "x86_64" => Machine::X86_64,
            "aarch64" => Machine::Arm64,
            other => Machine::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Machine::X86_64 => "x86_64",
            Machine::Arm64 => "arm64",
            Machine::Other(name) => name,
        })
    }
}

impl From<Machine> for String {
    fn from(machine: Machine) -> String {
        machine.to_string()
    }
}

/// The kind of a compiled file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// A program that is started.
    Program,
    /// A shared library that is loaded.
    Library,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Program => "program",
            Kind::Library => "shared library",
        })
    }
}

/// A symbol whose version is newer than the system's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TooNew {
    /// The name of the symbol; empty if the version is asked for by itself.
    pub(crate) symbol: String,
    /// The version of the symbol.
    pub(crate) version: String,
}

impl fmt::Display for TooNew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.symbol.is_empty() { "" } else { "@" };
        write!(f, "{}{separator}{}", self.symbol, self.version)
    }
}

impl Artefact {
    /// Returns the newest glibc that it wants; `None` if it needs no glibc.
    pub(crate) fn glibc(&self) -> Option<Glibc> {
        self.wanted.iter().filter_map(|wanted| Glibc::of_symbol_version(&wanted.version)).max()
    }

    /// Returns the symbols that a system with this glibc lacks, in the order of their versions.
    pub(crate) fn newer_than(&self, there: Glibc) -> Vec<TooNew> {
        let newer = |wanted: &&Wanted| Glibc::of_symbol_version(&wanted.version).is_some_and(|glibc| glibc > there);
        let mut wanted: Vec<&Wanted> = self.wanted.iter().filter(newer).collect();
        wanted.sort_by_key(|wanted| Glibc::of_symbol_version(&wanted.version));
        let one = |wanted: &Wanted| {
            let too_new = |symbol: &str| TooNew { symbol: symbol.to_owned(), version: wanted.version.clone() };
            if wanted.symbols.is_empty() {
                vec![too_new("")]
            } else {
                wanted.symbols.iter().map(|symbol| too_new(symbol)).collect()
            }
        };
        wanted.into_iter().flat_map(one).collect()
    }

    /// Returns the major versions of the contract that it offers a module for, by the names of its symbols.
    pub(crate) fn contracts(&self) -> Vec<u32> {
        let majors = self.exports.iter().filter_map(|name| name.strip_prefix(ENTRY)?.parse().ok());
        majors.collect()
    }

    /// Returns `true` if nothing has to be on the system to start it.
    pub(crate) fn is_static(&self) -> bool {
        self.kind == Kind::Program && self.loader.is_none() && self.needed.is_empty()
    }
}

//! The symbols that a module's library shows to the linker: the contract's one, and nothing else. Programs and modules
//! want no library of the linker but those of glibc.

use integration::artifacts;
use std::path::Path;
use std::process::Command;

/// Returns the words that a program of binutils prints in a column of each line, sorted.
fn column(program: &str, arguments: &[&str], file: &Path, take: fn(&str) -> Option<&str>) -> Vec<String> {
    let output = Command::new(program).args(arguments).arg(file).output();
    let output = output.unwrap_or_else(|error| panic!("{program} comes with every C compiler: {error}"));
    assert!(output.status.success(), "{output:?}");
    let mut words: Vec<String> =
        String::from_utf8_lossy(&output.stdout).lines().filter_map(take).map(str::to_owned).collect();
    words.sort();
    words
}

/// Returns the symbols a library defines for others, or those it wants of others.
fn symbols(library: &Path, which: &str) -> Vec<String> {
    column("nm", &["-D", which, "--format=posix"], library, |line| line.split([' ', '@']).next())
}

/// Returns the libraries that have to be loaded with this one.
fn needed(file: &Path) -> Vec<String> {
    column("readelf", &["--dynamic", "--wide"], file, |line| {
        line.split_once("(NEEDED)")?.1.split_once('[')?.1.strip_suffix(']')
    })
}

/// Returns the names of modules of Rust: some examples, and all layers.
fn modules() -> impl Iterator<Item = String> {
    ["echo", "inspect", "hello", "faulty", "stream"].map(str::to_owned).into_iter().chain(artifacts::layers())
}

#[test]
fn every_module_exports_the_entry_symbol_and_nothing_else() {
    for name in modules().chain(["echo-c".to_owned()]) {
        let library = artifacts::get().module(&name);
        assert_eq!(symbols(library, "--defined-only"), ["faas_module_v1"], "{}", library.display());
    }
}

/// Loading `libgcc_s` for the unwinder would be a tenth of a cold start, and `_dl_find_object` is the one symbol of the
/// linked unwinder's that Amazon Linux 2023 does not have.
#[test]
fn no_program_and_no_module_of_the_sdk_loads_a_library_that_is_not_glibcs() {
    let artifacts = artifacts::get();
    let modules = modules().map(|name| artifacts.module(&name));
    for file in artifacts.both().iter().map(|runtime| runtime.path.as_path()).chain(modules) {
        let needed = needed(file);
        let foreign =
            needed.iter().find(|name| !["libc.so.", "libm.so.", "ld-linux"].iter().any(|own| name.starts_with(own)));
        assert_eq!(foreign, None, "{}", file.display());
        assert!(!needed.is_empty(), "{}", file.display());
        let wanted = symbols(file, "--undefined-only");
        assert!(wanted.iter().any(|name| name == "dl_iterate_phdr"), "{}: {wanted:?}", file.display());
        assert!(!wanted.iter().any(|name| name == "_dl_find_object"), "{}", file.display());
    }
}

//! Tells the module table which compiler built it; people read it when a module does not fit.

fn main() {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = std::process::Command::new(compiler).arg("--version").output();
    let version = version.ok().and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    println!("cargo::rustc-env=HANDLERS_SDK_BUILT_WITH={}", version.trim());
    println!("cargo::rerun-if-changed=build.rs");
}

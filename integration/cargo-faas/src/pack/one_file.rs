//! A unit in one program: a small crate that links its function, its layers and the light runtime, made in the tool's
//! cache and built static. Each of them offers a constant of its crate for linking, `MODULE`, whose path a crate may
//! set itself:
//!
//! ```toml
//! [package.metadata.faas]
//! module = "shop::Shop::MODULE"
//! ```

use crate::failure::Failure;
use crate::package::toolchain::Arch;
use crate::project::cargo::{Builder, CargoBuild};
use crate::project::deployment::Deployment;
use crate::project::library::Library;
use crate::project::metadata::cargo;
use crate::project::runtimes;
use faas_core::encoding::sha256;
use serde_json::Value;
use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A crate that is linked.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Linked {
    package: String,
    folder: PathBuf,
    /// The path of its constant `MODULE`.
    module: String,
}

/// Builds the program, and returns its path.
///
/// # Errors
/// The unit has functions of several libraries; a crate of it cannot be linked; or the build fails.
pub(crate) fn build(
    project: &Path,
    unit: &Deployment,
    arch: Arch,
    platform: &str,
    profile: &str,
) -> Result<PathBuf, Failure> {
    let (function, layers) = parts(unit)?;
    let function = linked(function, project)?;
    let layers: Vec<Linked> = layers.into_iter().map(|layer| linked(layer, project)).collect::<Result<_, _>>()?;
    let source = runtimes::source()?;
    let manifest = manifest(&function, &layers, &source, platform);
    let main = main(&function, &layers);
    let failed = |error: std::io::Error| Failure::new("one file", error);
    // The same parts are the same crate, whose build cargo remembers.
    let digest = sha256::digest(format!("{}\0{manifest}\0{main}", project.display()).as_bytes());
    let name: String = digest.rsplit(':').next().unwrap_or_default().chars().take(16).collect();
    let folder = runtimes::cache_folder()?.join("one-file").join(name);
    std::fs::create_dir_all(folder.join("src")).map_err(failed)?;
    write_if_other(&folder.join("Cargo.toml"), &manifest).map_err(failed)?;
    write_if_other(&folder.join("src/main.rs"), &main).map_err(failed)?;
    // The versions are those that the project is locked to.
    if !folder.join("Cargo.lock").is_file() {
        let above = project.ancestors().map(|folder| folder.join("Cargo.lock")).find(|lock| lock.is_file());
        above.map_or(Ok(0), |lock| std::fs::copy(lock, folder.join("Cargo.lock"))).map_err(failed)?;
    }
    let target_folder = runtimes::cache_folder()?.join("build");
    let more: Vec<OsString> = vec!["--target-dir".into(), target_folder.into()];
    let (target, builder, flags) = target(arch);
    let build = CargoBuild {
        folder: &folder,
        packages: &["one-file".to_owned()],
        profile,
        target: Some(&target),
        builder,
        more: &more,
    };
    let made = build.run_as(|command| {
        command.env("RUSTFLAGS", flags);
    });
    let linked =
        |failure| Failure::new("one file", format!("{failure}; what it links has to be `pub`: {}", function.module));
    let made = made.map_err(linked)?;
    let program = made.into_iter().find(|artifact| artifact.binary.as_deref() == Some("one-file"));
    program.map(|artifact| artifact.file).ok_or_else(|| Failure::new("one file", "cargo made no program"))
}

/// Returns the one library of functions, and the layers, outermost first.
fn parts(unit: &Deployment) -> Result<(&Library, Vec<&Library>), Failure> {
    let failed = |why: String| Failure::new("one file", format!("{}: {why}", unit.name));
    let is_function = |library: &&Library| {
        unit.functions.iter().any(|function| function.handler.split('.').next() == Some(library.name.as_str()))
    };
    let functions: Vec<&Library> = unit.libraries.iter().filter(is_function).collect();
    let [function] = functions[..] else {
        let names: Vec<&str> = functions.iter().map(|library| library.name.as_str()).collect();
        return Err(failed(format!(
            "one program has the functions of one library, and this unit has those of {}; put them into one crate, or \
             package it without --one-file",
            names.join(", ")
        )));
    };
    // Each layer is there once, in the order in which they stand around the function.
    let mut layers: Vec<&Library> = Vec::new();
    for text in &unit.layers {
        let name = text.trim_end_matches('?').split('.').next().unwrap_or_default();
        let library = unit.libraries.iter().find(|library| library.is_layer_called(name));
        let library = library.ok_or_else(|| failed(format!("there is no library of the layer {text}")))?;
        if !layers.iter().any(|other| other.name == library.name) {
            layers.push(library);
        }
    }
    let linked =
        |library: &&Library| library.name == function.name || layers.iter().any(|one| one.name == library.name);
    if let Some(other) = unit.libraries.iter().find(|library| !linked(library)) {
        return Err(failed(format!(
            "{} stands around one function alone, which one program cannot have; package it without --one-file",
            other.name
        )));
    }
    Ok((function, layers))
}

/// Returns the crate of a library, and the path of its constant.
fn linked(library: &Library, project: &Path) -> Result<Linked, Failure> {
    let failed = |why: String| Failure::new("one file", format!("{}: {why}", library.name));
    // A layer that came with the tool is a package of the tool's own source.
    let source = runtimes::source()?;
    let (package, place) = match &library.package {
        Some(package) => (package.clone(), project.to_owned()),
        None => (library.name.replace('_', "-"), source),
    };
    let output = cargo(&place).args(["metadata", "--no-deps", "--format-version=1"]).output();
    let output = output.map_err(|error| failed(format!("cargo cannot be started: {error}")))?;
    let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let found = packages.into_iter().find(|other| other["name"] == *package);
    let found = found.ok_or_else(|| failed(format!("it is not made by a crate of {}", place.display())))?;
    let targets = found["targets"].as_array().into_iter().flatten();
    let kinds = targets.flat_map(|target| target["kind"].as_array().into_iter().flatten()).filter_map(Value::as_str);
    if !kinds.clone().any(|kind| kind == "rlib" || kind == "lib") {
        return Err(failed(format!(
            "no program can link it: write crate-type = [\"cdylib\", \"rlib\"] into the Cargo.toml of {package}"
        )));
    }
    let said = found["metadata"]["faas"]["module"].as_str().map(str::to_owned);
    let module = said.or_else(|| guess(library)).ok_or_else(|| {
        failed(format!(
            "it has several functions, and nothing says which constant links them: write module = \"{}::Type::MODULE\" \
             into [package.metadata.faas] of {package}",
            library.name
        ))
    })?;
    let folder = found["manifest_path"].as_str().and_then(|path| Path::new(path).parent()).unwrap_or(&place);
    Ok(Linked { package, folder: folder.to_owned(), module })
}

/// Returns the constant of a library with one function, one class or one layer; `None` for any other.
fn guess(library: &Library) -> Option<String> {
    let declared = &library.declared;
    let name = match (&declared.functions[..], &declared.layers[..]) {
        ([], [layer]) => camel(&layer.name),
        ([one], []) if one.group.is_empty() => one.name.clone(),
        ([first, ..], []) if !first.group.is_empty() => {
            let same = declared.functions.iter().all(|function| function.group == first.group);
            same.then(|| camel(&first.group))?
        }
        _ => return None,
    };
    Some(format!("{}::{name}::MODULE", library.name))
}

/// Returns `rate_limit` as the name of a type, `RateLimit`.
fn camel(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
    };
    name.split(['_', '-']).map(word).collect()
}

fn manifest(function: &Linked, layers: &[Linked], source: &Path, platform: &str) -> String {
    let mut text =
        String::from("[package]\nname = \"one-file\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n");
    text.push_str("[workspace]\n\n[dependencies]\n");
    for linked in std::iter::once(function).chain(layers) {
        let _ = writeln!(text, "{} = {{ path = {:?} }}", linked.package, linked.folder);
    }
    let runtime = source.join("light-runtime");
    let features = if platform == "http" { String::new() } else { format!("{platform:?}") };
    let _ =
        writeln!(text, "light-runtime = {{ path = {runtime:?}, default-features = false, features = [{features}] }}");
    // The profile is that of the runtime itself.
    text.push_str(
        "\n[profile.release]\nopt-level = 2\nlto = \"fat\"\ncodegen-units = 1\nstrip = \"symbols\"\npanic = \"unwind\"\n\n\
         [profile.test-artifacts]\ninherits = \"release\"\nopt-level = 1\nlto = \"off\"\ncodegen-units = 16\n",
    );
    text
}

fn main(function: &Linked, layers: &[Linked]) -> String {
    let layers: Vec<&str> = layers.iter().map(|layer| layer.module.as_str()).collect();
    format!(
        "//! Made by cargo faas: a function, its layers and their runtime in one program.\n#![no_main]\n\n\
         light_runtime::c_main!(function: {}, layers: [{}]);\n",
        function.module,
        layers.join(", ")
    )
}

/// Returns the target, the command and the flags of a static program. Glibc can be linked in where it is; for another
/// processor musl is, which Rust brings along.
fn target(arch: Arch) -> (String, Builder, &'static str) {
    if arch == Arch::host() {
        let flags = "-C target-feature=+crt-static -C relocation-model=static";
        (format!("{}-unknown-linux-gnu", arch.triple()), Builder::Cargo, flags)
    } else {
        (format!("{}-unknown-linux-musl", arch.triple()), Builder::Zigbuild, "-C target-feature=+crt-static")
    }
}

fn write_if_other(path: &Path, text: &str) -> std::io::Result<()> {
    match std::fs::read_to_string(path) {
        Ok(there) if there == text => Ok(()),
        _ => std::fs::write(path, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_as_rust_names_them() {
        assert_eq!(camel("monitor"), "Monitor");
        assert_eq!(camel("rate-limit"), "RateLimit");
    }

    #[test]
    fn the_crate_links_the_function_its_layers_and_one_platform() {
        let linked = |package: &str, module: &str| Linked {
            package: package.to_owned(),
            folder: PathBuf::from("/w").join(package),
            module: module.to_owned(),
        };
        let (hello, monitor) =
            (linked("hello", "hello::hello::MODULE"), linked("layer-monitor", "layer_monitor::Monitor::MODULE"));
        let main = main(&hello, std::slice::from_ref(&monitor));
        assert!(
            main.contains("c_main!(function: hello::hello::MODULE, layers: [layer_monitor::Monitor::MODULE]);"),
            "{main}"
        );
        let manifest = manifest(&hello, &[monitor], Path::new("/s"), "aws-lambda");
        assert!(manifest.contains("hello = { path = \"/w/hello\" }\n"), "{manifest}");
        assert!(
            manifest.contains(
                "light-runtime = { path = \"/s/light-runtime\", default-features = false, features = [\"aws-lambda\"] }"
            ),
            "{manifest}"
        );
    }
}

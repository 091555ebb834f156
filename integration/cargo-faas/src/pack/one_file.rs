//! A unit in one program: a small crate that links its function, its layers and the light runtime, made in the tool's
//! cache and built static in the project's target folder. Each of them offers a constant of its crate for linking,
//! `MODULE`, whose path a crate may set itself:
//!
//! ```toml
//! [package.metadata.faas]
//! module = "shop::Shop::MODULE"
//! ```
//!
//! Cargo calls a crate after its path from the workspace's root, or after its whole path if it is elsewhere, and that
//! name is in the program. So the project is a link in the small crate's folder, and a project that is moved makes the
//! same program.

use crate::failure::Failure;
use crate::package::toolchain::Arch;
use crate::project::cargo::{Builder, CargoBuild};
use crate::project::deployment::Deployment;
use crate::project::library::Library;
use crate::project::metadata::{Workspace, cargo};
use crate::project::runtimes;
use crate::screen::Screen;
use faas_core::encoding::sha256;
use serde_json::Value;
use std::ffi::OsString;
use std::fmt::Write;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// The name of the program that is built.
const PROGRAM: &str = "one-file";
/// The name of the link to the project's workspace, beside the `Cargo.toml` of the program.
const PROJECT: &str = "project";

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
    screen: Screen,
) -> Result<PathBuf, Failure> {
    let (function, layers) = parts(unit)?;
    let workspace = Workspace::of(project)?;
    refuse_patches(&workspace.root)?;
    let function = linked(function, &workspace)?;
    let layers: Vec<Linked> = layers.into_iter().map(|layer| linked(layer, &workspace)).collect::<Result<_, _>>()?;
    let failed = |error: std::io::Error| Failure::new("one file", error);
    let root = workspace.root.canonicalize().map_err(failed)?;
    let source = runtimes::source()?;
    let main = main(&function, &layers);
    let project_digest = short_digest(root.as_os_str().as_encoded_bytes());
    let written = |place: &dyn Fn(&Path) -> PathBuf| {
        let manifest = manifest(&function, &layers, &source.join("light-runtime"), platform, place, &main);
        let name = short_digest(manifest.as_bytes());
        let folder = runtimes::cache_folder()?.join("one-file").join(&project_digest).join(&name);
        write_crate(&folder, &manifest, &main, &root).map_err(failed)?;
        Ok::<_, Failure>(folder)
    };
    let (target, builder, flags) = target(arch);
    let by_link = written(&|folder| through_link(folder, &root))?;
    let folder = match resolves(&by_link, project, &target) {
        Ok(()) => by_link,
        Err(why) => {
            let by_path = written(&Path::to_owned)?;
            if resolves(&by_path, project, &target).is_ok() {
                screen.head("note", "this program would be another one in another folder:");
                screen.under(&why);
            }
            by_path
        }
    };
    let target_folder = workspace.target_folder.join("one-file").join(&project_digest);
    let manifest = folder.join("Cargo.toml");
    let more: Vec<OsString> =
        ["--manifest-path".into(), manifest.into(), "--target-dir".into(), target_folder.clone().into()].into();
    let build = CargoBuild {
        // The configuration and the toolchain are those that the library is built with.
        folder: project,
        packages: &[],
        profile,
        target: Some(&target),
        builder,
        more: &more,
    };
    let made = build.run_as(|command| {
        // Cargo takes flags from one source alone: the encoded variable, then this one, then the configuration.
        command.env_remove("CARGO_ENCODED_RUSTFLAGS");
        let of_user = std::env::var("RUSTFLAGS").unwrap_or_default();
        // A place in the project is named in messages as in a library of it.
        command.env("RUSTFLAGS", format!("{of_user} {flags} --remap-path-prefix={PROJECT}="));
        // All projects have the same names through their links, so that no two may share a folder.
        command.env("CARGO_BUILD_BUILD_DIR", &target_folder);
    });
    let made = made.map_err(|failure| {
        let hint = format!(
            "its profiles are dev, release and test-artifacts, and what it links has to be `pub`: {}",
            function.module
        );
        Failure::new("one file", format!("{failure}; {hint}"))
    })?;
    let program = made.into_iter().find(|artifact| artifact.binary.as_deref() == Some(PROGRAM));
    program.map(|artifact| artifact.file).ok_or_else(|| Failure::new("one file", "cargo made no program"))
}

/// Writes the crate, beside a link to the project.
fn write_crate(folder: &Path, manifest: &str, main: &str, project: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder.join("src"))?;
    write_if_other(&folder.join("Cargo.toml"), manifest)?;
    write_if_other(&folder.join("src/main.rs"), main)?;
    match symlink(project, folder.join(PROJECT)) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        made => made?,
    }
    write_lock(folder, project)
}

/// Takes the versions that the project is locked to. Those that cargo has added for other crates stay until the
/// project's change.
fn write_lock(folder: &Path, project: &Path) -> std::io::Result<()> {
    let lock = match std::fs::read(project.join("Cargo.lock")) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        lock => lock?,
    };
    let (own, taken) = (folder.join("Cargo.lock"), folder.join("Cargo.lock.project"));
    if own.is_file() && std::fs::read(&taken).is_ok_and(|there| there == lock) {
        return Ok(());
    }
    // A file is put there in one step, since another tool may read it, and with modes of its own.
    for path in [own, taken] {
        let fresh = folder.join(format!("lock.{}", std::process::id()));
        std::fs::write(&fresh, &lock).and_then(|()| std::fs::rename(&fresh, path))?;
    }
    Ok(())
}

/// Checks that cargo finds all crates from there, and returns what it says otherwise. It does not find them if one of
/// the project is named by a relative path that leads out of the project, since the link is elsewhere.
fn resolves(folder: &Path, project: &Path, target: &str) -> Result<(), String> {
    let mut command = cargo(project);
    command.args(["metadata", "--format-version=1", "--filter-platform", target, "--manifest-path"]);
    let output = command.arg(folder.join("Cargo.toml")).output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim_end().to_owned()) }
}

/// Refuses a workspace that replaces crates by others. Cargo reads `[patch]` in the root that it builds alone, which is
/// the program's, and a program without the patches would silently be another one.
fn refuse_patches(root: &Path) -> Result<(), Failure> {
    let path = root.join("Cargo.toml");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    match text.lines().position(|line| line.trim_start().starts_with("[patch")) {
        None => Ok(()),
        Some(index) => {
            let place = format!("{}:{}", path.display(), index + 1);
            Err(Failure::new(
                "one file",
                format!(
                    "{place}: one program does not take [patch]: name the other crate in [dependencies], write it into \
                 .cargo/config.toml, or package without --one-file"
                ),
            ))
        }
    }
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
fn linked(library: &Library, project: &Workspace) -> Result<Linked, Failure> {
    let failed = |why: String| Failure::new("one file", format!("{}: {why}", library.name));
    // A layer that came with the tool is a package of the tool's own source.
    let source;
    let (package, workspace) = match &library.package {
        Some(package) => (package.clone(), project),
        None => {
            source = Workspace::of(&runtimes::source()?)?;
            (library.name.replace('_', "-"), &source)
        }
    };
    let found = workspace.packages.iter().find(|other| other.name == package);
    let found = found.ok_or_else(|| failed(format!("it is not made by a crate of {}", workspace.root.display())))?;
    if !found.is_linkable {
        return Err(failed(format!(
            "no program can link it: write crate-type = [\"cdylib\", \"rlib\"] into the Cargo.toml of {package}"
        )));
    }
    let module = found.module.clone().or_else(|| guess(library)).ok_or_else(|| failed(several(library, &package)))?;
    Ok(Linked { package, folder: found.folder.clone(), module })
}

/// Returns the reason why a library with several things in it makes no one program by itself, and what makes one of it.
fn several(library: &Library, package: &str) -> String {
    let declared = &library.declared;
    let functions = declared.functions.iter().map(|function| function.name.as_str());
    let names: Vec<&str> = functions.chain(declared.layers.iter().map(|layer| layer.name.as_str())).collect();
    format!(
        "one program links one constant `MODULE`, that of a `pub` function or of a `pub` class, and this library has {}. \
         Make a class of them, or let the deployment have one that is `pub`, and write the path of its constant into \
         [package.metadata.faas] of {package}: module = \"{}::…::MODULE\". Or package it without --one-file",
        names.join(", "),
        library.name
    )
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

/// Returns the `Cargo.toml`, which names each crate by its `place`. The crate is called after what it is made of: for
/// cargo all programs of a project would be one else, and it looks only at times of files.
fn manifest(
    function: &Linked,
    layers: &[Linked],
    runtime: &Path,
    platform: &str,
    place: &dyn Fn(&Path) -> PathBuf,
    main: &str,
) -> String {
    let mut dependencies = String::new();
    for linked in std::iter::once(function).chain(layers) {
        let _ = writeln!(dependencies, "{} = {{ path = {} }}", linked.package, quoted(&place(&linked.folder)));
    }
    let features = if platform == "http" { String::new() } else { format!("{platform:?}") };
    let _ = writeln!(
        dependencies,
        "light-runtime = {{ path = {}, default-features = false, features = [{features}] }}",
        quoted(&place(runtime))
    );
    let name = short_digest(format!("{dependencies}\0{main}").as_bytes());
    // The profile is that of the runtime itself.
    format!(
        "[package]\nname = \"one-file-{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [[bin]]\nname = \"{PROGRAM}\"\npath = \"src/main.rs\"\n\n[workspace]\nexclude = [\"{PROJECT}\"]\n\n\
         [dependencies]\n{dependencies}\n\
         [profile.release]\nopt-level = 2\nlto = \"fat\"\ncodegen-units = 1\nstrip = \"symbols\"\npanic = \"unwind\"\n\n\
         [profile.test-artifacts]\ninherits = \"release\"\nopt-level = 1\nlto = \"off\"\ncodegen-units = 16\n"
    )
}

/// Returns the path of a folder of the project by way of the link, and any other as it is.
fn through_link(folder: &Path, project: &Path) -> PathBuf {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    folder.strip_prefix(project).map(|inside| Path::new(PROJECT).join(inside)).unwrap_or(folder)
}

/// Returns a path as a text of TOML, which is quoted as JSON is.
fn quoted(path: &Path) -> Value {
    path.to_string_lossy().into()
}

fn short_digest(bytes: &[u8]) -> String {
    let digest = sha256::digest(bytes);
    digest.rsplit(':').next().unwrap_or_default().chars().take(16).collect()
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
    use crate::project::library::tests::library;

    #[test]
    fn types_are_named_as_rust_names_them() {
        assert_eq!(camel("monitor"), "Monitor");
        assert_eq!(camel("rate-limit"), "RateLimit");
    }

    #[test]
    fn a_library_of_several_functions_is_told_what_one_program_needs() {
        let shop = library("shop", &["order", "orders"], &["stamp"]);
        assert_eq!(guess(&shop), None);
        let said = several(&shop, "my-shop");
        assert!(
            said.contains("a `pub` function or of a `pub` class, and this library has order, orders, stamp. "),
            "{said}"
        );
        assert!(
            said.contains("[package.metadata.faas] of my-shop: module = \"shop::…::MODULE\". Or package"),
            "{said}"
        );
    }

    fn parts() -> (Linked, Linked) {
        let linked = |package: &str, module: &str| Linked {
            package: package.to_owned(),
            folder: PathBuf::from("/w").join(package),
            module: module.to_owned(),
        };
        (linked("hello", "hello::hello::MODULE"), linked("layer-monitor", "layer_monitor::Monitor::MODULE"))
    }

    #[test]
    fn the_crate_links_the_function_its_layers_and_one_platform() {
        let (hello, monitor) = parts();
        let layers = [monitor];
        let main = main(&hello, &layers);
        assert!(
            main.contains("c_main!(function: hello::hello::MODULE, layers: [layer_monitor::Monitor::MODULE]);"),
            "{main}"
        );
        let place = |folder: &Path| through_link(folder, Path::new("/w"));
        let manifest = manifest(&hello, &layers, Path::new("/s/light-runtime"), "aws-lambda", &place, &main);
        assert!(manifest.contains("hello = { path = \"project/hello\" }\n"), "{manifest}");
        assert!(
            manifest.contains(
                "light-runtime = { path = \"/s/light-runtime\", default-features = false, features = [\"aws-lambda\"] }"
            ),
            "{manifest}"
        );
    }

    #[test]
    fn programs_of_other_parts_are_other_crates_and_those_of_other_folders_are_not() {
        let (hello, monitor) = parts();
        let name = |layers: &[Linked], root: &str| {
            let moved = |linked: &Linked| Linked { folder: Path::new(root).join(&linked.package), ..linked.clone() };
            let (function, layers) = (moved(&hello), layers.iter().map(moved).collect::<Vec<_>>());
            let place = |folder: &Path| through_link(folder, Path::new(root));
            let manifest = manifest(&function, &layers, Path::new("/s"), "http", &place, &main(&function, &layers));
            manifest.lines().find(|line| line.starts_with("name = ")).map(str::to_owned)
        };
        let (one, other) = (monitor.clone(), Linked { package: "cors".into(), ..monitor });
        let both = [one.clone(), other.clone()];
        assert_eq!(name(&both, "/w"), name(&both, "/elsewhere"));
        assert_ne!(name(&both, "/w"), name(&[other], "/w"));
        assert_ne!(name(&both, "/w"), name(&[one], "/w"));
    }

    #[test]
    fn a_project_that_leads_out_of_its_folder_is_not_found_through_the_link() {
        let folder = tempfile::tempdir().expect("there is room");
        let package = |name: &str, dependencies: &str| {
            let place = folder.path().join(name);
            std::fs::create_dir_all(place.join("src")).expect("there is room");
            std::fs::write(place.join("src/lib.rs"), "").expect("there is room");
            let text = format!("[package]\nname = \"{name}\"\nversion = \"0.0.0\"\n[dependencies]\n{dependencies}");
            std::fs::write(place.join("Cargo.toml"), text).expect("there is room");
            place
        };
        let beside = package("beside", "");
        let alone = package("alone", "");
        let by_whole_path = package("whole", &format!("beside = {{ path = {beside:?} }}\n"));
        let outwards = package("outwards", "beside = { path = \"../beside\" }\n");
        for (project, expected) in [(alone, true), (by_whole_path, true), (outwards, false)] {
            let name = project.file_name().and_then(|name| name.to_str()).expect("a name");
            let made = folder.path().join("cache/made").join(name);
            let manifest = format!(
                "[package]\nname = \"made\"\nversion = \"0.0.0\"\n[workspace]\nexclude = [{PROJECT:?}]\n\
                 [dependencies]\n{name} = {{ path = {PROJECT:?} }}\n"
            );
            // The crate is written again for each package, beside the link that is there already.
            for _ in 0..2 {
                write_crate(&made, &manifest, "fn main() {}\n", &project).expect("there is room");
            }
            let target = format!("{}-unknown-linux-gnu", Arch::host().triple());
            assert_eq!(resolves(&made, &project, &target).is_ok(), expected, "{name}");
        }
    }
    #[test]
    fn versions_that_cargo_has_added_stay_until_the_project_has_others() {
        let folder = tempfile::tempdir().expect("there is room");
        let (project, made) = (folder.path().join("project"), folder.path().join("made"));
        std::fs::create_dir_all(&project).and_then(|()| std::fs::create_dir_all(&made)).expect("there is room");
        let lock = |folder: &Path| std::fs::read_to_string(folder.join("Cargo.lock")).ok();
        let write = |folder: &Path, text: &str| std::fs::write(folder.join("Cargo.lock"), text).expect("there is room");
        let take = || write_lock(&made, &project).expect("it can be written");
        take();
        assert_eq!(lock(&made), None, "the project has none");
        write(&project, "first");
        take();
        assert_eq!(lock(&made).as_deref(), Some("first"));
        write(&made, "first and more");
        take();
        assert_eq!(lock(&made).as_deref(), Some("first and more"));
        write(&project, "second");
        take();
        assert_eq!(lock(&made).as_deref(), Some("second"));
    }

    #[test]
    fn a_workspace_that_replaces_crates_is_refused_with_the_place() {
        let folder = tempfile::tempdir().expect("there is room");
        let write = |text: &str| std::fs::write(folder.path().join("Cargo.toml"), text).expect("there is room");
        write("[package]\nname = \"shop\"\n");
        assert!(refuse_patches(folder.path()).is_ok());
        write("[package]\nname = \"shop\"\n\n[patch.crates-io]\nitoa = { path = \"itoa\" }\n");
        let said = refuse_patches(folder.path()).expect_err("it replaces one").to_string();
        assert!(said.contains("Cargo.toml:4: one program does not take [patch]"), "{said}");
    }
}

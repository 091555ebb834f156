//! The runtimes, and the layers that come with them, built once from the source that this tool was built from and kept
//! in a cache folder. Nothing of a user's project goes into such a build, so a function that changes never rebuilds a
//! runtime, and no feature of anybody's dependencies changes one.
//!
//! The folder is `FAAS_CACHE`, else `cargo-faas` in `XDG_CACHE_HOME` or `~/.cache`:
//!
//! ```text
//! <version>-<digest of the source>/<target>/<profile>/<platforms>/bootstrap
//! build/    cargo's own target folder
//! lock      held by whoever builds
//! ```

use super::cargo::{Artifact, Builder, CargoBuild};
use crate::failure::Failure;
use crate::screen::Screen;
use faas_core::encoding::sha256;
use rustix::fs::{FlockOperation, flock};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The folders and files that runtimes are made of, in the source.
const RUNTIME_SOURCES: [&str; 5] = ["Cargo.toml", "Cargo.lock", "handlers-sdk/abi", "light-runtime", "runtime-engine"];

/// The folders and files that layers are made of.
const LAYER_SOURCES: [&str; 5] = ["Cargo.toml", "Cargo.lock", "handlers-sdk", "layers", "runtime-engine/core"];

/// The variables that change the output of a compiler. They are the user's, for the user's own code.
const COMPILERS: [&str; 3] = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"];

/// One of the two runtimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RuntimeKind {
    /// The full engine, `bootstrap`.
    Full,
    /// The runtime over the standard library alone, `light-bootstrap`.
    Light,
}

impl RuntimeKind {
    /// Returns the name of the binary.
    pub(crate) fn binary(self) -> &'static str {
        match self {
            RuntimeKind::Full => "bootstrap",
            RuntimeKind::Light => "light-bootstrap",
        }
    }

    fn package(self) -> &'static str {
        match self {
            RuntimeKind::Full => "runtime-engine",
            RuntimeKind::Light => "light-runtime",
        }
    }
}

/// The way in which a runtime is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RuntimeBuild {
    /// The target triple; `None` for this machine.
    pub(crate) target: Option<String>,
    /// The platforms that are built in, by their names; `None` for all of them.
    pub(crate) platforms: Option<Vec<String>>,
    /// Cargo's profile, one of the source's own: `release`, `dev`, `test-artifacts`.
    pub(crate) profile: String,
    /// The command that compiles.
    pub(crate) builder: Builder,
}

impl Default for RuntimeBuild {
    /// Returns the build of a runtime as it is shipped: for this machine, with all platforms.
    fn default() -> RuntimeBuild {
        RuntimeBuild { target: None, platforms: None, profile: "release".to_owned(), builder: Builder::Cargo }
    }
}

/// Returns the file of a runtime, built if it is not in the cache.
///
/// # Errors
/// The source is gone, the cache folder cannot be written, or the build fails.
pub(crate) fn runtime(kind: RuntimeKind, build: &RuntimeBuild, screen: Screen) -> Result<PathBuf, Failure> {
    let source = source()?;
    let made = Made { name: kind.binary().to_owned(), package: kind.package().to_owned(), sources: &RUNTIME_SOURCES };
    let is_it = |artifact: &Artifact| artifact.binary.as_deref() == Some(kind.binary());
    made.find_or_build(&Cache::of_user()?, &source, build, build.platforms.as_deref(), is_it, screen)
}

/// Returns the library of a layer that comes with the runtimes (`monitor`, `metrics`, …), built if it is not in the
/// cache. It is `None` if no layer has that name.
///
/// # Errors
/// It fails as [`runtime`] does.
pub(crate) fn layer(name: &str, build: &RuntimeBuild, screen: Screen) -> Result<Option<PathBuf>, Failure> {
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let folder = source_folder().join("layers").join(name.replace('_', "-"));
    if !is_name || !folder.join("Cargo.toml").is_file() {
        return Ok(None);
    }
    let package = format!("layer-{}", name.replace('_', "-"));
    let file = format!("lib{}.so", package.replace('-', "_"));
    let is_it = |artifact: &Artifact| artifact.package == package && artifact.binary.is_none();
    let made = Made { name: file, package: package.clone(), sources: &LAYER_SOURCES };
    made.find_or_build(&Cache::of_user()?, &source()?, build, None, is_it, screen).map(Some)
}

/// Returns the source of the workspace that this tool was built from.
fn source_folder() -> PathBuf {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR"));
    tool.ancestors().nth(2).unwrap_or(tool).to_owned()
}

/// Returns the source of the workspace that this tool was built from.
///
/// # Errors
/// The folder is gone.
pub(crate) fn source() -> Result<PathBuf, Failure> {
    let folder = source_folder();
    folder.canonicalize().ok().filter(|folder| folder.join("runtime-engine/Cargo.toml").is_file()).ok_or_else(|| {
        let why = format!(
            "the repository that this tool is built from is not at {}: name a built runtime with --runtime, or install \
             the tool again",
            folder.display()
        );
        Failure::new("runtime", why)
    })
}

/// Returns the place where the source was, if it is gone; `None` if it is there.
pub(crate) fn lost_source() -> Option<PathBuf> {
    source().is_err().then(source_folder)
}

/// Returns `true` for the root of the source that this tool was built from.
pub(crate) fn is_source(folder: &Path) -> bool {
    source_folder().canonicalize().is_ok_and(|source| folder.canonicalize().is_ok_and(|folder| folder == source))
}

/// The cache: the folder of its files, and the folder that cargo builds in.
struct Cache {
    folder: PathBuf,
    build: PathBuf,
}

impl Cache {
    fn of_user() -> Result<Cache, Failure> {
        let folder = cache_folder()?;
        Ok(Cache { build: folder.join("build"), folder })
    }
}

/// A file that is built from the source and kept.
struct Made {
    /// The name of the file.
    name: String,
    package: String,
    /// The folders and files that it is made of.
    sources: &'static [&'static str],
}

impl Made {
    fn find_or_build(
        &self,
        cache: &Cache,
        source: &Path,
        build: &RuntimeBuild,
        platforms: Option<&[String]>,
        is_it: impl Fn(&Artifact) -> bool,
        screen: Screen,
    ) -> Result<PathBuf, Failure> {
        let folder = cache.folder.join(self.key(source, build, platforms)?);
        let file = folder.join(&self.name);
        if file.is_file() {
            return Ok(file);
        }
        let failed = |path: &Path, error: io::Error| Failure::new("cache", format!("{}: {error}", path.display()));
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, error))?;
        let _lock = lock(&cache.folder.join("lock"), screen)?;
        // Another tool may have made it meanwhile.
        if file.is_file() {
            return Ok(file);
        }
        screen.head("build", &format!("{} ({}), once: it stays in {}", self.name, build.profile, short(&folder)));
        let made = self.build(source, &cache.build, build, platforms)?;
        let made = made.into_iter().find(is_it);
        let made = made.ok_or_else(|| Failure::new("build", format!("cargo made no {}", self.name)))?;
        // The file is put there in one step, so that a reader finds the whole file or none.
        let fresh = folder.join(format!("{}.{}", self.name, std::process::id()));
        let kept = fs::copy(&made.file, &fresh).and_then(|_| fs::rename(&fresh, &file));
        kept.map_err(|error| failed(&file, error))?;
        Ok(file)
    }

    /// Returns the name of the folder in the cache.
    fn key(&self, source: &Path, build: &RuntimeBuild, platforms: Option<&[String]>) -> Result<PathBuf, Failure> {
        let digest = digest(source, self.sources).map_err(|error| Failure::new("runtime", error))?;
        let target = build.target.clone().unwrap_or_else(|| format!("this-{}", std::env::consts::ARCH));
        let platforms = platforms.map_or_else(|| "all".to_owned(), |names| sorted(names).join("+"));
        Ok([&format!("{}-{digest}", env!("CARGO_PKG_VERSION")), &target, &build.profile, &platforms].iter().collect())
    }

    fn build(
        &self,
        source: &Path,
        target_folder: &Path,
        build: &RuntimeBuild,
        platforms: Option<&[String]>,
    ) -> Result<Vec<Artifact>, Failure> {
        let mut more: Vec<OsString> = vec!["--locked".into(), "--target-dir".into(), target_folder.into()];
        if let Some(names) = platforms {
            more.push("--no-default-features".into());
            more.extend(["--features".into(), sorted(names).join(",").into()]);
        }
        let build = CargoBuild {
            folder: source,
            packages: std::slice::from_ref(&self.package),
            profile: &build.profile,
            target: build.target.as_deref(),
            builder: build.builder,
            more: &more,
        };
        build.run_as(|command| {
            for (name, _) in std::env::vars_os() {
                let text = name.to_string_lossy();
                if COMPILERS.contains(&&*text) || text.starts_with("CARGO_PROFILE_") {
                    command.env_remove(&name);
                }
            }
        })
    }
}

fn sorted(names: &[String]) -> Vec<&str> {
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Returns the cache folder, which need not be there yet.
///
/// # Errors
/// No variable names its place.
pub(crate) fn cache_folder() -> Result<PathBuf, Failure> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let of_user = || variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    let folder = variable("FAAS_CACHE").or_else(|| Some(of_user()?.join("cargo-faas")));
    let folder = folder.ok_or_else(|| Failure::new("cache", "neither FAAS_CACHE, XDG_CACHE_HOME nor HOME is set"))?;
    std::path::absolute(&folder).map_err(|error| Failure::new("cache", error))
}

/// Returns a folder as people write it: `~` for that of the user.
fn short(folder: &Path) -> String {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    match home.as_deref().and_then(|home| folder.strip_prefix(home).ok()) {
        Some(rest) => Path::new("~").join(rest).display().to_string(),
        None => folder.display().to_string(),
    }
}

/// Takes the lock of the cache, which is given back when it is dropped.
fn lock(path: &Path, screen: Screen) -> Result<File, Failure> {
    let failed = |error: io::Error| Failure::new("cache", format!("{}: {error}", path.display()));
    let file = File::options().create(true).append(true).open(path).map_err(failed)?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        screen.head("cache", "another cargo faas is building in it; waiting");
        flock(&file, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
    }
    Ok(file)
}

/// Returns a digest of files, and of all files of folders, by name and content. Files that nobody has touched since are
/// not read again, since `dev` asks for it with each build, once for each layer.
fn digest(root: &Path, names: &[&str]) -> io::Result<String> {
    static KNOWN: Mutex<BTreeMap<u64, String>> = Mutex::new(BTreeMap::new());
    let mut files = Vec::new();
    names.iter().try_for_each(|name| list(&root.join(name), &mut files))?;
    files.sort_unstable();
    let mut state = DefaultHasher::new();
    for file in &files {
        let found = fs::metadata(file)?;
        (file, found.len(), found.ino(), found.mtime(), found.mtime_nsec()).hash(&mut state);
    }
    let state = state.finish();
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(digest) = known().get(&state) {
        return Ok(digest.clone());
    }
    let digest = digest_of(root, &files)?;
    known().insert(state, digest.clone());
    Ok(digest)
}

fn digest_of(root: &Path, files: &[PathBuf]) -> io::Result<String> {
    let mut all = Vec::new();
    for file in files {
        // The content's digest has always the same length, so that no name and content are taken for others.
        let name = file.strip_prefix(root).unwrap_or(file).as_os_str().as_encoded_bytes();
        all.extend_from_slice(sha256::digest(&fs::read(file)?).as_bytes());
        all.extend_from_slice(name);
        all.push(0);
    }
    let digest = sha256::digest(&all);
    let hex = digest.rsplit(':').next().unwrap_or(&digest);
    Ok(hex.chars().take(16).collect())
}

fn list(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        // Files that builds and tests leave behind are no source.
        if entry.file_name() != "target" && !entry.file_name().to_string_lossy().starts_with('.') {
            list(&entry.path(), files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    #[test]
    fn a_digest_changes_with_names_and_contents_and_with_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("a/one.rs", "1");
        write("b.toml", "2");
        let now = || digest(folder.path(), &["a", "b.toml"]).unwrap();
        let before = now();
        assert_eq!(before.len(), 16, "{before}");
        write("a/target/made", "3");
        write("c", "4");
        assert_eq!(now(), before);
        write("a/one.rs", "five");
        let changed = now();
        assert_ne!(changed, before);
        write("a/two.rs", "");
        assert_ne!(now(), changed);
    }

    #[test]
    fn a_file_that_nobody_has_touched_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let write = |text: &str, at: SystemTime| {
            fs::write(&path, text).unwrap();
            File::options().append(true).open(&path).unwrap().set_modified(at).unwrap();
            digest(folder.path(), &["a"]).unwrap()
        };
        let at = UNIX_EPOCH + Duration::from_secs(1);
        let first = write("1", at);
        assert_eq!(write("2", at), first, "it is what was read");
        assert_ne!(write("2", at + Duration::from_secs(1)), first);
    }

    #[test]
    fn each_way_to_build_has_a_folder_of_its_own() {
        let source = source().unwrap();
        let made = Made { name: "b".into(), package: "p".into(), sources: &["Cargo.toml"] };
        let key = |build: &RuntimeBuild| made.key(&source, build, build.platforms.as_deref()).unwrap();
        let platforms = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        let plain = RuntimeBuild::default();
        let light = RuntimeBuild { platforms: platforms(&["http", "aws-lambda"]), ..plain.clone() };
        let same = RuntimeBuild { platforms: platforms(&["aws-lambda", "http", "http"]), ..plain.clone() };
        let arm = RuntimeBuild { target: Some("aarch64-unknown-linux-gnu".into()), ..plain.clone() };
        assert_eq!(key(&light), key(&same));
        assert!(key(&light).ends_with("release/aws-lambda+http"), "{}", key(&light).display());
        assert!(key(&plain) != key(&arm) && key(&plain) != key(&light));
    }

    #[test]
    fn two_at_once_build_a_runtime_once_and_whoever_comes_later_builds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        // The files that cargo has compiled may stay from run to run.
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| source_folder().join("target"), PathBuf::from);
        let cache = Cache { folder: folder.path().to_owned(), build: target.join("tool-runtimes") };
        let made =
            || Made { name: "light-bootstrap".into(), package: "light-runtime".into(), sources: &RUNTIME_SOURCES };
        let how = RuntimeBuild {
            profile: "dev".into(),
            platforms: Some(vec!["aws-lambda".into()]),
            ..RuntimeBuild::default()
        };
        let is_it = |artifact: &Artifact| artifact.binary.is_some();
        let find = || {
            let platforms = how.platforms.as_deref();
            let path = made().find_or_build(&cache, &source().unwrap(), &how, platforms, is_it, Screen::new());
            let path = path.unwrap();
            let file = fs::metadata(&path).unwrap();
            (path, file.ino())
        };
        let (one, other) = std::thread::scope(|scope| {
            let other = scope.spawn(find);
            (find(), other.join().unwrap())
        });
        assert_eq!(one, other);
        assert!(one.0.ends_with("dev/aws-lambda/light-bootstrap"), "{}", one.0.display());
        assert_eq!(find(), one);
        let names = fs::read_dir(one.0.parent().unwrap()).unwrap().count();
        assert_eq!(names, 1, "nothing is left beside it");
        let says = std::process::Command::new(&one.0).arg("--version").output().unwrap();
        assert!(says.stdout.starts_with(b"light-bootstrap "), "{says:?}");
    }

    #[test]
    fn the_source_is_named_by_a_path_without_steps_back() {
        let folder = source_folder();
        assert!(folder.components().all(|part| part != std::path::Component::ParentDir), "{}", folder.display());
        assert!(folder.join("runtime-engine/Cargo.toml").is_file(), "{}", folder.display());
    }

    #[test]
    fn only_layers_that_come_with_the_source_are_found_by_name() {
        for name in ["", "nobody", "../monitor", "a/b"] {
            let found = layer(name, &RuntimeBuild::default(), Screen::new());
            assert_eq!(found.unwrap(), None, "{name}");
        }
    }
}

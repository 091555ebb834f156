//! The project that the tool works on: a crate or a workspace, a folder in C, C++ or Go, with or without a yml. It
//! knows the packages to build, the declarations of the built libraries, and the deployments.
//!
//! | module | holds |
//! |---|---|
//! | `metadata` | the packages of a workspace |
//! | `cargo`, `native` | the two ways to compile |
//! | `library` | a built library and its declarations |
//! | `deployment` | the units |
//! | `runtimes` | the runtimes and the layers that come with them, in the cache |

pub(crate) mod cargo;
pub(crate) mod deployment;
pub(crate) mod library;
pub(crate) mod metadata;
mod native;
pub(crate) mod runtimes;

use crate::failure::Failure;
use crate::screen::Screen;
use crate::service;
use crate::service::read::{Found, YmlArgs};
use cargo::{Artifact, Builder, CargoBuild};
use deployment::Deployment;
use faas_core::modules::Name;
use library::{Library, name_of};
use metadata::{Package, Workspace};
use native::Native;
use runtimes::RuntimeBuild;
use serverless_spec::Spec;
use serverless_spec::cron::Schedule;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A project, with its yml and its code.
#[derive(Debug)]
pub(crate) struct Project {
    /// The folder of its yml; without one, of its package or workspace.
    root: PathBuf,
    code: Code,
    yml: Option<Found>,
}

/// The code that is compiled.
#[derive(Debug)]
enum Code {
    /// The packages of a workspace.
    Cargo {
        workspace: Workspace,
        /// The packages that are built if nothing else chooses.
        selected: Vec<Package>,
    },
    /// A folder that is no package of cargo's.
    Native(Native),
}

/// The way in which libraries are built.
#[derive(Clone, Debug)]
pub(crate) struct Build {
    /// Cargo's profile: `dev`, `release`, or one of the project's own.
    pub(crate) profile: String,
    /// The target triple; `None` for this machine.
    pub(crate) target: Option<String>,
    /// The command that compiles.
    pub(crate) builder: Builder,
    /// The further arguments of cargo, such as `--features`.
    pub(crate) more: Vec<OsString>,
    /// The layers that have to be there besides those that the yml names, by their names.
    pub(crate) layers: Vec<String>,
    /// A runtime of this machine, which is asked for the declarations of libraries.
    pub(crate) runtime: PathBuf,
}

impl Build {
    /// Returns a build for this machine.
    pub(crate) fn new(profile: String, runtime: PathBuf) -> Build {
        Build { profile, target: None, builder: Builder::Cargo, more: Vec::new(), layers: Vec::new(), runtime }
    }

    /// Returns `true` if the result can be loaded on this machine.
    pub(crate) fn is_for_this_machine(&self) -> bool {
        let Some(target) = &self.target else { return true };
        let is_here = target.split('-').next() == Some(std::env::consts::ARCH);
        is_here && target.contains("linux-gnu")
    }
}

impl Project {
    /// Finds the project of a folder. With `packages` these are built; else the package of the folder, or all of its
    /// workspace's that make a shared library. The yml is that of `yml`, or the one in the folder, in that of the
    /// package, or in that of the workspace. Mistakes of the yml are shown.
    ///
    /// # Errors
    /// There is no code, no such package, or the yml is wrong.
    pub(crate) fn find(folder: &Path, yml: &YmlArgs, packages: &[String], screen: Screen) -> Result<Project, Failure> {
        let folder = folder.canonicalize();
        let folder = folder.map_err(|error| Failure::new("project", error))?;
        let code = Code::find(&folder, packages)?;
        let found = match &yml.file {
            Some(file) => Some(service::read::read_file(file, yml)?),
            None => code
                .folders(&folder)
                .iter()
                .find_map(|place| service::read::find(place, yml).transpose())
                .transpose()?,
        };
        if let Some(wrong) = found.as_ref().filter(|found| found.read.spec.is_none()) {
            service::say(wrong, screen, |_| true);
            let failure = Failure::new("yml", format!("{} is not right; what is wrong is said above", wrong.name));
            return Err(failure.after(&service::told(wrong, false, |_| true)));
        }
        let root = match &found {
            None => code.root().to_owned(),
            // The folder is empty where the yml is named alone, and no command runs in a folder of that name.
            Some(found) => {
                let folder = Path::new(".").join(&found.folder).canonicalize();
                folder.map_err(|error| Failure::new("project", error))?
            }
        };
        Ok(Project { root, code, yml: found })
    }

    /// Leaves only the package of that name, or of a library of that name. Nothing changes if there is none, or if
    /// there is a yml.
    pub(crate) fn narrow(&mut self, name: &str) {
        let Code::Cargo { workspace, selected } = &mut self.code else { return };
        if self.yml.is_some() {
            return;
        }
        let library = name.replace('-', "_");
        let is_it = |package: &&Package| package.name == name || package.library.as_deref() == Some(&library);
        if let Some(package) = workspace.modules().find(is_it) {
            *selected = vec![package.clone()];
        }
    }

    /// Returns the folder of its yml; without one, of its package or workspace.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the folders that hold it: that of its yml or package, and its workspace's.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        let mut all = vec![self.root.clone()];
        if let Code::Cargo { workspace, .. } = &self.code
            && !self.root.starts_with(&workspace.root)
        {
            all.push(workspace.root.clone());
        } else if let Code::Cargo { workspace, .. } = &self.code {
            all = vec![workspace.root.clone()];
        }
        all
    }

    /// Returns the timers of its yml, with their schedules.
    pub(crate) fn timers(&self) -> Vec<YmlTimer> {
        let Some((found, spec)) = self.yml.as_ref().zip(self.spec()) else { return Vec::new() };
        let mut all = Vec::new();
        for function in &spec.service.functions {
            let timers = function.events.iter().filter(|event| event.key.kinds == ["timer"]);
            for (number, event) in timers.enumerate() {
                // A wrong timer has been reported with the yml.
                let Ok(Some(timer)) = serverless_spec::timers::read(event, &found.read.sources) else { continue };
                all.push(YmlTimer {
                    function: function.name.clone(),
                    number,
                    schedule: timer.schedule,
                    timezone: timer.timezone,
                    written: found.read.sources.part(timer.span).to_owned(),
                });
            }
        }
        all
    }

    /// Returns its name: the service's, that of its only package, or its folder's.
    pub(crate) fn name(&self) -> String {
        if let Some(spec) = self.spec().filter(|spec| !spec.service.name.is_empty()) {
            return spec.service.name.clone();
        }
        match &self.code {
            Code::Cargo { selected, .. } if selected.len() == 1 => selected[0].name.clone(),
            Code::Cargo { .. } => {
                let folder = self.root.file_name().unwrap_or_default().to_string_lossy();
                let name = folder.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_', "_");
                name.trim_start_matches('_').to_owned()
            }
            Code::Native(native) => native.library(),
        }
    }

    /// Returns the service of its yml; `None` without a yml.
    pub(crate) fn spec(&self) -> Option<&Spec> {
        self.yml.as_ref()?.read.spec.as_ref()
    }

    /// Builds all libraries that are needed, functions' and layers', in one nested build, and asks for their
    /// declarations. A library that is no module is left out with a line. Libraries for another machine cannot be
    /// loaded on this one: their packages are built for this machine as well, and that build is asked.
    ///
    /// # Errors
    /// The build fails, nothing is to be built, or a library cannot be loaded.
    pub(crate) fn build(&self, build: &Build, screen: Screen) -> Result<Vec<Library>, Failure> {
        let named = self.named(build);
        let mut libraries = self.libraries(build, screen)?;
        for layer in &named.layers {
            if !libraries.iter().any(|library| library.is_layer_called(layer)) {
                libraries.extend(stock_layer(layer, build, screen)?);
            }
        }
        // Cargo names them in the order in which it was done with them.
        libraries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(libraries)
    }

    /// Returns the deployments. They are the units of the yml, or one deployment of everything that the libraries
    /// declare.
    ///
    /// # Errors
    /// No library has a handler or layer of the yml, or there is no function at all.
    pub(crate) fn units(&self, libraries: &[Library]) -> Result<Vec<Deployment>, Failure> {
        match self.spec() {
            Some(spec) => deployment::of_spec(spec, libraries),
            None => Ok(vec![deployment::of_libraries(&self.name(), libraries)?]),
        }
    }

    /// Returns the first parts of all handlers and layers that are named.
    fn named(&self, build: &Build) -> Named {
        let library = |text: &str| Name::parse(text.trim_end_matches('?')).map(|name| name.library).ok();
        let mut named =
            Named { layers: build.layers.iter().filter_map(|layer| library(layer)).collect(), ..Named::default() };
        let Some(spec) = self.spec() else { return named };
        let service = &spec.service;
        for function in &service.functions {
            let handler = if function.handler.is_empty() { &function.name } else { &function.handler };
            named.functions.extend(library(handler));
        }
        let of_functions = service.functions.iter().flat_map(|function| &function.common.layers);
        let of_units = spec.units.iter().flat_map(|unit| &unit.common.layers);
        let layers = service.layers.iter().chain(&service.provider.layers).chain(of_functions).chain(of_units);
        named.layers.extend(layers.filter_map(|layer| library(&layer.name)));
        named
    }

    /// Returns the packages that are built.
    fn packages(&self, build: &Build) -> Vec<String> {
        let Code::Cargo { workspace, selected } = &self.code else { return Vec::new() };
        let named = self.named(build);
        let is_needed = |package: &&Package| {
            let Some(library) = &package.library else { return false };
            let of_layer = library.strip_prefix("layer_").unwrap_or(library);
            let same = |name: &String| name.replace('-', "_") == *library;
            named.functions.iter().any(same)
                || named.layers.iter().any(|name| same(name) || name.replace('-', "_") == of_layer)
        };
        let is_there = |name: &String| {
            workspace.modules().any(|package| package.library.as_deref() == Some(&name.replace('-', "_")))
        };
        // A handler that names no library may name a function, and then the error can say of which library.
        let is_whole = self.yml.is_none() || !named.functions.iter().all(is_there);
        let needed = workspace.modules().filter(is_needed);
        let own = selected.iter().filter(|_| is_whole);
        needed.chain(own).map(|package| package.name.clone()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn libraries(&self, build: &Build, screen: Screen) -> Result<Vec<Library>, Failure> {
        let files = self.compile(build, screen)?;
        if build.is_for_this_machine() {
            let load = |(package, path): (Option<String>, PathBuf)| match Library::load(&path, package, &build.runtime)
            {
                Err(why) if self.is_optional(&path, build) => {
                    screen.head("left out", &why.to_string());
                    None
                }
                loaded => Some(loaded),
            };
            return files.into_iter().filter_map(load).collect();
        }
        let target = build.target.as_deref().unwrap_or_default();
        screen.head(
            "build",
            &format!(
                "for this machine as well: what is built for {target} cannot be loaded here to ask what it declares"
            ),
        );
        let here = Build { target: None, builder: Builder::Cargo, ..build.clone() };
        let declared = self.libraries(&here, screen)?;
        let placed = files.into_iter().filter_map(|(_, path)| {
            let name = name_of(&path);
            let twin = declared.iter().find(|library| library.name == name)?;
            Some(Library { path, ..twin.clone() })
        });
        Ok(placed.collect())
    }

    /// Returns `true` if a library may turn out to be no module, since it is named nowhere.
    fn is_optional(&self, path: &Path, build: &Build) -> bool {
        let name = name_of(path);
        let named = self.named(build);
        let is = |one: &String| one.replace('-', "_") == name;
        let several = matches!(&self.code, Code::Cargo { selected, .. } if selected.len() > 1);
        several && !named.functions.iter().any(is) && !named.layers.iter().any(is)
    }

    /// Returns the folder that cargo runs in, which settles the `.cargo/config.toml` that it reads. The yml may be outside
    /// of the workspace, where cargo would find no packages.
    pub(crate) fn cargo_folder(&self) -> &Path {
        match &self.code {
            Code::Cargo { workspace, .. } if !self.root.starts_with(&workspace.root) => &workspace.root,
            _ => &self.root,
        }
    }

    /// Returns the files of all libraries, each with its package.
    fn compile(&self, build: &Build, screen: Screen) -> Result<Vec<(Option<String>, PathBuf)>, Failure> {
        let target = build.target.as_ref().map(|target| format!(", {target}")).unwrap_or_default();
        let how = format!("({}{target})", build.profile);
        let workspace = match &self.code {
            Code::Native(native) => {
                screen.head("build", &format!("{} {how}", native.library()));
                return Ok(vec![(None, native.build(build)?)]);
            }
            Code::Cargo { workspace, .. } => workspace,
        };
        let packages = self.packages(build);
        if packages.is_empty() {
            let why = format!(
                "no package of {} makes a shared library that is needed here: one of functions has \
                 `crate-type = [\"cdylib\"]` in the table [lib] of its Cargo.toml",
                workspace.root.display()
            );
            return Err(Failure::new("build", why));
        }
        screen.head("build", &format!("{} {how}", packages.join(", ")));
        let made = CargoBuild {
            folder: self.cargo_folder(),
            packages: &packages,
            profile: &build.profile,
            target: build.target.as_deref(),
            builder: build.builder,
            more: &build.more,
        };
        let made = made.run()?.into_iter().filter(|artifact| artifact.binary.is_none());
        let wanted = |artifact: &Artifact| packages.contains(&artifact.package);
        Ok(made.filter(wanted).map(|artifact| (Some(artifact.package), artifact.file)).collect())
    }
}

/// A timer of the yml, with its schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct YmlTimer {
    /// The name of the function.
    pub(crate) function: String,
    /// The number of the timer among the function's, counted from 0.
    pub(crate) number: usize,
    /// The schedule that was read.
    pub(crate) schedule: Schedule,
    /// The time zone; `None` for UTC.
    pub(crate) timezone: Option<String>,
    /// The schedule as the yml has it.
    pub(crate) written: String,
}

/// The first parts of handlers and of layers' names.
#[derive(Debug, Default)]
struct Named {
    functions: BTreeSet<String>,
    layers: BTreeSet<String>,
}

/// Returns a layer that comes with the runtimes, from the cache; `None` if no layer has that name.
///
/// # Errors
/// The layer does not build or cannot be loaded; or the source of the layers is gone, so that nobody knows whether there
/// is one.
pub(crate) fn stock_layer(name: &str, build: &Build, screen: Screen) -> Result<Option<Library>, Failure> {
    let own = RuntimeBuild { target: build.target.clone(), builder: build.builder, ..RuntimeBuild::default() };
    let Some(path) = runtimes::layer(name, &own, screen)? else {
        return runtimes::lost_source().map_or(Ok(None), |folder| Err(lost(name, &folder)));
    };
    if build.is_for_this_machine() {
        return Library::load(&path, None, &build.runtime).map(Some);
    }
    let Some(here) = runtimes::layer(name, &RuntimeBuild::default(), screen)? else { return Ok(None) };
    Library::load(&here, None, &build.runtime).map(|twin| Some(Library { path, ..twin }))
}

/// Returns the failure for a layer that no library here has, where those that come with the tool cannot be looked for.
fn lost(layer: &str, source: &Path) -> Failure {
    let why = format!(
        "no library here has `{layer}`, and the repository that this tool is built from, with the layers that come with \
         it, is not at {}: give the path of its .so file, or install the tool again",
        source.display()
    );
    Failure::new("layer", why)
}

/// Returns `true` unless the code of a folder is in C or Go, which compilers of their own make libraries of.
pub(crate) fn is_cargos(folder: &Path) -> bool {
    folder.join("Cargo.toml").is_file() || Native::find(folder).is_none()
}

impl Code {
    fn find(folder: &Path, packages: &[String]) -> Result<Code, Failure> {
        if !folder.join("Cargo.toml").is_file()
            && let Some(native) = Native::find(folder).filter(|_| packages.is_empty())
        {
            return Ok(Code::Native(native));
        }
        if !folder.ancestors().any(|place| place.join("Cargo.toml").is_file()) {
            let why = format!(
                "there is none in {}: expected a Cargo.toml here or above, a go.mod, or files in C or C++; \
                 `cargo faas new` makes one",
                folder.display()
            );
            return Err(Failure::new("project", why));
        }
        let workspace = Workspace::of(folder)?;
        let selected = select(&workspace, folder, packages)?;
        Ok(Code::Cargo { workspace, selected })
    }

    /// Returns the folders in which a yml is looked for, in order.
    fn folders(&self, folder: &Path) -> Vec<PathBuf> {
        let mut places = vec![folder.to_owned()];
        if let Code::Cargo { workspace, .. } = self {
            places.extend(workspace.member_at(folder).map(|package| package.folder.clone()));
            places.push(workspace.root.clone());
        }
        places
    }

    fn root(&self) -> &Path {
        match self {
            Code::Cargo { selected, .. } if selected.len() == 1 => &selected[0].folder,
            Code::Cargo { workspace, .. } => &workspace.root,
            Code::Native(native) => &native.folder,
        }
    }
}

/// Returns the chosen packages: those that are named, else that of the folder, else all that make a library.
fn select(workspace: &Workspace, folder: &Path, packages: &[String]) -> Result<Vec<Package>, Failure> {
    if packages.is_empty() {
        let here = workspace.member_at(folder).filter(|package| package.library.is_some());
        return Ok(here.map_or_else(|| workspace.modules().cloned().collect(), |package| vec![package.clone()]));
    }
    let named = |name: &String| {
        let is_it = |package: &&Package| package.name == *name || package.name == name.replace('_', "-");
        workspace.modules().find(is_it).cloned().ok_or_else(|| {
            let mut offered: Vec<&str> = workspace.modules().map(|package| package.name.as_str()).collect();
            offered.sort_unstable();
            let why = format!(
                "expected a package of {} with `crate-type = [\"cdylib\"]`, found {name}; there are: {}",
                workspace.root.display(),
                offered.join(", ")
            );
            Failure::new("package", why)
        })
    };
    packages.iter().map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_libraries_for_this_machines_architecture_and_glibc_can_be_loaded() {
        let here = std::env::consts::ARCH;
        let other = if here == "x86_64" { "aarch64" } else { "x86_64" };
        let is_here = |target: Option<String>| {
            Build { target, ..Build::new("dev".to_owned(), PathBuf::new()) }.is_for_this_machine()
        };
        assert!(is_here(None));
        assert!(is_here(Some(format!("{here}-unknown-linux-gnu"))));
        assert!(is_here(Some(format!("{here}-unknown-linux-gnu.2.17"))));
        assert!(!is_here(Some(format!("{here}-unknown-linux-musl"))));
        assert!(!is_here(Some(format!("{other}-unknown-linux-gnu"))));
    }

    #[test]
    fn a_layer_that_cannot_be_looked_for_is_told_with_the_place() {
        let said = lost("monitor", Path::new("/gone")).to_string();
        assert!(said.starts_with("layer: no library here has `monitor`, and the repository "), "{said}");
        assert!(said.contains("is not at /gone: give the path of its .so file"), "{said}");
        assert_eq!(runtimes::lost_source(), None);
    }

    #[test]
    fn a_folder_without_code_says_what_was_expected() {
        let folder = tempfile::tempdir().unwrap();
        let yml = YmlArgs::default();
        let error = Project::find(folder.path(), &yml, &[], Screen::new()).unwrap_err().to_string();
        assert!(error.contains("expected a Cargo.toml here or above, a go.mod, or files in C or C++"), "{error}");
    }
}

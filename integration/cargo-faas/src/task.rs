//! The task folder: modules under the names the runtimes look for, as in the archive that is uploaded, and the command
//! that starts a runtime in it. Gone when dropped.

use crate::artifacts::{self, Artifacts};
use crate::failure::Failure;
use crate::options::Options;
use crate::screen::Screen;
use crate::workspace::{ENGINE, Workspace};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const LIGHT: &str = "light-runtime";

/// Variables that decide what the tool decides; every other `FAAS_` variable of the caller's reaches the runtime.
const DECIDED: &[&str] = &["FAAS_HANDLER", "FAAS_LAYERS", "FAAS_PLATFORM", "FAAS_ROOT"];

/// A module as the command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    /// The library's name without `lib` and `.so`.
    library: String,
    /// `library`, `library.entry`, `library?`: what the runtime is told.
    told: String,
    /// The file, if the command line gave its path.
    file: Option<PathBuf>,
}

impl Named {
    fn read(text: &str, file_prefixes: &[&str]) -> Named {
        let (text, optional) = text.strip_suffix('?').map_or((text, ""), |text| (text, "?"));
        if text.contains('/') || text.ends_with(".so") {
            let stem = Path::new(text).file_stem().unwrap_or_default().to_string_lossy();
            let bare = file_prefixes.iter().find_map(|prefix| stem.strip_prefix(prefix)).unwrap_or(&stem);
            // A dot would separate library and entry.
            let library = bare.replace('.', "_");
            return Named { told: format!("{library}{optional}"), library, file: Some(PathBuf::from(text)) };
        }
        let library = text.split('.').next().unwrap_or(text).to_owned();
        Named { library, told: format!("{text}{optional}"), file: None }
    }
}

/// A task folder and the runtime that is to run in it.
#[derive(Debug)]
pub(crate) struct Task {
    folder: TempDir,
    runtime: PathBuf,
    handler: String,
    layers: Vec<String>,
}

impl Task {
    /// Builds what is not given as a file and lays it out.
    pub(crate) fn make(options: &Options, screen: &Screen) -> Result<Task, Failure> {
        let function = Named::read(&options.function, &["lib"]);
        let layers: Vec<_> = options.layers.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
        let layers: Vec<_> = layers.into_iter().map(|text| Named::read(text, &["liblayer_", "lib"])).collect();
        let plan = Plan::make(options, &function, &layers)?;
        let made = plan.build(options, screen)?;
        let folder = tempfile::Builder::new().prefix("faas-task-").tempdir();
        let folder = folder.map_err(|error| Failure::new("task folder", error))?;
        let task = Task {
            runtime: plan.runtime(options, &made)?,
            handler: function.told.clone(),
            layers: layers.iter().map(|layer| layer.told.clone()).collect(),
            folder,
        };
        let spelt = |name: &str| name.replace('-', "_");
        task.add(&format!("lib{}.so", spelt(&function.library)), &file(&function, &plan.function, &made)?)?;
        for (layer, package) in layers.iter().zip(&plan.layers) {
            task.add(&format!("layers/liblayer_{}.so", spelt(&layer.library)), &file(layer, package, &made)?)?;
        }
        Ok(task)
    }

    fn add(&self, name: &str, from: &Path) -> Result<(), Failure> {
        let to = self.root().join(name);
        let folder = to.parent().map_or(Ok(()), std::fs::create_dir_all);
        // A copy: the next build replaces its output while this one may be running.
        folder.and_then(|()| std::fs::copy(from, &to)).map_err(|error| {
            let why = format!("{} cannot be copied to {}: {error}", from.display(), to.display());
            Failure::new("task folder", why)
        })?;
        Ok(())
    }

    /// The folder.
    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// `_HANDLER`.
    pub(crate) fn handler(&self) -> &str {
        &self.handler
    }

    /// The runtime's file name.
    pub(crate) fn runtime_name(&self) -> String {
        self.runtime.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The layers, outermost first.
    pub(crate) fn layers(&self) -> &[String] {
        &self.layers
    }

    /// Is there a layer that tells of phases?
    pub(crate) fn is_monitored(&self) -> bool {
        self.layers.iter().any(|layer| matches!(layer.trim_end_matches('?'), "monitor" | "layer-monitor"))
    }

    /// The runtime's command, with the variables that are not the platform's.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.runtime);
        for (name, value) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("FAAS_") && !DECIDED.contains(&&*text) {
                command.env(&name, value);
            }
        }
        command.env("FAAS_LAYERS", self.layers.join(","));
        command
    }
}

/// The packages to build; `None` where a file was given.
struct Plan {
    workspace: Option<Workspace>,
    function: Option<String>,
    layers: Vec<Option<String>>,
    runtime: Option<&'static str>,
}

impl Plan {
    fn make(options: &Options, function: &Named, layers: &[Named]) -> Result<Plan, Failure> {
        let named = |module: &Named| module.file.is_none();
        let runtime = options.runtime.is_none().then_some(if options.light { LIGHT } else { ENGINE });
        if runtime.is_none() && !named(function) && !layers.iter().any(named) {
            return Ok(Plan { workspace: None, function: None, layers: vec![None; layers.len()], runtime: None });
        }
        let workspace = Workspace::find()?;
        if let Some(runtime) = runtime {
            workspace.runtime(runtime)?;
        }
        let package = |step, module: &Named, spellings: &[String]| match &module.file {
            Some(_) => Ok(None),
            None => workspace.module(step, spellings).map(Some),
        };
        let spellings = |layer: &Named| [format!("layer-{}", layer.library), layer.library.clone()];
        let layers = layers.iter().map(|layer| package("layer", layer, &spellings(layer)));
        Ok(Plan {
            function: package("function", function, std::slice::from_ref(&function.library))?,
            layers: layers.collect::<Result<_, _>>()?,
            runtime,
            workspace: Some(workspace),
        })
    }

    fn build(&self, options: &Options, screen: &Screen) -> Result<Artifacts, Failure> {
        let Some(workspace) = &self.workspace else { return Ok(Artifacts::default()) };
        let modules = self.function.iter().chain(self.layers.iter().flatten());
        let packages: Vec<String> = self.runtime.map(str::to_owned).into_iter().chain(modules.cloned()).collect();
        screen.head("build", &format!("{} ({})", packages.join(", "), options.profile));
        artifacts::build(workspace, &packages, &options.profile)
    }

    fn runtime(&self, options: &Options, made: &Artifacts) -> Result<PathBuf, Failure> {
        let file = match &options.runtime {
            Some(file) => file.clone(),
            None => return made.binary(if options.light { "light-bootstrap" } else { "bootstrap" }),
        };
        // The process starts in another folder.
        file.canonicalize().map_err(|error| Failure::new("runtime", format!("{}: {error}", file.display())))
    }
}

fn file(module: &Named, package: &Option<String>, made: &Artifacts) -> Result<PathBuf, Failure> {
    match (&module.file, package) {
        (Some(file), _) => Ok(file.clone()),
        (None, Some(package)) => made.module(package),
        (None, None) => Err(Failure::new("build", format!("nothing makes {}", module.library))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_become_what_the_runtime_is_told() {
        let layer = |text| Named::read(text, &["liblayer_", "lib"]);
        for (text, library, told, file) in [
            ("monitor", "monitor", "monitor", None),
            ("metrics?", "metrics", "metrics?", None),
            ("shop.auth", "shop", "shop.auth", None),
            ("/t/liblayer_monitor.so", "monitor", "monitor", Some("/t/liblayer_monitor.so")),
            ("trace.so?", "trace", "trace?", Some("trace.so")),
            ("./libmy.v2.so", "my_v2", "my_v2", Some("./libmy.v2.so")),
        ] {
            let expected = Named { library: library.into(), told: told.into(), file: file.map(PathBuf::from) };
            assert_eq!(layer(text), expected, "{text}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named_in_the_error() {
        let folder = tempfile::tempdir().unwrap();
        let task =
            Task { folder, runtime: "bootstrap".into(), handler: "hello".into(), layers: vec!["monitor?".into()] };
        assert!(task.is_monitored());
        let error = task.add("libhello.so", Path::new("/no/such/libhello.so")).unwrap_err().to_string();
        assert!(error.starts_with("task folder: /no/such/libhello.so cannot be copied to "), "{error}");
    }
}

//! The deployment that is run: the arguments that `dev` and `invoke` share, and the deployment, libraries and runtime
//! that result.

use crate::failure::Failure;
use crate::outer;
use crate::project::deployment::{self, Deployment};
use crate::project::library::{Library, name_of};
use crate::project::runtimes::{self, RuntimeBuild, RuntimeKind};
use crate::project::{self, Build, Project, YmlTimer};
use crate::screen::Screen;
use crate::service::read::{YmlArgs, dotenv, name_and_value};
use clap::Args;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The variables that the tool sets itself, each with the option to use instead.
const DECIDED: [(&str, &str); 5] = [
    ("FAAS_HANDLER", "--function says which function runs"),
    ("FAAS_LAYERS", "--layers says which layers run"),
    ("FAAS_MANIFEST", "the yml, or what the libraries declare, says what runs"),
    ("FAAS_PLATFORM", "the local platform is what the runtime finds"),
    ("FAAS_ROOT", "libraries are where the tool lays them"),
];

/// The seconds that an invocation may take without `--timeout`.
const TIMEOUT: u64 = 30;

/// An option of the command line, and the look whether it is given.
type Given = (&'static str, fn(&RunArgs) -> bool);

/// The options that say how a deployment is built and how its runtime is started. A dev that runs has decided that.
const OF_A_START: [Given; 13] = [
    ("--function with a file", |run| matches!(run.function.as_deref().map(Chosen::read), Some(Chosen::File(..)))),
    ("--layers", |run| run.layers.is_some()),
    ("--package", |run| !run.package.is_empty()),
    ("--light", |run| run.light),
    ("--runtime", |run| run.runtime.is_some()),
    ("--timeout", |run| run.timeout.is_some()),
    ("--release", |run| run.release),
    ("--profile", |run| run.profile.is_some()),
    ("--env", |run| !run.env.is_empty()),
    ("--env-file", |run| run.env_file.is_some()),
    ("--file", |run| run.yml.file.is_some()),
    ("--stage", |run| run.yml.stage.is_some()),
    ("--opt", |run| !run.yml.options.is_empty()),
];

/// The variable of the tool's own cache, which is no setting of a runtime.
const CACHE: &str = "FAAS_CACHE";

/// The yml that `cargo run` in the root of this repository serves.
const EXAMPLE: &str = "integration/examples/shop/serverless.yml";

/// Arguments of the commands that run functions.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    /// A function, deployment or package of the project, `library.function`, or a file: `path.so`, `path.so:function`
    /// [default: the deployment of the project]
    #[arg(long, value_name = "NAME|PATH")]
    pub(crate) function: Option<String>,

    /// Names or .so files of further layers, outermost first; `name?` may fail; empty for none
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    layers: Option<Vec<String>>,

    /// Only this package of the workspace; may be repeated
    #[arg(long, short, value_name = "NAME")]
    package: Vec<String>,

    /// Run under light-bootstrap instead of bootstrap
    #[arg(long)]
    light: bool,

    /// Run under this binary instead of one from the cache
    #[arg(long, value_name = "PATH", conflicts_with = "light")]
    runtime: Option<PathBuf>,

    /// Seconds an invocation may take, 1 to 900 [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=900))]
    timeout: Option<u64>,

    /// Build optimised, as it is shipped
    #[arg(long, conflicts_with = "profile")]
    release: bool,

    /// Cargo profile to build functions and layers with [default: dev]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,

    /// A variable for the runtime and its functions; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<(String, String)>,

    /// A file of such variables, one NAME=VALUE a line; what --env says counts before it
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,

    #[command(flatten)]
    yml: YmlArgs,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = name_and_value(text)?;
    match decided(&name) {
        Some(instead) => Err(format!("{name} is not for --env: {instead}")),
        None => Ok((name, value)),
    }
}

fn decided(name: &str) -> Option<&'static str> {
    DECIDED.iter().find(|(decided, _)| *decided == name).map(|(_, instead)| *instead)
}

/// A deployment that can be run, with all that it needs.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The deployment itself.
    pub(crate) deployment: Deployment,
    /// The libraries of the layers that the command line names.
    pub(crate) more: Vec<Library>,
    /// The layers around everything, outermost first: those of the command line, and without a manifest the
    /// deployment's own.
    pub(crate) layers: Vec<String>,
    /// The file of the runtime.
    pub(crate) runtime: PathBuf,
    /// The variables that are not the platform's, without `FAAS_LAYERS`.
    pub(crate) environment: Vec<(String, String)>,
}

/// A function as the command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Chosen {
    /// A name of the project.
    Name(String),
    /// A file, and a function in it if one is named.
    File(PathBuf, Option<String>),
}

impl Chosen {
    fn name(&self) -> Option<&str> {
        match self {
            Chosen::Name(name) => Some(name),
            Chosen::File(..) => None,
        }
    }

    fn read(text: &str) -> Chosen {
        if let Some((path, function)) = text.rsplit_once(".so:") {
            return Chosen::File(format!("{path}.so").into(), Some(function.to_owned()));
        }
        if text.contains('/') || text.ends_with(".so") {
            Chosen::File(text.into(), None)
        } else {
            Chosen::Name(text.to_owned())
        }
    }
}

impl RunArgs {
    /// Returns the time that an invocation may take.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.unwrap_or(TIMEOUT))
    }

    /// Returns the platform that the command line names; `None` if it names no platform.
    pub(crate) fn platform(&self) -> Option<&str> {
        self.yml.platform.as_deref()
    }

    /// Returns an option that a dev which runs already cannot heed; `None` without one.
    pub(crate) fn of_a_start(&self) -> Option<&'static str> {
        OF_A_START.iter().find(|(_, is_given)| is_given(self)).map(|(option, _)| *option)
    }

    fn profile(&self) -> String {
        let named = self.profile.as_deref().unwrap_or("dev");
        if self.release { "release".to_owned() } else { named.to_owned() }
    }

    /// Returns the runtime: the one that is named, or the one in the cache.
    ///
    /// # Errors
    /// The file is not there, or the runtime does not build.
    pub(crate) fn runtime(&self, screen: Screen) -> Result<PathBuf, Failure> {
        let kind = if self.light { RuntimeKind::Light } else { RuntimeKind::Full };
        match &self.runtime {
            // The process starts in another folder.
            Some(file) => {
                file.canonicalize().map_err(|error| Failure::new("runtime", format!("{}: {error}", file.display())))
            }
            None => runtimes::runtime(kind, &RuntimeBuild::default(), screen),
        }
    }

    /// Returns the variables for the runtime: `FAAS_` variables of the caller's, the file's, and those of `--env`, each
    /// over those before. A variable that the tool sets itself is refused with a line.
    ///
    /// # Errors
    /// The file cannot be read, or sets a variable that the tool sets itself.
    pub(crate) fn environment(&self, screen: Screen) -> Result<Vec<(String, String)>, Failure> {
        let mut all = Vec::new();
        for (name, value) in std::env::vars() {
            match decided(&name) {
                Some(instead) => screen.head("refused", &format!("{name} of the environment: {instead}")),
                None if name.starts_with("FAAS_") && name != CACHE => all.push((name, value)),
                None => {}
            }
        }
        if let Some(path) = &self.env_file {
            for (name, value) in dotenv(path)? {
                if let Some(instead) = decided(&name) {
                    return Err(Failure::new("env file", format!("{}: {name}: {instead}", path.display())));
                }
                all.push((name, value));
            }
        }
        all.extend(self.env.iter().cloned());
        Ok(all)
    }

    /// Builds the deployment that is to be run.
    ///
    /// # Errors
    /// A build fails, or a named part does not exist.
    pub(crate) fn prepare(&self, screen: Screen) -> Result<Prepared, Failure> {
        let environment = self.environment(screen)?;
        let chosen = self.function.as_deref().map(Chosen::read);
        let project = match chosen {
            Some(Chosen::File(..)) => None,
            _ => Some(self.project(chosen.as_ref(), screen)?),
        };
        let layers = self.layers();
        let runtime = self.runtime(screen)?;
        let names = layers.iter().filter(|layer| layer.file.is_none()).map(|layer| layer.told.clone()).collect();
        let build = Build { layers: names, ..Build::new(self.profile(), runtime.clone()) };
        let (deployment, built) = match (&chosen, &project) {
            (Some(Chosen::File(path, function)), _) => {
                let library = Library::load(path, None, &runtime)?;
                let whole = deployment::of_libraries(&library.name, std::slice::from_ref(&library))?;
                let wanted = function.as_ref().map(|function| format!("{}.{function}", library.name));
                (deployment::choose(vec![whole], wanted.as_deref())?, stock_layers(&build, screen)?)
            }
            (other, Some(project)) => {
                let built = project.build(&build, screen)?;
                let units = project.units(&built)?;
                let name = other.as_ref().and_then(Chosen::name);
                if let (None, [first, others @ ..]) = (name, &units[..])
                    && !others.is_empty()
                {
                    let others: Vec<&str> = others.iter().map(|unit| unit.name.as_str()).collect();
                    let others = others.join(", ");
                    screen.head("chosen", &format!("{}; --function names another: {others}", first.name));
                }
                (deployment::choose(units, name)?, built)
            }
            (_, None) => return Err(Failure::new("project", "there is none")),
        };
        let more = more_libraries(&layers, &built, &runtime)?;
        let told: Vec<String> = layers.into_iter().map(|layer| layer.told).collect();
        // The layers of a manifest stand in it.
        let own = if deployment.manifest.is_none() { &deployment.layers[..] } else { &[] };
        let layers = outer::names(&told, own);
        Ok(Prepared { layers, more, deployment, runtime, environment })
    }

    /// Builds everything that the project deploys, or the part that the command line names.
    ///
    /// # Errors
    /// It fails as [`prepare`](RunArgs::prepare) does.
    pub(crate) fn prepare_all(&self, screen: Screen) -> Result<(Vec<Prepared>, Vec<YmlTimer>), Failure> {
        if self.function.is_some() {
            return Ok((vec![self.prepare(screen)?], Vec::new()));
        }
        let project = self.project(None, screen)?;
        let timers = project.timers();
        if project.spec().is_none() {
            return Ok((vec![self.prepare(screen)?], timers));
        }
        let environment = self.environment(screen)?;
        let layers = self.layers();
        let runtime = self.runtime(screen)?;
        let names = layers.iter().filter(|layer| layer.file.is_none()).map(|layer| layer.told.clone()).collect();
        let build = Build { layers: names, ..Build::new(self.profile(), runtime.clone()) };
        let built = project.build(&build, screen)?;
        let more = more_libraries(&layers, &built, &runtime)?;
        let layers: Vec<String> = layers.into_iter().map(|layer| layer.told).collect();
        let units = project.units(&built)?.into_iter().map(|deployment| Prepared {
            deployment,
            more: more.clone(),
            layers: layers.clone(),
            runtime: runtime.clone(),
            environment: environment.clone(),
        });
        Ok((units.collect(), timers))
    }

    /// Returns the folders that hold the project: that of its yml or package, and its workspace's.
    ///
    /// # Errors
    /// There is no project.
    pub(crate) fn folders(&self, screen: Screen) -> Result<Vec<PathBuf>, Failure> {
        if let Some(Chosen::File(path, _)) = self.function.as_deref().map(Chosen::read) {
            return Ok(vec![path]);
        }
        Ok(self.project(None, screen)?.folders())
    }

    /// Returns the project of the current folder, or the part of it that the named function belongs to.
    fn project(&self, chosen: Option<&Chosen>, screen: Screen) -> Result<Project, Failure> {
        let here = std::env::current_dir().map_err(|error| Failure::new("current folder", error))?;
        let mut project = Project::find(&here, &self.yml, &self.package, screen)?;
        if self.is_for_the_example(&project) {
            let yml = YmlArgs { file: Some(project.root().join(EXAMPLE)), ..self.yml.clone() };
            return Project::find(&here, &yml, &self.package, screen);
        }
        if let Some(name) = chosen.and_then(Chosen::name) {
            project.narrow(name.split('.').next().unwrap_or(name));
        }
        Ok(project)
    }

    /// Returns `true` in the root of this repository, if no argument names a function.
    fn is_for_the_example(&self, project: &Project) -> bool {
        let is_unsaid = self.function.is_none() && self.package.is_empty() && self.yml.file.is_none();
        is_unsaid && project.spec().is_none() && runtimes::is_source(project.root())
    }

    /// Returns the files that the options name, which may lie outside of the project.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let layers = self.layers().into_iter().filter_map(|layer| layer.file);
        self.env_file.iter().cloned().chain(self.yml.file.clone()).chain(layers).collect()
    }

    /// Returns the layers that the command line names.
    fn layers(&self) -> Vec<NamedLayer> {
        let named = self.layers.iter().flatten().map(|text| text.trim());
        named.filter(|text| !text.is_empty()).map(NamedLayer::read).collect()
    }
}

/// Returns the libraries of the layers that the command line names.
fn more_libraries(layers: &[NamedLayer], built: &[Library], runtime: &Path) -> Result<Vec<Library>, Failure> {
    let of = |layer: &NamedLayer| match &layer.file {
        Some(file) => Library::load(file, None, runtime),
        None => Ok(built[deployment::find_layer(layer.told.trim_end_matches('?'), built)?].clone()),
    };
    layers.iter().map(of).collect()
}

/// Returns the layers of a build that come with the runtimes.
fn stock_layers(build: &Build, screen: Screen) -> Result<Vec<Library>, Failure> {
    let mut found = Vec::new();
    for layer in &build.layers {
        let name = layer.trim_end_matches('?');
        let name = name.split('.').next().unwrap_or(name);
        let library = project::stock_layer(name, build, screen)?;
        found.push(library.ok_or_else(|| {
            Failure::new(
                "layer",
                format!("none comes with the runtimes under the name `{name}`; give the path of its .so file"),
            )
        })?);
    }
    Ok(found)
}

/// A layer as the command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NamedLayer {
    /// The text for `FAAS_LAYERS`: `library` or `library.layer`, with a `?` if it is optional.
    told: String,
    /// The file, if its path is given; `None` for a name.
    file: Option<PathBuf>,
}

impl NamedLayer {
    fn read(text: &str) -> NamedLayer {
        let (path, optional) = text.strip_suffix('?').map_or((text, ""), |text| (text, "?"));
        if !path.contains('/') && !path.ends_with(".so") {
            return NamedLayer { told: text.to_owned(), file: None };
        }
        let name = name_of(Path::new(path));
        let name = name.strip_prefix("layer_").unwrap_or(&name);
        NamedLayer { told: format!("{name}{optional}"), file: Some(PathBuf::from(path)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::FromArgMatches;

    #[test]
    fn functions_are_names_or_files_with_or_without_a_function() {
        for (text, expected) in [
            ("shop.order", Chosen::Name("shop.order".into())),
            ("./libshop.so", Chosen::File("./libshop.so".into(), None)),
            ("libshop.so", Chosen::File("libshop.so".into(), None)),
            ("t/libshop.so:order", Chosen::File("t/libshop.so".into(), Some("order".into()))),
        ] {
            assert_eq!(Chosen::read(text), expected, "{text}");
        }
    }

    #[test]
    fn of_every_option_it_is_known_whether_a_running_dev_heeds_it() {
        /// The options that a running dev is told of: whose an event is, and of which platform.
        const TOLD: [&str; 2] = ["--function", "--platform"];
        let definition = RunArgs::augment_args(clap::Command::new("run"));
        let read = |arguments: &[&str]| {
            let read = definition.clone().try_get_matches_from([&["run"], arguments].concat());
            read.map(|matches| RunArgs::from_arg_matches(&matches).unwrap())
        };
        let mut known = vec!["--function with a file".to_owned()];
        for argument in definition.get_arguments() {
            let option = format!("--{}", argument.get_long().unwrap());
            let with = |value: &str| if value.is_empty() { read(&[&option]) } else { read(&[&option, value]) };
            let given = ["", "5", "A=b"].into_iter().find_map(|value| with(value).ok()).unwrap();
            let expected = if TOLD.contains(&&*option) { None } else { Some(&*option) };
            assert_eq!(given.of_a_start(), expected);
            known.extend(expected.map(str::to_owned));
        }
        assert_eq!(read(&["--function", "libshop.so"]).unwrap().of_a_start(), Some("--function with a file"));
        assert_eq!(read(&[]).unwrap().of_a_start(), None);
        assert!(OF_A_START.iter().all(|(option, _)| known.iter().any(|known| known == option)), "{known:?}");
    }

    #[test]
    fn layers_are_names_or_files_and_what_the_runtime_is_told_has_no_path() {
        for (text, told, file) in [
            ("monitor", "monitor", None),
            ("metrics?", "metrics?", None),
            ("shop.auth", "shop.auth", None),
            ("/t/liblayer_monitor.so", "monitor", Some("/t/liblayer_monitor.so")),
            ("trace.so?", "trace?", Some("trace.so")),
            ("./libmy.v2.so", "my_v2", Some("./libmy.v2.so")),
        ] {
            let expected = NamedLayer { told: told.into(), file: file.map(PathBuf::from) };
            assert_eq!(NamedLayer::read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_the_tool_decides_is_refused_with_what_to_write_instead() {
        assert_eq!(variable("A=b=c"), Ok(("A".to_owned(), "b=c".to_owned())));
        let error = variable("FAAS_HANDLER=x").unwrap_err();
        assert_eq!(error, "FAAS_HANDLER is not for --env: --function says which function runs");
        assert!(variable("FAAS_CONFIG={}").is_ok());
    }
}

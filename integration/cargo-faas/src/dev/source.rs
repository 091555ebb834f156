//! The source of deployments: a folder that somebody else fills, or the project, which is built.

use super::address;
use super::deployment::{Deployment, Timer};
use super::options::Dev;
use super::watch::Watched;
use crate::failure::Failure;
use crate::outer;
use crate::project::YmlTimer;
use crate::project::deployment::with_named_timers;
use crate::project::runtimes::{self, RuntimeBuild};
use crate::running::{Prepared, RunArgs};
use crate::screen::Screen;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// The source of deployments, with its settings.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    kind: Kind,
    runtime: PathBuf,
    span: Option<PathBuf>,
    watched: Vec<PathBuf>,
    screen: Screen,
}

#[derive(Clone, Debug)]
enum Kind {
    /// A folder with a deployment.
    Folder(PathBuf),
    /// A project, and the folders that hold it.
    Project(Box<RunArgs>, Vec<PathBuf>),
}

impl Source {
    /// Finds the source that the command line names.
    ///
    /// # Errors
    /// There is no project here, or no runtime can be built.
    pub(crate) fn find(options: &Dev, screen: Screen) -> Result<Source, Failure> {
        let absolute = |path: &PathBuf| {
            std::path::absolute(path).map_err(|error| Failure::new("dev", format!("{}: {error}", path.display())))
        };
        let kind = match &options.deployment {
            Some(folder) => Kind::Folder(absolute(folder)?),
            None => Kind::Project(Box::new(options.run.clone()), options.run.folders(screen)?),
        };
        let runtime = options.run.runtime(screen)?;
        let span = match (&options.span, &kind) {
            _ if options.no_spans => None,
            (Some(path), _) => Some(absolute(path)?),
            (None, Kind::Folder(_)) => None,
            (None, Kind::Project(..)) => runtimes::layer("span", &RuntimeBuild::default(), screen)?,
        };
        let mut watched: Vec<PathBuf> = options.watch.iter().map(absolute).collect::<Result<_, _>>()?;
        match &kind {
            Kind::Folder(folder) => watched.push(folder.clone()),
            Kind::Project(args, folders) => {
                watched.extend(folders.iter().cloned());
                let named: Result<Vec<PathBuf>, Failure> = args.files().iter().map(absolute).collect();
                watched.extend(named?);
            }
        }
        Ok(Source { kind, runtime, span, watched, screen })
    }

    /// Returns the file of the runtime.
    pub(crate) fn runtime(&self) -> PathBuf {
        self.runtime.clone()
    }

    /// Returns the file that has the address of a running dev.
    pub(crate) fn address_file(&self) -> PathBuf {
        match &self.kind {
            // The file lies beside the watched folder.
            Kind::Folder(folder) => {
                let name = folder.file_name().unwrap_or_default().to_string_lossy();
                folder.with_file_name(format!(".{name}-{}", address::NAME))
            }
            Kind::Project(_, folders) => {
                // The folder of CARGO_TARGET_DIR is not used, since several projects may share it.
                folders.first().map(|folder| folder.join("target")).unwrap_or_default().join(address::NAME)
            }
        }
    }

    /// Returns the files and folders that are watched.
    pub(crate) fn watched(&self) -> Watched {
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        Watched { paths: self.watched.clone(), left_out: target.into_iter().collect() }
    }

    /// Makes a deployment of the present state. A project is built first.
    ///
    /// # Errors
    /// The build fails, the yml is wrong, or it cannot be written.
    pub(crate) fn make(&self) -> Result<Deployment, Failure> {
        let args = match &self.kind {
            Kind::Folder(folder) => return Deployment::copy(folder, self.span.as_deref(), &[]),
            Kind::Project(args, _) => args,
        };
        let (units, timers) = args.prepare_all(self.screen)?;
        let folder = tempfile::Builder::new().prefix("faas-build-").tempdir();
        let folder = folder.map_err(|error| Failure::new("deployment", error))?;
        for unit in &units {
            lay_out(folder.path(), unit)?;
        }
        let environment = units.first().map(|unit| unit.environment.clone()).unwrap_or_default();
        let mut deployment = Deployment::copy(folder.path(), self.span.as_deref(), &environment)?;
        for unit in &units {
            deployment.learn(&folder_name(unit), &unit.deployment.functions);
        }
        let first = units.first().map(folder_name);
        deployment.first = deployment.units.iter().position(|unit| Some(&unit.name) == first.as_ref()).unwrap_or(0);
        let own = self.timers(&deployment, timers);
        deployment.add_timers(own);
        Ok(deployment)
    }

    /// Returns the timers of a yml, by the names that its manifests give them.
    fn timers(&self, deployment: &Deployment, timers: Vec<YmlTimer>) -> Vec<Timer> {
        let mut all = Vec::new();
        for timer in timers {
            if let Some(zone) = timer.timezone.filter(|zone| zone != "UTC") {
                let text = format!("{} of {} is due in {zone}; here it fires by UTC", timer.written, timer.function);
                self.screen.head("timer", &text);
            }
            let Some(unit) = deployment.unit_of(&timer.function).and_then(|unit| deployment.units.get(unit)) else {
                continue;
            };
            all.push(Timer {
                unit: unit.name.clone(),
                source: unit.timer_name(&timer.function, timer.number),
                function: timer.function,
                schedule: timer.schedule,
                written: timer.written,
            });
        }
        all
    }
}

/// Returns the name of a unit's folder.
fn folder_name(unit: &Prepared) -> String {
    unit.deployment.name.replace('/', "-")
}

/// Lays a unit out as in its package.
fn lay_out(folder: &Path, unit: &Prepared) -> Result<(), Failure> {
    let root = folder.join(folder_name(unit));
    let failed =
        |path: &Path, error: std::io::Error| Failure::new("deployment", format!("{}: {error}", path.display()));
    for library in unit.deployment.libraries.iter().chain(&unit.more) {
        let to = root.join(library.place());
        let made = to.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::copy(&library.path, &to)).map_err(|error| failed(&library.path, error))?;
    }
    let path = root.join("faas.json");
    fs::write(&path, manifest(unit)?).map_err(|error| failed(&path, error))
}

/// Returns the manifest of a unit; a unit without one serves every event with its function.
fn manifest(unit: &Prepared) -> Result<String, Failure> {
    let own = match &unit.deployment.manifest {
        Some(text) => serde_json::from_str(text).map_err(|error| Failure::new("manifest", error))?,
        None => {
            let functions = unit.deployment.functions.iter().zip(with_named_timers(&unit.deployment.functions));
            let functions = functions.map(
                |(function, events)| json!({"name": function.name, "handler": function.handler, "events": events}),
            );
            let mut made =
                json!({"version": 1, "name": unit.deployment.name, "functions": functions.collect::<Vec<_>>()});
            if let [only] = &unit.deployment.functions[..] {
                made["default"] = only.name.as_str().into();
            }
            made
        }
    };
    Ok(outer::in_manifest(own, &unit.layers).to_string())
}

/// Returns the files in which a dev of the current folder may have written its address.
pub(crate) fn address_files() -> Vec<PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    here.ancestors().map(|folder| folder.join("target").join(address::NAME)).collect()
}

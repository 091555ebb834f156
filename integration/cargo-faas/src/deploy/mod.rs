//! Deployment files: `templates` writes them, `deploy` writes them and runs their commands. `serverless_spec` makes
//! their text; here they get their place.
//!
//! | module | holds |
//! |---|---|
//! | `packages` | the packages that are there, and what they are built for |
//! | `written` | the files of one platform in their folder |
//! | `templates`, `run` | the commands |

mod packages;
pub(crate) mod run;
pub(crate) mod templates;
mod written;

use crate::failure::Failure;
use crate::package::platforms;
use crate::package::toolchain::Arch;
use crate::screen::{Screen, many};
use crate::service;
use crate::service::read::{self, Found, YmlArgs};
use clap::Args;
use packages::Package;
use serverless_spec::Spec;
use serverless_spec::deploy::{self, Options, Templates};
use serverless_spec::diagnostic::{Diagnostic, Severity, render};
use serverless_spec::source::Sources;
use std::path::{Path, PathBuf};

/// The registry that the written files name while none is given. It is no real one: `deploy` reports that images have
/// no place to go.
const NO_REGISTRY: &str = "registry.example";

/// The arguments that both commands take.
#[derive(Clone, Debug, Args)]
pub(crate) struct TemplateArgs {
    #[command(flatten)]
    yml: YmlArgs,

    /// The folder to write to: each platform has a folder of its own in it
    #[arg(long, value_name = "FOLDER", default_value = "deploy")]
    out: PathBuf,

    /// The folder that `cargo faas package` writes to
    #[arg(long, value_name = "FOLDER", default_value = "dist")]
    packages: PathBuf,

    /// Where images are pushed to, such as ghcr.io/me
    #[arg(long, value_name = "NAME", default_value = NO_REGISTRY)]
    registry: String,

    /// The tag of images
    #[arg(long, value_name = "TAG", default_value = "latest")]
    tag: String,

    /// The processor that the packages are built for [default: that of the packages that are there, or this machine's]
    #[arg(long, value_name = "NAME")]
    arch: Option<Arch>,

    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// A yml read for one platform, and its files.
struct Made {
    platform: &'static str,
    found: Found,
    /// The files; `None` if the yml is wrong.
    templates: Option<Templates>,
    /// The packages that are there.
    packages: Vec<Package>,
}

impl Made {
    /// Returns `true` if there is no error, and files are there to be written.
    fn is_right(&self) -> bool {
        self.templates.as_ref().is_some_and(|templates| !templates.files.is_empty())
    }

    /// Shows the findings about the yml and the files.
    fn say(&self, screen: Screen) {
        let diagnostics = self.templates.as_ref().map(|templates| &templates.diagnostics);
        if self.found.read.spec.is_none() {
            service::say(&self.found, screen, |_| true);
        }
        for diagnostic in diagnostics.into_iter().flatten() {
            screen.line(&render(diagnostic, &self.found.read.sources, screen.has_colours()));
            screen.line("");
        }
        let count = |severity| {
            let fits = |found: &&Diagnostic| found.severity == severity;
            diagnostics.map_or(0, |all| all.iter().filter(fits).count())
        };
        for path in packages::stale(&self.packages) {
            let again = format!("cargo faas package --platform {}", self.platform);
            let path = path.display();
            screen.head("stale", &format!("{path} was made from another yml than the one here: {again}"));
        }
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        if errors + warnings > 0 {
            screen.line(&format!("{}: {}, {}", self.platform, many(errors, "error"), many(warnings, "warning")));
        }
    }
}

impl TemplateArgs {
    /// Reads the yml for a platform, and makes the files of it, for the processor of its packages.
    ///
    /// # Errors
    /// There is no yml, or packages are for another processor than `--arch` says.
    fn make(&self, platform: &'static str) -> Result<Made, Failure> {
        let yml = YmlArgs { platform: Some(platform.to_owned()), ..self.yml.clone() };
        let found = read::read(&yml)?;
        let folder = self.packages.join(platform);
        let spec = found.read.spec.as_ref();
        let there = spec.map(|spec| packages::of(spec, &folder)).unwrap_or_default();
        let machine = packages::arch(&there, self.arch, platform)?.triple();
        let folder = relative(&self.folder(platform), &folder)?;
        let options = Options { packages: &folder, registry: &self.registry, tag: &self.tag, machine };
        let templates = spec.map(|spec| deploy::templates(spec, &found.read.sources, platform, &options));
        Ok(Made { platform, found, templates, packages: there })
    }

    /// Returns the folder of a platform's files.
    fn folder(&self, platform: &str) -> PathBuf {
        self.out.join(platform)
    }

    /// Returns the chosen platforms: those of the command line, or the one of the yml.
    fn platforms(&self) -> Result<Vec<&'static str>, Failure> {
        match &self.yml.platform {
            Some(words) => Ok(platforms::chosen(words)?.iter().map(|packaging| packaging.platform).collect()),
            None => Ok(vec![self.platform_of_yml(&platforms::names_and_all())?]),
        }
    }

    /// Returns the chosen platform: the only one of the command line, or the one of the yml.
    fn platform(&self) -> Result<&'static str, Failure> {
        match &self.yml.platform {
            Some(words) => Ok(platforms::only(words)?.platform),
            None => self.platform_of_yml(&platforms::names()),
        }
    }

    fn platform_of_yml(&self, names: &str) -> Result<&'static str, Failure> {
        let found = read::read(&self.yml)?;
        found.read.spec.as_ref().and_then(|spec| spec.platform).ok_or_else(|| {
            Failure::new("platform", format!("say which by --platform, or by provider.name in the yml: {names}"))
        })
    }
}

/// Returns the findings that the deployment files of a platform come with, as `templates` says them. Where packages and
/// images lie makes no difference to them.
pub(crate) fn findings(spec: &Spec, sources: &Sources, platform: &'static str) -> Vec<Diagnostic> {
    let machine = Arch::host().triple();
    let options = Options { packages: "", registry: NO_REGISTRY, tag: "latest", machine };
    deploy::templates(spec, sources, platform, &options).diagnostics
}

/// Returns the path from one folder to another one, with `/`.
fn relative(from: &Path, to: &Path) -> Result<String, Failure> {
    let absolute = |path: &Path| {
        std::path::absolute(path).map_err(|error| Failure::new("templates", format!("{}: {error}", path.display())))
    };
    let plain = |path: PathBuf| {
        let mut out = PathBuf::new();
        for part in path.components() {
            match part {
                std::path::Component::ParentDir => drop(out.pop()),
                part => out.push(part),
            }
        }
        out
    };
    let (from, to) = (plain(absolute(from)?), plain(absolute(to)?));
    let common = from.components().zip(to.components()).take_while(|(one, other)| one == other).count();
    let up = from.components().skip(common).map(|_| "..".to_owned());
    let down = to.components().skip(common).map(|part| part.as_os_str().to_string_lossy().into_owned());
    Ok(up.chain(down).collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_packages_is_from_the_folder_of_the_files() {
        for (from, to, way) in [
            ("deploy/aws-lambda", "dist/aws-lambda", "../../dist/aws-lambda"),
            ("/a/b", "/a/c/d", "../c/d"),
            ("x/../deploy/fn", "./dist/fn", "../../dist/fn"),
        ] {
            assert_eq!(relative(Path::new(from), Path::new(to)).expect("there is a way"), way, "{from} {to}");
        }
    }
}

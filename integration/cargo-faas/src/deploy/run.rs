//! The command `deploy`: it writes the files of one platform, shows the commands that would be run, and with `--yes`
//! runs them.

use super::{Made, NO_REGISTRY, TemplateArgs, packages, templates, written};
use crate::failure::Failure;
use crate::package;
use crate::package::platforms::{Form, Packaging};
use crate::screen::{Screen, many};
use clap::Args;
use serde_json::json;
use serverless_spec::deploy::{Templates, Tool};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Write the deployment files of a platform and show what deploys; with `--yes` run it
#[derive(Debug, Args)]
pub(crate) struct Deploy {
    #[command(flatten)]
    templates: TemplateArgs,

    /// Run the commands instead of showing them
    #[arg(long, conflicts_with = "json")]
    yes: bool,

    /// Deploy packages, too, that were made from another yml than the one here
    #[arg(long, requires = "yes")]
    allow_stale: bool,

    /// What the vendor's own deploying command is given besides
    #[arg(last = true, value_name = "OPTION")]
    rest: Vec<String>,
}

/// The things that are missing for a deployment.
struct Missing {
    tools: Vec<Tool>,
    packages: Vec<PathBuf>,
    /// The packages that are images, of which the script can build none.
    images: Vec<PathBuf>,
    /// `true` if images have no place to go.
    registry: bool,
}

impl Deploy {
    pub(crate) fn run(&self, screen: Screen) -> Result<ExitCode, Failure> {
        let args = &self.templates;
        let platform = args.platform()?;
        let made = args.make(platform)?;
        let missing = made.templates.as_ref().map(|templates| self.missing(&made, templates));
        if args.json {
            let mut answer = templates::answer(args, &made);
            if let (Some(missing), Some(answer)) = (&missing, answer.as_object_mut()) {
                let tools: Vec<&str> = missing.tools.iter().map(|tool| tool.program).collect();
                let Missing { packages, images, registry, .. } = missing;
                let missing = json!({"tools": tools, "packages": packages, "images": images, "registry": registry});
                answer.insert("missing".to_owned(), missing);
            }
            screen.line(&format!("{answer:#}"));
        } else {
            made.say(screen);
        }
        let (Some(templates), Some(missing)) = (made.templates.as_ref().filter(|_| made.is_right()), missing) else {
            return Ok(ExitCode::FAILURE);
        };
        let folder = args.folder(platform);
        written::write(&folder, &templates.files)?;
        if self.yes {
            self.refuse(&made, &missing)?;
            return run(&folder, &self.rest);
        }
        if !args.json {
            screen.head("written", &folder.display().to_string());
            for step in &templates.steps {
                screen.head("would run", &step.command.replace('\n', "\n          "));
            }
            missing.say(platform, screen);
            screen.line("--yes runs this; so does deploy.sh in that folder");
        }
        Ok(ExitCode::SUCCESS)
    }

    fn missing(&self, made: &Made, templates: &Templates) -> Missing {
        let mut tools: Vec<Tool> = Vec::new();
        for step in &templates.steps {
            if !tools.contains(&step.tool) && !is_installed(step.tool.program) {
                tools.push(step.tool);
            }
        }
        let args = &self.templates;
        let folder = args.packages.join(made.platform);
        let is_zip = Packaging::of(made.platform).is_some_and(|packaging| packaging.form == Form::Zip);
        let units = made.found.read.spec.iter().flat_map(|spec| &spec.units);
        let absent = units.filter(|unit| package::written::of_deployment(&folder, &unit.name).is_none());
        let path = |name: &str| folder.join(if is_zip { format!("{name}.zip") } else { name.to_owned() });
        let packages = absent.map(|unit| path(&unit.name)).collect();
        let images = packages::images(&made.packages).into_iter().map(Path::to_owned).collect();
        let has_images = templates.files.iter().any(|file| file.path.ends_with("Dockerfile"));
        Missing { tools, packages, images, registry: has_images && args.registry == NO_REGISTRY }
    }

    /// Refuses to deploy while something is missing, or while packages are not those of the yml: the platform would get
    /// the yml's settings around other code, and nobody would see it.
    fn refuse(&self, made: &Made, missing: &Missing) -> Result<(), Failure> {
        let mut lines = missing.lines(made.platform);
        let stale = packages::stale(&made.packages).len();
        if stale > 0 && !self.allow_stale {
            let (were, platform) = (if stale == 1 { "was" } else { "were" }, made.platform);
            lines.push(format!(
                "{} {were} made from another yml than the one here: cargo faas package --platform {platform} makes \
                 them anew, and --allow-stale deploys them as they are",
                many(stale, "package")
            ));
        }
        if lines.is_empty() { Ok(()) } else { Err(Failure::new("deploy", lines.join("\n        "))) }
    }
}

impl Missing {
    fn lines(&self, platform: &str) -> Vec<String> {
        let mut all: Vec<String> =
            self.tools.iter().map(|tool| format!("{} is not installed: {}", tool.program, tool.from)).collect();
        if let [first, ..] = &self.packages[..] {
            let others = match self.packages.len() {
                1 => String::new(),
                count => format!(", nor {}", many(count - 1, "other")),
            };
            let how = format!("cargo faas package --platform {platform}");
            all.push(format!("there is no package {}{others}: {how}", first.display()));
        }
        for path in &self.images {
            let (path, name) = (path.display(), path.file_name().unwrap_or_default().display());
            all.push(format!(
                "a folder that docker build takes: {path} is an image already, by --one-file or --base. Package it \
                 without these, or push it yourself: skopeo copy oci:{path}:{name} docker://IMAGE"
            ));
        }
        if self.registry {
            all.push("images have no place to go: --registry says where they are pushed to".to_owned());
        }
        all
    }

    fn say(&self, platform: &str, screen: Screen) {
        for line in self.lines(platform) {
            screen.head("missing", &line);
        }
    }
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Runs the script of the files. Its output is seen as it comes.
fn run(folder: &Path, rest: &[String]) -> Result<ExitCode, Failure> {
    let wrong = |error| Failure::new("deploy", format!("deploy.sh: {error}"));
    let status = Command::new("sh").arg("deploy.sh").args(rest).current_dir(folder).status().map_err(wrong)?;
    if status.success() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::new("deploy", format!("deploy.sh in {} ended with {status}", folder.display())))
}

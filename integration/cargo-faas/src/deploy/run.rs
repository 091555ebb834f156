//! The command `deploy`: it writes the files of one platform, shows the commands that would be run, and with `--yes`
//! runs them.

use super::{Made, NO_REGISTRY, TemplateArgs, templates, written};
use crate::failure::Failure;
use crate::package;
use crate::screen::Screen;
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

    /// What the vendor's own deploying command is given besides
    #[arg(last = true, value_name = "OPTION")]
    rest: Vec<String>,
}

/// The things that are missing for a deployment.
struct Missing {
    tools: Vec<Tool>,
    packages: Vec<PathBuf>,
    /// `true` if images have no place to go.
    registry: bool,
}

impl Deploy {
    pub(crate) fn run(&self, screen: Screen) -> Result<ExitCode, Failure> {
        let args = &self.templates;
        let platform = match args.platforms()?[..] {
            [only] => only,
            _ => return Err(Failure::new("deploy", "one platform at a time: --platform says which")),
        };
        let made = args.make(platform)?;
        let missing = made.templates.as_ref().map(|templates| self.missing(&made, templates));
        if args.json {
            let mut answer = templates::answer(args, &made);
            if let (Some(missing), Some(answer)) = (&missing, answer.as_object_mut()) {
                let tools: Vec<&str> = missing.tools.iter().map(|tool| tool.program).collect();
                answer.insert("missing".to_owned(), json!({"tools": tools, "packages": missing.packages}));
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
            missing.refuse(platform)?;
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
        let packages = args.packages.join(made.platform);
        let units = made.found.read.spec.iter().flat_map(|spec| &spec.units);
        let absent = units.filter(|unit| package::written::of_deployment(&packages, &unit.name).is_none());
        let packages = absent.map(|unit| packages.join(&unit.name)).collect();
        let has_images = templates.files.iter().any(|file| file.path.ends_with("Dockerfile"));
        Missing { tools, packages, registry: has_images && args.registry == NO_REGISTRY }
    }
}

impl Missing {
    fn lines(&self, platform: &str) -> Vec<String> {
        let mut all: Vec<String> =
            self.tools.iter().map(|tool| format!("{} is not installed: {}", tool.program, tool.from)).collect();
        if let [first, ..] = &self.packages[..] {
            let others = match self.packages.len() {
                1 => String::new(),
                count => format!(", nor {} others", count - 1),
            };
            let how = format!("cargo faas package --platform {platform}");
            all.push(format!("there is no package {}{others}: {how}", first.display()));
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

    fn refuse(&self, platform: &str) -> Result<(), Failure> {
        let lines = self.lines(platform);
        if lines.is_empty() { Ok(()) } else { Err(Failure::new("deploy", lines.join("\n        "))) }
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

//! The command `templates`: it writes deployment files, and nothing else.

use super::{Made, TemplateArgs, packages, written};
use crate::failure::Failure;
use crate::screen::Screen;
use crate::service;
use clap::Args;
use serde_json::json;
use std::process::ExitCode;

/// Write the deployment files of a platform, of several (`--platform aws-lambda,knative`), or of all (`--platform all`)
#[derive(Debug, Args)]
pub(crate) struct TemplatesCommand {
    #[command(flatten)]
    templates: TemplateArgs,
}

impl TemplatesCommand {
    pub(crate) fn run(&self, screen: Screen) -> Result<ExitCode, Failure> {
        let args = &self.templates;
        let mut is_right = true;
        let mut answers = Vec::new();
        for platform in args.platforms()? {
            let made = args.make(platform)?;
            is_right &= made.is_right();
            if let Some(templates) = made.templates.as_ref().filter(|_| made.is_right()) {
                written::write(&args.folder(platform), &templates.files)?;
            }
            if args.json {
                answers.push(answer(args, &made));
                continue;
            }
            made.say(screen);
            for file in made.templates.iter().flat_map(|templates| &templates.files) {
                screen.head("written", &args.folder(platform).join(&file.path).display().to_string());
            }
        }
        if args.json {
            screen.line(&format!("{:#}", json!({"platforms": answers})));
        }
        Ok(if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Returns the report on one platform as JSON. Members are only added.
pub(super) fn answer(args: &TemplateArgs, made: &Made) -> serde_json::Value {
    let folder = args.folder(made.platform);
    let templates = made.templates.as_ref();
    let files: Vec<_> = templates.iter().flat_map(|all| &all.files).map(|file| folder.join(&file.path)).collect();
    let steps: Vec<_> = templates
        .iter()
        .flat_map(|all| &all.steps)
        .map(|step| json!({"tool": step.tool.program, "from": step.tool.from, "command": step.command}))
        .collect();
    let of_yml = made.found.read.diagnostics.iter();
    let all = of_yml.chain(templates.iter().flat_map(|all| &all.diagnostics));
    let diagnostics: Vec<_> = all.map(|found| service::diagnostic(found, &made.found.read.sources)).collect();
    let stale = packages::stale(&made.packages);
    json!({"platform": made.platform, "files": files, "steps": steps, "diagnostics": diagnostics, "stale": stale})
}

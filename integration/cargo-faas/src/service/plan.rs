//! The command `plan`: which function is in which deployment, and the changes that an edit of the yml makes.

use super::{ServiceArgs, read, right};
use crate::failure::Failure;
use crate::screen::Screen;
use clap::Args;
use serde_json::json;
use serverless_spec::plan::{self, Difference, Owner};
use std::path::PathBuf;
use std::process::ExitCode;

/// Show which function is in which deployment, and who owns each route and event
#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// Compare with this yml, as it was before an edit
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,

    #[command(flatten)]
    service: ServiceArgs,
}

impl Plan {
    pub(crate) fn run(&self, screen: Screen) -> Result<ExitCode, Failure> {
        let Plan { against, service } = self;
        let found = read::read(&service.yml)?;
        let Some(spec) = right(&found, service, screen) else { return Ok(ExitCode::FAILURE) };
        let plan = plan::Plan::of(spec);
        let before = match against {
            None => None,
            Some(path) => {
                let before = read::read_file(path, &service.yml)?;
                let Some(spec) = right(&before, service, screen) else { return Ok(ExitCode::FAILURE) };
                Some(plan::Plan::of(spec))
            }
        };
        let difference = before.as_ref().map(|before| before.difference(&plan));
        if service.json {
            let answer = json!({"plan": plan, "before": before, "difference": difference});
            screen.line(&format!("{answer:#}"));
            return Ok(ExitCode::SUCCESS);
        }
        show(&plan, screen);
        if let (Some(before), Some(difference)) = (before, difference) {
            compare(&before, &plan, &difference, screen);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn show(plan: &plan::Plan, screen: Screen) {
    let platform = plan.platform.unwrap_or("any platform");
    screen.line(&format!("{} in stage {}, for {platform}", plan.service, plan.stage));
    for unit in &plan.units {
        let memory = unit.memory_mb.map(|memory| format!(", {memory} MB")).unwrap_or_default();
        let what = if unit.is_aggregation { "unit" } else { "function" };
        screen.line(&format!("\n{what} {}{memory}", unit.name));
        for function in &unit.functions {
            screen.line(&format!("  {function}"));
            let owned = plan.owners.iter().filter(|owner| owner.unit == unit.name && owner.function == *function);
            owned.for_each(|owner| screen.line(&format!("    {}", owner.what)));
        }
    }
}

fn compare(before: &plan::Plan, after: &plan::Plan, difference: &Difference, screen: Screen) {
    let memory = |plan: &plan::Plan| plan.memory_mb().map_or("not said".to_owned(), |memory| format!("{memory} MB"));
    screen.line("\ncompared with before");
    screen.line(&format!(
        "  deployments, each with a cold start of its own: {} -> {}",
        before.units.len(),
        after.units.len()
    ));
    screen.line(&format!("  memory of one instance of each: {} -> {}", memory(before), memory(after)));
    let place = |owner: &Owner| format!("{} in {}", owner.function, owner.unit);
    let Difference { appear, vanish, moved } = difference;
    appear.iter().for_each(|owner| screen.line(&format!("  + {}: {}", owner.what, place(owner))));
    vanish.iter().for_each(|owner| screen.line(&format!("  - {}: {}", owner.what, place(owner))));
    for (from, to) in moved {
        screen.line(&format!("  > {}: {} -> {}", from.what, place(from), place(to)));
    }
    if appear.is_empty() && vanish.is_empty() && moved.is_empty() {
        screen.line("  every route and event stays where it is");
    }
}

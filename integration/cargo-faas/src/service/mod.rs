//! What is said of a serverless.yml. The words are those of `serverless-spec`; here they are asked for and shown.
//!
//! Exit codes: 0 the yml is right and what was asked for is there, 1 it is wrong or there is no such thing, 2 wrong usage.

mod read;

use crate::failure::Failure;
use crate::options::{Command, Service};
use crate::screen::Screen;
use read::Found;
use serde_json::json;
use serverless_spec::cron::Civil;
use serverless_spec::diagnostic::{Severity, render};
use serverless_spec::plan::{Difference, Owner, Plan};
use serverless_spec::{Read, Spec, explain, schema};
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) fn run(command: &Command, screen: &Screen) -> Result<ExitCode, Failure> {
    match command {
        Command::Check(service) => {
            let found = read::read(service)?;
            say(&found, service, screen);
            Ok(code(found.read.spec.is_some()))
        }
        Command::Explain { about, service } => explained(about, service, screen),
        Command::Plan { against, service } => planned(against.as_deref(), service, screen),
        Command::Manifest { unit, out, service } => manifests(unit.as_deref(), out.as_deref(), service, screen),
        Command::Schema => {
            screen.line(&format!("{:#}", schema::schema()));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn code(is_right: bool) -> ExitCode {
    if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All diagnostics, then how many there are.
fn say(found: &Found, service: &Service, screen: &Screen) {
    let Found { read, name } = found;
    let count = |severity| read.diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    if service.json {
        screen.line(&format!("{:#}", diagnostics(read)));
        return;
    }
    for diagnostic in &read.diagnostics {
        screen.line(&render(diagnostic, &read.sources, screen.has_colours()));
        screen.line("");
    }
    if read.left_out > 0 {
        screen.line(&format!("{} more are not listed", read.left_out));
    }
    let many = |count: usize, what: &str| if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") };
    let made = read.spec.as_ref().map(|spec| {
        let functions = many(spec.service.functions.len(), "function");
        format!(", {functions} in {}", many(spec.units.len(), "deployment"))
    });
    let made = made.unwrap_or_default();
    screen.line(&format!("{name}: {}, {}{made}", many(errors, "error"), many(warnings, "warning")));
}

fn diagnostics(read: &Read) -> serde_json::Value {
    let place = |span| {
        let place = read.sources.place(span);
        json!({"file": place.file, "line": place.line, "column": place.column})
    };
    let one = |diagnostic: &serverless_spec::diagnostic::Diagnostic| {
        let others: Vec<_> =
            diagnostic.others.iter().map(|(span, label)| json!({"place": place(*span), "label": label})).collect();
        json!({
            "severity": diagnostic.severity.to_string(),
            "code": diagnostic.code,
            "message": diagnostic.message,
            "place": place(diagnostic.span),
            "label": diagnostic.label,
            "others": others,
            "help": diagnostic.help,
        })
    };
    json!({"diagnostics": read.diagnostics.iter().map(one).collect::<Vec<_>>(), "leftOut": read.left_out})
}

/// The service; if the yml is wrong, what is wrong with it has been shown.
fn right<'f>(found: &'f Found, service: &Service, screen: &Screen) -> Option<&'f Spec> {
    if found.read.spec.is_none() {
        say(found, service, screen);
    }
    found.read.spec.as_ref()
}

fn explained(about: &[String], service: &Service, screen: &Screen) -> Result<ExitCode, Failure> {
    // Keys can be asked about where there is no yml.
    let found = read::read(service);
    let spec = found.as_ref().ok().and_then(|found| found.read.spec.as_ref().map(|spec| (spec, found)));
    let whole = about.join(" ");
    let answer = match (about, spec) {
        ([method, path], Some((spec, found))) if path.starts_with('/') => {
            explain::request(spec, &found.read.sources, &method.to_ascii_uppercase(), path)
        }
        ([one], Some((spec, found))) => match one.split_once(' ') {
            Some((method, path)) if path.starts_with('/') => {
                explain::request(spec, &found.read.sources, &method.to_ascii_uppercase(), path)
            }
            _ if one.starts_with('/') => explain::request(spec, &found.read.sources, "GET", one),
            _ => explain::function(spec, &found.read.sources, one, now()) + &explain::key(one),
        },
        _ => explain::key(&whole),
    };
    if answer.is_empty() {
        // A yml that is wrong or absent is why a function is not found.
        if let Ok(found) = &found {
            let _ = right(found, service, screen);
        }
        let why = format!("there is no key, function or request `{whole}`");
        return Err(found.err().filter(|_| !whole.contains('.')).unwrap_or_else(|| Failure::new("explain", why)));
    }
    screen.line(answer.trim_end());
    Ok(ExitCode::SUCCESS)
}

fn planned(against: Option<&Path>, service: &Service, screen: &Screen) -> Result<ExitCode, Failure> {
    let found = read::read(service)?;
    let Some(spec) = right(&found, service, screen) else { return Ok(ExitCode::FAILURE) };
    let plan = Plan::of(spec);
    let before = match against {
        None => None,
        Some(path) => {
            let before = read::read_file(path, service)?;
            let Some(spec) = right(&before, service, screen) else { return Ok(ExitCode::FAILURE) };
            Some(Plan::of(spec))
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

fn show(plan: &Plan, screen: &Screen) {
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

fn compare(before: &Plan, after: &Plan, difference: &Difference, screen: &Screen) {
    let memory = |plan: &Plan| plan.memory_mb().map_or("not said".to_owned(), |memory| format!("{memory} MB"));
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

fn manifests(unit: Option<&str>, out: Option<&Path>, service: &Service, screen: &Screen) -> Result<ExitCode, Failure> {
    let found = read::read(service)?;
    let Some(spec) = right(&found, service, screen) else { return Ok(ExitCode::FAILURE) };
    let units: Vec<_> = spec.units.iter().filter(|other| unit.is_none_or(|name| other.name == name)).collect();
    if let (true, Some(name)) = (units.is_empty(), unit) {
        let names: Vec<&str> = spec.units.iter().map(|unit| unit.name.as_str()).collect();
        let why = format!("there is no deployment `{name}`; there are {}", names.join(", "));
        return Err(Failure::new("manifest", why));
    }
    for unit in units {
        let text = spec.manifest(unit).map_err(|error| Failure::new("manifest", error))?;
        let Some(out) = out else {
            screen.line(text.trim_end());
            continue;
        };
        let folder = out.join(&unit.name);
        let path = folder.join("faas.json");
        let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, &text));
        written.map_err(|error| Failure::new("manifest", format!("{}: {error}", path.display())))?;
        screen.head("manifest", &path.display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// The time in UTC, for the next times of timers.
fn now() -> Civil {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Civil::of_epoch_seconds(since.as_secs())
}

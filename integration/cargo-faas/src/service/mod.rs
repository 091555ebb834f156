//! The commands about a serverless.yml. The words are those of `serverless-spec`; here they are asked for and shown.
//!
//! | module | holds |
//! |---|---|
//! | `read` | the yml, and the inputs that it is read with |
//! | `explain`, `plan`, `manifest`, `schema` | the commands |
//!
//! Exit codes: 0 the yml is right and the thing that was asked for exists, 1 the yml is wrong or the thing does not
//! exist, 2 wrong usage.

pub(crate) mod explain;
pub(crate) mod manifest;
pub(crate) mod plan;
pub(crate) mod read;
pub(crate) mod schema;

use crate::screen::{Screen, many};
use clap::Args;
use read::{Found, YmlArgs};
use serde_json::json;
use serverless_spec::diagnostic::{Diagnostic, Severity, render};
use serverless_spec::source::Sources;
use serverless_spec::{Read, Spec};

/// The arguments that all commands about a yml take.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServiceArgs {
    #[command(flatten)]
    pub(crate) yml: YmlArgs,

    /// Answer in JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Shows the diagnostics that are `wanted`, then how many there are in all.
pub(crate) fn say(found: &Found, screen: Screen, wanted: impl FnMut(&Diagnostic) -> bool) {
    screen.line(&told(found, screen.has_colours(), wanted));
}

/// Returns in words the diagnostics that are `wanted`, then how many there are in all.
pub(crate) fn told(found: &Found, has_colours: bool, mut wanted: impl FnMut(&Diagnostic) -> bool) -> String {
    let Found { read, name, .. } = found;
    let mut text = String::new();
    let count = |severity| read.diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    for diagnostic in read.diagnostics.iter().filter(|diagnostic| wanted(diagnostic)) {
        text.extend([&render(diagnostic, &read.sources, has_colours), "\n\n"]);
    }
    if read.left_out > 0 {
        text.push_str(&format!("{} more are not listed\n", read.left_out));
    }
    let made = read.spec.as_ref().map(|spec| {
        let functions = many(spec.service.functions.len(), "function");
        format!(", {functions} in {}", many(spec.units.len(), "deployment"))
    });
    let made = made.unwrap_or_default();
    text + &format!("{name}: {}, {}{made}", many(errors, "error"), many(warnings, "warning"))
}

/// Shows the diagnostics in words or in JSON, as the command line asks.
fn answer(found: &Found, args: &ServiceArgs, screen: Screen) {
    if args.json {
        screen.line(&format!("{:#}", diagnostics(&found.read)));
    } else {
        say(found, screen, |_| true);
    }
}

/// Returns the diagnostics of a yml as JSON.
pub(crate) fn diagnostics(read: &Read) -> serde_json::Value {
    let all: Vec<_> = read.diagnostics.iter().map(|found| diagnostic(found, &read.sources)).collect();
    json!({"diagnostics": all, "leftOut": read.left_out})
}

/// Returns a diagnostic as JSON, in the form that every command has.
pub(crate) fn diagnostic(diagnostic: &Diagnostic, sources: &Sources) -> serde_json::Value {
    let place = |span| {
        let place = sources.place(span);
        json!({"file": place.file, "line": place.line, "column": place.column})
    };
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
}

/// Returns the service; `None` if the yml is wrong, whose mistakes have been shown.
fn right<'f>(found: &'f Found, args: &ServiceArgs, screen: Screen) -> Option<&'f Spec> {
    if found.read.spec.is_none() {
        answer(found, args, screen);
    }
    found.read.spec.as_ref()
}

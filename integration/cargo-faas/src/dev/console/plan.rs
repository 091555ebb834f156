//! The page with the picture of units, functions, routes and their owners.

use super::super::app::App;
use super::super::deployment::{Deployment, Unit};
use super::html::{self, escape};
use faas_core::manifest::{EventFilter, FunctionSpec};

/// Returns the page of the plan.
pub(super) fn page(app: &App) -> String {
    let content = match app.now() {
        None => "<p class=\"none\">Nothing is deployed yet.</p>".to_owned(),
        Some(now) => picture(&now.deployment),
    };
    html::page(app, "Plan", "/plan", &content)
}

fn picture(deployment: &Deployment) -> String {
    let units: String = deployment.units.iter().map(|unit| of_unit(deployment, unit)).collect();
    format!(
        "<p>Requests find their unit by these routes; each unit is a process of its own.</p>\n<div class=\"units\">{units}</div>\n"
    )
}

fn of_unit(deployment: &Deployment, unit: &Unit) -> String {
    let functions: String = unit
        .manifest
        .functions
        .iter()
        .enumerate()
        .map(|(at, function)| of_function(deployment, unit, at, function))
        .collect();
    let layers = layers(unit.manifest.layers.iter().map(|layer| layer.name.as_str()));
    let name = escape(&unit.name);
    format!("<section class=\"unit\" aria-label=\"Unit {name}\"><h2>{name}</h2>{layers}{functions}</section>\n")
}

fn of_function(deployment: &Deployment, unit: &Unit, at: usize, function: &FunctionSpec) -> String {
    let mut owned: Vec<String> = function.events.iter().map(|event| owned(&event.filter)).collect();
    let timers = deployment.timers.iter().filter(|timer| timer.unit == unit.name && timer.function == function.name);
    owned.extend(timers.map(|timer| format!("fires at <code>{}</code> (UTC)", escape(&timer.written))));
    if unit.manifest.default == Some(at) || unit.manifest.functions.len() == 1 && function.events.is_empty() {
        owned.push("whatever nobody else has".to_owned());
    }
    let owned: String = owned.into_iter().map(|what| format!("<li>{what}</li>")).collect();
    let layers = layers(function.layers.iter().map(|layer| layer.name.as_str()));
    let (name, handler) = (escape(&function.name), escape(&function.handler));
    let send = format!("<a href=\"/_faas/send?function={name}\">send</a>");
    format!(
        "<div class=\"function\"><h3>{name} <small><code>{handler}</code> {send}</small></h3>{layers}<ul>{owned}</ul></div>"
    )
}

fn layers<'l>(names: impl Iterator<Item = &'l str>) -> String {
    let names: Vec<String> = names.map(escape).collect();
    if names.is_empty() { String::new() } else { format!("<p class=\"none\">layers: {}</p>", names.join(" › ")) }
}

fn owned(filter: &EventFilter) -> String {
    match filter {
        EventFilter::Http { path, methods } => {
            let methods = if methods.is_empty() { "any".to_owned() } else { methods.join(" ") };
            format!("<b>{}</b> <code>{}</code>", escape(&methods), escape(path.as_deref().unwrap_or("every path")))
        }
        EventFilter::Other { kind, source, event_type } => {
            let more = [source, event_type].into_iter().flatten().map(|text| format!(" <code>{}</code>", escape(text)));
            format!("{}{}", escape(&format!("{kind:?}").to_lowercase()), more.collect::<String>())
        }
    }
}

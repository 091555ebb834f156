//! The owners of routes and events, each of which has one. A route or event with two owners, or that cannot be served,
//! is reported with both places.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Event, Function, Service, Variable};
use crate::source::{Sources, Span};
use crate::units::Unit;
use faas_core::router::{Matching, RouteError, Router};
use std::collections::HashMap;

/// Checks the routes, events, variables and defaults of all units.
pub(crate) fn check(service: &Service, units: &[Unit], sources: &Sources, found: &mut Diagnostics) {
    routes(service, units, sources, found);
    for unit in units {
        events(service, unit, found);
        variables(service, unit, found);
        defaults(service, unit, found);
        limits(service, unit, found);
    }
}

/// A route as the router of the runtime takes it, which decides which texts are routes and which are the same.
struct Route<'s> {
    event: &'s Event,
    function: &'s Function,
    unit: &'s Unit,
}

impl Route<'_> {
    fn span(&self) -> Span {
        self.event.path.as_ref().map_or(self.event.span, |path| path.span)
    }
}

/// Checks the routes of all units together, since they are under one domain.
fn routes(service: &Service, units: &[Unit], sources: &Sources, found: &mut Diagnostics) {
    let matching = Matching { strict_slash: service.strict_slash, caseless: service.ignore_case };
    let mut whole = Router::new(matching);
    let mut all: Vec<Route<'_>> = Vec::new();
    for unit in units.iter().filter(|unit| unit.is_owner) {
        // Requests without a path go to the unit's own address, so two owners conflict only within the unit.
        let mut pathless = Router::new(matching);
        for function in unit.members.iter().map(|number| &service.functions[*number]) {
            for event in function.events.iter().filter(|event| event.is_http()) {
                let methods: Vec<&str> = event.methods.iter().map(String::as_str).collect();
                let (router, pattern) = match &event.path {
                    Some(path) => (&mut whole, path.value.as_str()),
                    None => (&mut pathless, "/*"),
                };
                all.push(Route { event, function, unit });
                if let Err(error) = router.add(pattern, &methods, all.len() - 1) {
                    refuse(&error, &all, sources, found);
                }
            }
        }
    }
}

fn refuse(error: &RouteError, all: &[Route<'_>], sources: &Sources, found: &mut Diagnostics) {
    let Some(route) = all.last() else { return };
    let diagnostic = match error {
        RouteError::Pattern { pattern, at, fault } => {
            let span = inside(route.span(), pattern, *at, sources);
            Diagnostic::error("bad-route", span, format!("the route `{pattern}` is not one: {fault}"))
        }
        RouteError::Method { method, .. } => {
            Diagnostic::error("bad-method", route.span(), format!("`{method}` is no method"))
        }
        RouteError::TooManyMethods { method, .. } => {
            let message = format!("the routes name more than 64 methods; `{method}` finds no place");
            Diagnostic::error("too-many-methods", route.span(), message)
        }
        RouteError::Taken { method, pattern, earlier, earlier_owner, .. } => {
            let Some(other) = all.get(*earlier_owner) else { return };
            let what = method.as_deref().unwrap_or("every method");
            let (name, other_name) = (&route.function.name, &other.function.name);
            let message = if std::ptr::eq(route.function, other.function) {
                format!("the function `{name}` has the route {what} `{pattern}` twice")
            } else {
                format!("the route {what} `{pattern}` has two owners, `{other_name}` and `{name}`")
            };
            let mut diagnostic = Diagnostic::error("two-owners", route.span(), message)
                .label(format!("of `{name}`{}", in_unit(route)))
                .other(other.span(), format!("of `{other_name}`{}", in_unit(other)));
            if pattern != earlier {
                diagnostic = diagnostic.help(format!(
                    "`{earlier}` and `{pattern}` take the same paths: names of parameters make no difference, nor does a \
                     slash at the end unless `routing.trailingSlash` is `strict`"
                ));
            }
            diagnostic
        }
    };
    found.add(diagnostic);
}

fn in_unit(route: &Route<'_>) -> String {
    if route.unit.is_aggregation { format!(", in the unit `{}`", route.unit.name) } else { String::new() }
}

/// Returns the place of a byte of a text that stands as it is in its span.
fn inside(span: Span, text: &str, at: usize, sources: &Sources) -> Span {
    match sources.part(span).find(text) {
        None => span,
        Some(start) => {
            let start = span.start as usize + start + at.min(text.len());
            Span::new(span.file, start, (start + 1).min(span.end as usize))
        }
    }
}

/// The properties by which an event that is no request is known: its kind, its source, and its type.
type Served<'s> = (&'s str, Option<&'s str>, Option<&'s str>);

/// Checks that each event which is no request goes to one function within a unit.
fn events(service: &Service, unit: &Unit, found: &mut Diagnostics) {
    let mut owners: HashMap<Served<'_>, (&Function, &Event)> = HashMap::new();
    for function in unit.members.iter().map(|number| &service.functions[*number]) {
        for event in function.events.iter().filter(|event| !event.is_http()) {
            // Timers without a name get one each.
            if event.key.kinds == ["timer"] && event.source.is_none() {
                continue;
            }
            for kind in event.key.kinds {
                let key = (*kind, event.source.as_deref(), event.kind_type.as_deref());
                let Some((other, first)) = owners.get(&key) else {
                    owners.insert(key, (function, event));
                    continue;
                };
                let what = match (&event.source, &event.kind_type) {
                    (None, None) => format!("all {kind} events"),
                    (source, kind_type) => {
                        let of = source.as_ref().map(|source| format!(" of `{source}`")).unwrap_or_default();
                        let type_of =
                            kind_type.as_ref().map(|word| format!(" of the type `{word}`")).unwrap_or_default();
                        format!("the {kind} events{of}{type_of}")
                    }
                };
                let message = if std::ptr::eq(*other, function) {
                    format!("the function `{}` has {what} twice", function.name)
                } else {
                    format!(
                        "{what} have two owners in the unit `{}`, `{}` and `{}`",
                        unit.name, other.name, function.name
                    )
                };
                let diagnostic = Diagnostic::error("two-owners", event.span, message)
                    .label(format!("of `{}`", function.name))
                    .other(first.span, format!("of `{}`", other.name));
                found.add(diagnostic.help("say what each comes from, or keep the functions in different units"));
                break;
            }
        }
    }
}

/// Checks that a unit has no two values for one variable, since a process has one environment.
fn variables(service: &Service, unit: &Unit, found: &mut Diagnostics) {
    let mut values: HashMap<&str, (&str, Span, &str)> = HashMap::new();
    for function in unit.members.iter().map(|number| &service.functions[*number]) {
        for variable in environment(service, unit, function) {
            let Variable { name, value, span } = variable;
            match values.get(name.as_str()) {
                Some((other, first, owner)) if other != value && *owner != function.name => {
                    let message = format!(
                        "the variable `{name}` has two values in the unit `{}`: one for `{owner}`, another for `{}`",
                        unit.name, function.name
                    );
                    let help =
                        "functions of one process share its environment: give them different names, or use `config`";
                    let diagnostic = Diagnostic::error("two-values", *span, message);
                    found.add(diagnostic.other(*first, format!("for `{owner}`")).help(help));
                }
                Some(_) => {}
                None => {
                    values.insert(name, (value, *span, &function.name));
                }
            }
        }
    }
}

/// Returns the variables of a function in a unit: its own over the unit's over the provider's.
pub(crate) fn environment<'s>(service: &'s Service, unit: &'s Unit, function: &'s Function) -> Vec<&'s Variable> {
    let mut all: Vec<&Variable> = Vec::new();
    let of = [&service.provider.environment, &unit.common.environment, &function.common.environment];
    for variable in of.into_iter().flatten() {
        match all.iter_mut().find(|other| other.name == variable.name) {
            Some(place) => *place = variable,
            None => all.push(variable),
        }
    }
    all
}

/// Checks that at most one function of a unit is the default.
fn defaults(service: &Service, unit: &Unit, found: &mut Diagnostics) {
    let mut first: Option<(&Function, Span)> = None;
    for function in unit.members.iter().map(|number| &service.functions[*number]) {
        let Some(span) = function.default else { continue };
        match first {
            Some((other, earlier)) => {
                let message = format!(
                    "the unit `{}` has two default functions, `{}` and `{}`",
                    unit.name, other.name, function.name
                );
                found.add(
                    Diagnostic::error("two-defaults", span, message).other(earlier, format!("of `{}`", other.name)),
                );
            }
            None => first = Some((function, span)),
        }
    }
}

/// Warns of a unit with less time than one of its functions, which it would cut short.
fn limits(service: &Service, unit: &Unit, found: &mut Diagnostics) {
    let Some(limit) = unit.common.timeout.filter(|_| unit.is_aggregation) else { return };
    for function in unit.members.iter().map(|number| &service.functions[*number]) {
        let Some(own) = function.common.timeout.filter(|own| own.value > limit.value) else { continue };
        let message = format!(
            "the unit `{}` has a timeout of {:?}, and its function `{}` one of {:?}: the platform ends it sooner",
            unit.name, limit.value, function.name, own.value
        );
        found.add(
            Diagnostic::warning("shorter-unit", limit.span, message).other(own.span, format!("of `{}`", function.name)),
        );
    }
}

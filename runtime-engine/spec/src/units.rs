//! The units of a service, which are deployed each by itself: those of `aggregation`, and every other function as a
//! unit of its own.
//!
//! Midway joins patterns by "and", takes requests alone, and lets an earlier unit take a function from a later one in
//! silence. Here patterns are read in order, each adding or taking away. A unit takes functions with all of their
//! events. A function that is taken twice is an error that names both places.

use crate::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::model::{Common, Function, Reader, Service, named};
use crate::source::{Sources, Span};
use crate::tree::{Map, Node, quoted};
use globset::{GlobBuilder, GlobMatcher};

/// Functions that are deployed together and run in one process.
#[derive(Debug)]
pub struct Unit {
    /// The name of the unit.
    pub name: String,
    /// The place of its name.
    pub span: Span,
    /// The numbers of its functions among those of the service, in order.
    pub members: Vec<usize>,
    /// The settings that the unit has for all of its functions.
    pub common: Common,
    /// `true` if `aggregation` has it; otherwise it is a function by itself.
    pub is_aggregation: bool,
    /// `true` if the events of its functions are delivered to it. A function that is deployed by itself beside a unit
    /// that has it, too, is reached under its own address alone.
    pub is_owner: bool,
}

/// The way in which a unit came by a function.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// The unit's `functions` name it.
    Named(Span),
    /// One of the unit's patterns fits it.
    Pattern(Span),
}

impl Claim {
    fn span(self) -> Span {
        let (Claim::Named(span) | Claim::Pattern(span)) = self;
        span
    }
}

/// Returns the units of a service, in order.
pub(crate) fn units(root: &Node, service: &Service, sources: &Sources, found: &mut Diagnostics) -> Vec<Unit> {
    let empty = Map::default();
    let aggregation = root.get("aggregation").and_then(Node::as_map).unwrap_or(&empty);
    let mut units = Vec::new();
    // Each function has a first claim, and the unit that makes it.
    let mut claims: Vec<Option<(Claim, usize)>> = vec![None; service.functions.len()];
    // These functions are deployed by themselves although a unit has them.
    let mut stays = vec![false; service.functions.len()];
    for (name, span, node) in named(aggregation) {
        let map = node.as_map().unwrap_or(&empty);
        let is = |key: &str| map.get(key).and_then(Node::as_bool);
        if let Some(function) = service.functions.iter().find(|function| function.name == name) {
            let message = format!("the unit `{name}` is called like a function");
            let diagnostic = Diagnostic::error("same-name", span, message).other(function.span, "the function");
            found.add(diagnostic.help("give the unit another name: both would be deployed under this one"));
        }
        let mut members = members(name, span, map, service, sources, found);
        if let Some(wants_events) = is("eventTrigger") {
            let fits = |function: &Function| function.events.iter().any(|event| event.is_http()) != wants_events;
            members.retain(|(number, claim)| matches!(claim, Claim::Named(_)) || fits(&service.functions[*number]));
        }
        let deploys_origin = is("deployOrigin").unwrap_or(false);
        for (number, claim) in &members {
            match claims[*number] {
                Some((earlier, unit)) if !both_named(earlier, *claim) => {
                    let function = &service.functions[*number];
                    let earlier_unit: &Unit = &units[unit];
                    let message = format!(
                        "the function `{}` is in two units, `{}` and `{name}`",
                        function.name, earlier_unit.name
                    );
                    let help = format!(
                        "take it out of one, as with the pattern `!{}`; to have it in both, name it in the `functions` of each",
                        function.name
                    );
                    let diagnostic = Diagnostic::error("two-units", claim.span(), message);
                    found.add(diagnostic.other(earlier.span(), "the other unit takes it here").help(help));
                }
                Some(_) => {}
                None => claims[*number] = Some((*claim, units.len())),
            }
            stays[*number] |= deploys_origin;
        }
        units.push(Unit {
            name: name.to_owned(),
            span,
            members: members.into_iter().map(|(number, _)| number).collect(),
            common: Reader { sources }.common(map),
            is_aggregation: true,
            is_owner: true,
        });
    }
    for (number, function) in service.functions.iter().enumerate() {
        let is_member = claims[number].is_some();
        if !function.is_deployed && !is_member {
            let message = format!("the function `{}` is in no unit, and is not deployed by itself", function.name);
            found.add(Diagnostic::warning("nowhere", function.span, message).help("leave out `isDeploy: false`"));
        }
        if function.is_deployed && (!is_member || stays[number]) {
            units.push(Unit {
                name: function.name.clone(),
                span: function.span,
                members: vec![number],
                common: Common::default(),
                is_aggregation: false,
                is_owner: !is_member,
            });
        }
    }
    units
}

/// Returns `true` if both units name the function itself.
fn both_named(one: Claim, other: Claim) -> bool {
    matches!((one, other), (Claim::Named(_), Claim::Named(_)))
}

/// Returns the functions of a unit, each with the claim that brought it there.
fn members(
    unit: &str,
    span: Span,
    map: &Map,
    service: &Service,
    sources: &Sources,
    found: &mut Diagnostics,
) -> Vec<(usize, Claim)> {
    let names = map.get("functions").and_then(Node::as_list);
    let pattern = map.get("functionsPattern");
    if let Some(names) = names {
        if let Some(entry) = map.entry("functionsPattern").filter(|_| pattern.is_some()) {
            let message = format!("`functionsPattern` of `{unit}` has no effect: `functions` counts before it");
            found.add(Diagnostic::warning("no-effect", entry.key_span, message));
        }
        return by_name(unit, names, service, sources, found);
    }
    let Some(pattern) = pattern else {
        let message = format!("the unit `{unit}` has no functions");
        let help = "name them in `functions`, or by patterns in `functionsPattern`";
        found.add(Diagnostic::error("empty-unit", span, message).help(help));
        return Vec::new();
    };
    let patterns = pattern.as_list().unwrap_or(std::slice::from_ref(pattern));
    by_pattern(unit, patterns, service, found)
}

fn by_name(
    unit: &str,
    names: &[Node],
    service: &Service,
    sources: &Sources,
    found: &mut Diagnostics,
) -> Vec<(usize, Claim)> {
    let mut members: Vec<(usize, Claim)> = Vec::new();
    for node in names {
        let name = node.as_written(sources).unwrap_or_default();
        let Some(number) = service.functions.iter().position(|function| function.name == name) else {
            let message = format!("the unit `{unit}` names a function `{name}`, which there is not");
            let mut diagnostic = Diagnostic::error("unknown-function", node.span, message);
            if let Some(near) = nearest(name, service.functions.iter().map(|function| function.name.as_str())) {
                diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
            }
            found.add(diagnostic);
            continue;
        };
        match members.iter().find(|(other, _)| *other == number) {
            Some((_, first)) => {
                let message = format!("the unit `{unit}` names the function `{name}` twice");
                found.add(Diagnostic::warning("named-twice", node.span, message).other(first.span(), "the first time"));
            }
            None => members.push((number, Claim::Named(node.span))),
        }
    }
    members
}

/// One pattern of a unit.
struct Pattern<'p> {
    matcher: GlobMatcher,
    takes_away: bool,
    node: &'p Node,
}

fn by_pattern(unit: &str, nodes: &[Node], service: &Service, found: &mut Diagnostics) -> Vec<(usize, Claim)> {
    let mut patterns = Vec::new();
    for node in nodes {
        let text = node.as_text().unwrap_or_default();
        let (takes_away, glob) = text.strip_prefix('!').map_or((false, text), |glob| (true, glob));
        match GlobBuilder::new(glob).literal_separator(false).build() {
            Ok(glob) => patterns.push(Pattern { matcher: glob.compile_matcher(), takes_away, node }),
            Err(error) => {
                let message = format!("{} is no pattern: {}", quoted(glob), error.kind());
                found.add(Diagnostic::error("bad-pattern", node.span, message));
            }
        }
    }
    // A list that begins by taking away takes away from all functions.
    let takes_all = patterns.first().is_some_and(|pattern| pattern.takes_away);
    let mut members = Vec::new();
    let mut has_matched = vec![false; patterns.len()];
    for (number, function) in service.functions.iter().enumerate() {
        let mut claim = takes_all.then(|| patterns[0].node.span);
        for (pattern, has_matched) in patterns.iter().zip(&mut has_matched) {
            if pattern.matcher.is_match(&function.name) {
                *has_matched = true;
                claim = (!pattern.takes_away).then_some(pattern.node.span);
            }
        }
        members.extend(claim.map(|span| (number, Claim::Pattern(span))));
    }
    for (pattern, _) in patterns.iter().zip(has_matched).filter(|(_, has_matched)| !has_matched) {
        let text = pattern.node.as_text().unwrap_or_default();
        let message = format!("the pattern {} of the unit `{unit}` fits no function", quoted(text));
        let names: Vec<&str> = service.functions.iter().map(|function| function.name.as_str()).collect();
        let diagnostic = if pattern.takes_away {
            Diagnostic::warning("idle-pattern", pattern.node.span, message)
        } else {
            Diagnostic::error("idle-pattern", pattern.node.span, message)
        };
        let help = match nearest(text.trim_start_matches('!'), names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => "there are no functions".to_owned(),
            None => format!("the functions are {}", names.iter().take(20).copied().collect::<Vec<_>>().join(", ")),
        };
        found.add(diagnostic.help(help));
    }
    members
}

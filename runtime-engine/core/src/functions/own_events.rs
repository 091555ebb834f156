//! The events that functions declare in their modules, beside those that the manifest gives them: the manifest counts.

use crate::manifest::{EventFilter, EventSpec, FunctionSpec, timer_name};
use crate::router::{Matching, Router};
use crate::trigger::Kind;
use std::borrow::Cow;
use std::fmt::Write;

/// Names the timers of functions that have several without a name, since each of these would get the events of all.
/// Each gets the name that a yml without names gives it: its function's with `-timer`, and from the second of a
/// function on with a number. One timer alone needs no name.
pub(super) fn name_timers<'e>(functions: impl Iterator<Item = (&'e str, &'e mut Vec<EventSpec>)>) {
    let mut unnamed: Vec<(String, &mut Option<String>)> = Vec::new();
    for (function, events) in functions {
        let mut number = 0;
        for event in events {
            let EventFilter::Other { kind: Kind::Timer, source, .. } = &mut event.filter else { continue };
            number += 1;
            if source.is_none() {
                unnamed.push((timer_name(function, number), source));
            }
        }
    }
    if unnamed.len() > 1 {
        for (name, source) in unnamed {
            *source = Some(name);
        }
    }
}

/// Returns the message about a function whose module declares other events than the manifest; `None` if they do not
/// differ.
pub(super) fn difference(spec: &FunctionSpec, own: &[EventSpec]) -> Option<String> {
    let (said, own_filters) = (filters(&spec.events), filters(own));
    let all_in = |some: &[&EventFilter], others: &[&EventFilter]| {
        some.iter().all(|filter| others.iter().any(|other| is_same(filter, other)))
    };
    if said.is_empty() || own.is_empty() || (all_in(&said, &own_filters) && all_in(&own_filters, &said)) {
        return None;
    }
    Some(format!(
        "function {} serves what the manifest says, {}, and not what its module says, {}",
        spec.name,
        in_words(&said),
        in_words(&own_filters)
    ))
}

fn filters(events: &[EventSpec]) -> Vec<&EventFilter> {
    events.iter().map(|event| &event.filter).collect()
}

/// Returns `true` if two filters mean the same events. A filter that names no source or type leaves that to the other.
fn is_same(one: &EventFilter, other: &EventFilter) -> bool {
    let fits = |one: &Option<String>, other: &Option<String>| one.is_none() || other.is_none() || one == other;
    match (one, other) {
        (EventFilter::Http { path, methods }, EventFilter::Http { path: other_path, methods: other_methods }) => {
            let every =
                |some: &[Cow<'_, str>], others: &[Cow<'_, str>]| some.iter().all(|method| others.contains(method));
            is_same_path(path.as_deref(), other_path.as_deref())
                && every(methods, other_methods)
                && every(other_methods, methods)
        }
        (
            EventFilter::Other { kind, source, event_type },
            EventFilter::Other { kind: other_kind, source: other_source, event_type: other_type },
        ) => kind == other_kind && fits(source, other_source) && fits(event_type, other_type),
        _ => false,
    }
}

/// Returns `true` if two patterns fit the same paths. They may be written in different ways: `:id` and `{id}`.
fn is_same_path(one: Option<&str>, other: Option<&str>) -> bool {
    // As they mostly are, and every start with a manifest asks.
    if one == other {
        return true;
    }
    let mut router = Router::new(Matching::default());
    let is_new = router.add(one.unwrap_or("/*"), &[], 0).is_ok();
    is_new && router.add(other.unwrap_or("/*"), &[], 1).is_err()
}

/// Returns the events as people name them: `GET, PUT /orders/:id and queue paid`.
fn in_words(filters: &[&EventFilter]) -> String {
    let mut out = String::new();
    for (index, filter) in filters.iter().enumerate() {
        if index > 0 {
            out.push_str(" and ");
        }
        let _ = match filter {
            EventFilter::Http { path, methods } => {
                let methods = if methods.is_empty() { "any method".to_owned() } else { methods.join(", ") };
                write!(out, "{methods} {}", path.as_deref().unwrap_or("of every path"))
            }
            EventFilter::Other { kind, source, event_type } => {
                let source = source.iter().map(|source| format!(" {source}"));
                let of_type = event_type.iter().map(|event_type| format!(" of type {event_type}"));
                write!(out, "{}{}", kind.word(), source.chain(of_type).collect::<String>())
            }
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Manifest;

    fn events(text: &str) -> Vec<EventSpec> {
        Manifest::read_triggers(text.as_bytes()).expect("they are good")
    }

    fn said(manifest: &str, module: &str) -> Option<String> {
        let spec = FunctionSpec { name: "order".into(), events: events(manifest), ..FunctionSpec::default() };
        difference(&spec, &events(module))
    }

    #[test]
    fn other_events_of_the_module_are_named_with_those_that_count() {
        let found = said(
            r#"[{"http":{"path":"/orders/:id","method":["GET","PUT"]}},{"queue":{"source":"paid"}}]"#,
            r#"[{"http":{"path":"/orders"}},{"event":{"type":"paid"}},{"http":true}]"#,
        );
        assert_eq!(
            found.as_deref(),
            Some(
                "function order serves what the manifest says, GET, PUT /orders/:id and queue paid, and not what its module \
                 says, any method /orders and event of type paid and any method of every path"
            )
        );
    }

    #[test]
    fn the_same_events_and_a_name_that_only_the_manifest_gives_are_no_difference() {
        let http = |methods: &str| format!(r#"[{{"http":{{"path":"/a","method":[{methods}]}}}}]"#);
        assert_eq!(said(&http(r#""GET","PUT""#), &http(r#""PUT","GET""#)), None);
        assert_eq!(said(r#"[{"timer":{"source":"nightly"}}]"#, r#"[{"timer":{"cron":"0 2 * * *"}}]"#), None);
        let pattern = |path: &str| format!(r#"[{{"http":{{"path":"{path}"}}}}]"#);
        assert_eq!(said(&pattern("/a/:id"), &pattern("/a/{id}")), None);
        assert!(said(&pattern("/a/:id"), &pattern("/a/id")).is_some());
        assert_eq!(said("[]", &http(r#""GET""#)), None);
        assert_eq!(said(&http(r#""GET""#), "[]"), None);
        assert!(said(&http(r#""GET""#), &http(r#""GET","PUT""#)).is_some());
        assert!(said(r#"[{"queue":{"source":"a"}}]"#, r#"[{"queue":{"source":"b"}}]"#).is_some());
    }

    #[test]
    fn timers_without_names_get_one_where_there_are_several() {
        let named = |functions: &[(&str, &str)]| {
            let mut all: Vec<(&str, Vec<EventSpec>)> =
                functions.iter().map(|(name, text)| (*name, events(text))).collect();
            name_timers(all.iter_mut().map(|(name, events)| (*name, events)));
            all.iter().map(|(_, events)| in_words(&filters(events))).collect::<Vec<_>>()
        };
        let timer = r#"[{"timer":{"cron":"0 2 * * *"}}]"#;
        assert_eq!(named(&[("a", timer)]), ["timer"]);
        assert_eq!(named(&[("a", timer), ("b", timer)]), ["timer a-timer", "timer b-timer"]);
        let several = r#"[{"timer":{"source":"own"}},{"timer":{"every":"5m"}},{"queue":true},{"timer":true}]"#;
        assert_eq!(named(&[("a", several)]), ["timer own and timer a-timer-2 and queue and timer a-timer-3"]);
    }
}

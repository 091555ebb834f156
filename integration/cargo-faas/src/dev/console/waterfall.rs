//! Waterfalls: bars for the phases of a process and of an invocation, the layers and the function in them. Each has a
//! scale of its own, since a start takes thousands of times as long as an invocation.

use super::super::lines::{PhaseSpan, Span};
use super::super::store::Record;
use super::html::{self, escape};
use std::fmt::Write as _;
use std::time::Duration;

/// Returns the waterfall of an invocation, and before it that of the phases which ran because of it.
pub(super) fn of_invocation(record: &Record) -> String {
    let mut all = of_start(&record.start);
    let whole = record.took.map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    let inner = record.spans.iter().map(|span| span.to_us).max().unwrap_or(0);
    let mut scale = Scale { from: 0, whole: whole.unwrap_or(inner).max(inner).max(1), rows: String::new() };
    // The front's time surrounds the runtime's, and the rest of it is the time on the way.
    let lead = if inner > 0 { (scale.whole - inner) / 2 } else { 0 };
    scale.bar("front to front", 0, (0, scale.whole), Kind::Whole);
    if record.spans.is_empty() {
        all += &scale.table("How long it took");
        all += "<p class=\"none\">No spans yet: they come with the runtime's output, if the layer span is in the deployment.</p>";
        return all;
    }
    scale.bar("Invoke", 1, (lead, inner + lead), Kind::Phase);
    let mut spans: Vec<&Span> = record.spans.iter().collect();
    spans.sort_by_key(|span| (span.depth, span.from_us));
    for span in spans {
        scale.span(span, 2, lead);
    }
    all += &scale.table("How long each layer and the function took");
    all += "<p class=\"none\">Layers from outside inward, then the function. What the front's time has more is the way there \
            and back, drawn as if both took the same.</p>";
    all
}

/// Returns the waterfall of the phases RuntimeStart and FunctionStart among the spans; nothing if there are none.
pub(super) fn of_start(spans: &[PhaseSpan]) -> String {
    let groups = groups(spans, |phase| phase != CLOSE);
    let Some(end) = groups.iter().map(Group::to).max() else { return String::new() };
    let is_process = groups.iter().any(|group| group.phase == RUNTIME_START && group.function.is_none());
    let (name, from) = match groups.first() {
        Some(first) if !is_process => ("start of the function", first.from()),
        _ => ("start of the process", 0),
    };
    let note = "<p class=\"none\">Phases in their order, and in each the layers from outside inward, then the function. \
                Between the bars libraries are loaded.</p>";
    drawn(&groups, name, (from, end), "How long each phase of the start took") + note
}

/// Returns the waterfall of the phase Close among the spans; nothing if there are none.
pub(super) fn of_close(spans: &[PhaseSpan]) -> String {
    let groups = groups(spans, |phase| phase == CLOSE);
    let ends = groups.iter().map(Group::from).min().zip(groups.iter().map(Group::to).max());
    ends.map_or_else(String::new, |ends| drawn(&groups, "end of the process", ends, "How long the phase Close took"))
}

const RUNTIME_START: &str = "RuntimeStart";
const CLOSE: &str = "Close";

/// The spans of one phase: of the whole process, or of a function.
struct Group<'s> {
    phase: &'s str,
    function: Option<&'s str>,
    spans: Vec<&'s Span>,
}

impl Group<'_> {
    fn from(&self) -> u64 {
        self.spans.iter().map(|span| span.from_us).min().unwrap_or_default()
    }

    fn to(&self) -> u64 {
        self.spans.iter().map(|span| span.to_us).max().unwrap_or_default()
    }
}

/// Returns the phases in the order in which they began.
fn groups(spans: &[PhaseSpan], is_wanted: impl Fn(&str) -> bool) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for one in spans.iter().filter(|one| is_wanted(&one.phase)) {
        let (phase, function) = (one.phase.as_str(), one.function.as_deref());
        match groups.iter_mut().find(|group| (group.phase, group.function) == (phase, function)) {
            Some(group) => group.spans.push(&one.span),
            None => groups.push(Group { phase, function, spans: vec![&one.span] }),
        }
    }
    groups.iter_mut().for_each(|group| group.spans.sort_by_key(|span| (span.depth, span.from_us)));
    groups.sort_by_key(Group::from);
    groups
}

fn drawn(groups: &[Group<'_>], name: &str, (from, to): (u64, u64), caption: &str) -> String {
    let mut scale = Scale { from, whole: to.saturating_sub(from).max(1), rows: String::new() };
    scale.bar(name, 0, (0, scale.whole), Kind::Whole);
    for group in groups {
        let name = group.function.map_or_else(|| group.phase.to_owned(), |name| format!("{} of {name}", group.phase));
        scale.bar(&name, 1, (group.from().saturating_sub(from), group.to().saturating_sub(from)), Kind::Phase);
        for span in &group.spans {
            scale.span(span, 2, 0);
        }
    }
    scale.table(caption)
}

/// What a bar stands for, and so its colour.
#[derive(Clone, Copy)]
enum Kind {
    Whole,
    Phase,
    Span,
    Failed,
}

/// Rows of bars on one scale.
struct Scale {
    /// The moment at which it begins, in microseconds on the clock of its spans.
    from: u64,
    /// The length of the scale in microseconds, above 0.
    whole: u64,
    rows: String,
}

impl Scale {
    /// Adds the bar of a layer or the function: `least` deep if nothing stands around it, and `lead` microseconds later.
    fn span(&mut self, span: &Span, least: usize, lead: u64) {
        let depth = usize::try_from(span.depth).unwrap_or(0) + least;
        let at = |moment: u64| moment.saturating_sub(self.from) + lead;
        let kind = if span.outcome == "ok" { Kind::Span } else { Kind::Failed };
        self.bar(&span.name, depth, (at(span.from_us), at(span.to_us)), kind);
    }

    /// Adds a bar between two moments, in microseconds from the beginning of the scale.
    fn bar(&mut self, name: &str, depth: usize, (from, to): (u64, u64), kind: Kind) {
        let part = |us: u64| us.saturating_mul(1_000) / self.whole;
        let (start, width) = (part(from).min(996), part(to.saturating_sub(from)).clamp(4, 1_000));
        let class = match kind {
            Kind::Whole => "whole",
            Kind::Phase => "phase",
            Kind::Span => "span",
            Kind::Failed => "failed",
        };
        let took = html::duration(Duration::from_micros(to.saturating_sub(from)));
        // Writing to a string does not fail.
        let _ = write!(
            self.rows,
            "<tr><th scope=\"row\" class=\"in-{}\">{}</th><td><svg viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" \
             aria-hidden=\"true\"><rect class=\"{class}\" x=\"{start}\" y=\"0\" width=\"{}\" height=\"10\" rx=\"3\"/></svg></td>\
             <td class=\"took\">{took}</td></tr>",
            depth.min(8),
            escape(name),
            width.min(1_000 - start),
        );
    }

    fn table(self, caption: &str) -> String {
        let rows = self.rows;
        format!("<table class=\"waterfall\"><caption class=\"unseen\">{caption}</caption><tbody>{rows}</tbody></table>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(phase: &str, function: Option<&str>, name: &str, depth: u64, ends: (u64, u64)) -> PhaseSpan {
        let (from_us, to_us) = ends;
        let span = Span { name: name.to_owned(), depth, from_us, to_us, outcome: "ok".to_owned() };
        PhaseSpan { phase: phase.to_owned(), function: function.map(str::to_owned), span }
    }

    /// Returns the names of the rows, each as deep as it is indented, and where its bar begins.
    fn rows(page: &str) -> Vec<(String, u64)> {
        let between = |text: &str, before: &str, after: &str| {
            let rest = text.split_once(before).unwrap().1;
            rest.split_once(after).unwrap().0.to_owned()
        };
        let row = |row: &str| {
            let depth = between(row, "in-", "\"").parse().unwrap();
            let name = between(row, "\">", "</th>");
            ("-".repeat(depth) + &name, between(row, " x=\"", "\"").parse().unwrap())
        };
        page.split("<tr>").skip(1).map(row).collect()
    }

    #[test]
    fn phases_stand_in_their_order_on_the_clock_of_the_process() {
        let spans = [
            span("RuntimeStart", None, "auth", 0, (2_000, 3_000)),
            span("FunctionStart", Some("order"), "order", 1, (5_100, 7_000)),
            span("FunctionStart", Some("order"), "auth", 0, (5_000, 10_000)),
            span("Close", None, "auth", 0, (90_000, 90_500)),
        ];
        let expected = [
            ("start of the process", 0),
            ("-RuntimeStart", 200),
            ("--auth", 200),
            ("-FunctionStart of order", 500),
            ("--auth", 500),
            ("---order", 510),
        ];
        let owned = |rows: &[(&str, u64)]| rows.iter().map(|(name, at)| ((*name).to_owned(), *at)).collect::<Vec<_>>();
        assert_eq!(rows(&of_start(&spans)), owned(&expected));
        assert_eq!(rows(&of_close(&spans)), owned(&[("end of the process", 0), ("-Close", 0), ("--auth", 0)]));
        // A function that starts when it is needed has a scale of its own.
        let own = [("start of the function", 0), ("-FunctionStart of order", 0), ("--auth", 0), ("---order", 20)];
        assert_eq!(rows(&of_start(&spans[1..3])), owned(&own));
        assert_eq!((of_start(&[]), of_close(&spans[..1])), (String::new(), String::new()));
    }
}

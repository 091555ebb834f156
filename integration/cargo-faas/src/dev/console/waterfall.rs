//! Waterfalls: bars for the phases of a process and of an invocation, the layers and the function in them. Each has a
//! scale of its own, since a start takes thousands of times as long as an invocation.

use super::super::lifecycles::CLOSE;
use super::super::lines::{PhaseSpan, Span};
use super::super::record::Record;
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

/// Returns the waterfalls of the starts among the spans: that of the process, and behind it one for each start of a
/// function that starts when it is needed, which may be long after. It is empty if there are none.
pub(super) fn of_start(spans: &[PhaseSpan]) -> String {
    let (lazy, eager): (Vec<&PhaseSpan>, Vec<&PhaseSpan>) =
        spans.iter().filter(|one| one.phase != CLOSE).partition(|one| one.is_lazy);
    let mut all = String::new();
    let groups = groups(&eager);
    if let Some(end) = groups.iter().map(Group::to).max() {
        all += &drawn(&groups, Some("start of the process"), (0, end), "How long each phase of the start took");
    }
    for groups in starts(&lazy) {
        let name = groups.iter().find_map(|group| group.function).unwrap_or_default();
        let whole = format!("start of {name}, when it was needed");
        all += &drawn(&groups, Some(&whole), ends(&groups), "How long each phase of the function's start took");
    }
    if !all.is_empty() {
        all += "<p class=\"none\">Phases in their order, and in each the layers from outside inward, then the function. \
                Between the bars libraries are loaded.</p>";
    }
    all
}

/// Returns the waterfall of the phase Close among the spans; it is empty if there are none.
pub(super) fn of_close(spans: &[PhaseSpan]) -> String {
    let closes: Vec<&PhaseSpan> = spans.iter().filter(|one| one.phase == CLOSE).collect();
    let groups = groups(&closes);
    if groups.is_empty() { String::new() } else { drawn(&groups, None, ends(&groups), "How long the phase Close took") }
}

/// The spans of one phase: of the whole process, or of a function.
struct Group<'s> {
    phase: &'s str,
    function: Option<&'s str>,
    spans: Vec<&'s Span>,
}

impl<'s> Group<'s> {
    fn from(&self) -> u64 {
        self.spans.iter().map(|span| span.from_us).min().unwrap_or_default()
    }

    fn to(&self) -> u64 {
        self.spans.iter().map(|span| span.to_us).max().unwrap_or_default()
    }

    /// Returns `true` if a span is one of this phase: it is of the same one, and none of its place is here yet.
    fn takes(&self, one: &'s PhaseSpan) -> bool {
        let is_there = |span: &&Span| span.depth == one.span.depth && span.name == one.span.name;
        self.phase == one.phase && self.function == one.function.as_deref() && !self.spans.iter().any(is_there)
    }
}

/// Returns the moments between which the phases are.
fn ends(groups: &[Group<'_>]) -> (u64, u64) {
    let ends = groups.iter().map(Group::from).min().zip(groups.iter().map(Group::to).max());
    ends.unwrap_or_default()
}

/// Returns the phases in the order in which they began. A phase that ran again, because the first try failed, is there
/// twice.
fn groups<'s>(spans: &[&'s PhaseSpan]) -> Vec<Group<'s>> {
    let mut groups: Vec<Group<'s>> = Vec::new();
    for one in spans {
        match groups.iter_mut().rev().find(|group| group.takes(one)) {
            Some(group) => group.spans.push(&one.span),
            None => groups.push(Group { phase: &one.phase, function: one.function.as_deref(), spans: vec![&one.span] }),
        }
    }
    groups.iter_mut().for_each(|group| group.spans.sort_by_key(|span| (span.depth, span.from_us)));
    groups.sort_by_key(Group::from);
    groups
}

/// Returns the phases by the starts that they are parts of: each start of each function by itself.
fn starts<'s>(spans: &[&'s PhaseSpan]) -> Vec<Vec<Group<'s>>> {
    let mut starts: Vec<Vec<Group<'s>>> = Vec::new();
    for group in groups(spans) {
        let is_part = |start: &&mut Vec<Group<'s>>| {
            start.iter().all(|other| other.function == group.function && other.phase != group.phase)
        };
        match starts.iter_mut().rev().find(is_part) {
            Some(start) => start.push(group),
            None => starts.push(vec![group]),
        }
    }
    starts
}

/// Draws phases between two moments, below a bar of that name for the whole if there is one.
fn drawn(groups: &[Group<'_>], whole: Option<&str>, (from, to): (u64, u64), caption: &str) -> String {
    let mut scale = Scale { from, whole: to.saturating_sub(from).max(1), rows: String::new() };
    if let Some(whole) = whole {
        scale.bar(whole, 0, (0, scale.whole), Kind::Whole);
    }
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
        PhaseSpan { phase: phase.to_owned(), function: function.map(str::to_owned), is_lazy: false, span }
    }

    fn lazy(span: PhaseSpan) -> PhaseSpan {
        PhaseSpan { is_lazy: true, ..span }
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

    fn owned(rows: &[(&str, u64)]) -> Vec<(String, u64)> {
        rows.iter().map(|(name, at)| ((*name).to_owned(), *at)).collect()
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
        assert_eq!(rows(&of_start(&spans)), owned(&expected));
        assert_eq!(rows(&of_close(&spans)), owned(&[("-Close", 0), ("--auth", 0)]));
        assert_eq!((of_start(&spans[3..]), of_close(&spans[..3])), (String::new(), String::new()));
        // A process of one function without layers begins before the first of its phases.
        let expected = [("start of the process", 0), ("-FunctionStart of order", 728), ("---order", 728)];
        assert_eq!(rows(&of_start(&spans[1..2])), owned(&expected));
    }

    #[test]
    fn a_function_that_starts_when_it_is_needed_has_a_scale_of_its_own_for_each_try() {
        let start = |from: u64| {
            [
                lazy(span("RuntimeStart", Some("report"), "retry", 1, (from, from + 100))),
                lazy(span("FunctionStart", Some("report"), "report", 2, (from + 200, from + 900))),
                lazy(span("FunctionStart", Some("report"), "retry", 1, (from + 200, from + 1_000))),
            ]
        };
        let eager = span("RuntimeStart", None, "auth", 0, (100, 200));
        let spans = [vec![eager], start(5_000_000).to_vec(), start(9_000_000).to_vec()].concat();
        let own = [
            ("start of report, when it was needed", 0),
            ("-RuntimeStart of report", 0),
            ("---retry", 0),
            ("-FunctionStart of report", 200),
            ("---retry", 200),
            ("----report", 200),
        ];
        let process = [("start of the process", 0), ("-RuntimeStart", 500), ("--auth", 500)];
        assert_eq!(rows(&of_start(&spans)), owned(&[&process[..], &own, &own].concat()));
    }
}

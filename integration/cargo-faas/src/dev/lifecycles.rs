//! The spans of the phases of each process. They are read from lines, kept by process, and handed to the invocations that
//! the phases ran for. It is bounded, and knows no process but by its number.

use super::lines::PhaseSpan;
use std::collections::VecDeque;

/// The number of processes whose phases are kept.
const PROCESSES: usize = 32;
/// The number of spans that are kept of a process.
const SPANS: usize = 400;

/// The process that a line came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The number of the deployment.
    pub(crate) deployment: u64,
    /// The name of the unit.
    pub(crate) unit: String,
    /// The id of the process.
    pub(crate) pid: u32,
}

#[derive(Debug)]
struct Lifecycle {
    origin: Origin,
    /// The spans in the order in which they ended, and whether an invocation has each already.
    spans: Vec<(PhaseSpan, bool)>,
}

/// The spans of the phases of the last processes.
#[derive(Debug, Default)]
pub(crate) struct Lifecycles(VecDeque<Lifecycle>);

impl Lifecycles {
    /// Adds a span that has ended.
    pub(crate) fn add(&mut self, origin: &Origin, span: PhaseSpan) {
        // A function is not there yet when the runtime starts, and a span around it has nothing in it then.
        if span.phase == "RuntimeStart" && span.function.as_ref() == Some(&span.span.name) {
            return;
        }
        let at = self.0.iter().position(|lifecycle| lifecycle.origin == *origin).unwrap_or_else(|| {
            if self.0.len() == PROCESSES {
                self.0.pop_front();
            }
            self.0.push_back(Lifecycle { origin: origin.clone(), spans: Vec::new() });
            self.0.len() - 1
        });
        let spans = &mut self.0[at].spans;
        if spans.len() < SPANS {
            spans.push((span, false));
        }
    }

    /// Takes the spans of the phases that ran because of an invocation, as far as no other one has them: all that there
    /// are for the first of a process, and for a later one those of its function, which then starts when it is needed.
    pub(crate) fn because_of(&mut self, origin: &Origin, is_first: bool, function: Option<&str>) -> Vec<PhaseSpan> {
        let lifecycle = self.0.iter_mut().find(|lifecycle| lifecycle.origin == *origin);
        let spans = lifecycle.into_iter().flat_map(|lifecycle| &mut lifecycle.spans);
        let is_its = |span: &PhaseSpan| is_first || function.is_some() && span.function.as_deref() == function;
        spans
            .filter(|(span, is_taken)| !is_taken && is_its(span))
            .map(|(span, is_taken)| {
                *is_taken = true;
                span.clone()
            })
            .collect()
    }

    /// Returns the processes, the latest first, and the spans of each.
    pub(crate) fn all(&self) -> Vec<(Origin, Vec<PhaseSpan>)> {
        let spans = |lifecycle: &Lifecycle| lifecycle.spans.iter().map(|(span, _)| span.clone()).collect();
        self.0.iter().rev().map(|lifecycle| (lifecycle.origin.clone(), spans(lifecycle))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines::Span;
    use super::*;

    fn origin(pid: u32) -> Origin {
        Origin { deployment: 1, unit: "shop".to_owned(), pid }
    }

    fn span(phase: &str, function: Option<&str>, name: &str) -> PhaseSpan {
        let span = Span { name: name.to_owned(), depth: 0, from_us: 1, to_us: 2, outcome: "ok".to_owned() };
        PhaseSpan { phase: phase.to_owned(), function: function.map(str::to_owned), span }
    }

    #[test]
    fn the_first_invocation_has_the_start_of_its_process_and_a_later_one_that_of_its_function() {
        let mut all = Lifecycles::default();
        all.add(&origin(7), span("RuntimeStart", None, "auth"));
        all.add(&origin(7), span("FunctionStart", Some("order"), "order"));
        all.add(&origin(8), span("RuntimeStart", None, "auth"));
        let phases = |spans: Vec<PhaseSpan>| spans.into_iter().map(|span| span.phase).collect::<Vec<_>>();
        assert_eq!(phases(all.because_of(&origin(7), true, None)), ["RuntimeStart", "FunctionStart"]);
        assert!(all.because_of(&origin(7), true, None).is_empty(), "nobody gets a span twice");
        all.add(&origin(7), span("FunctionStart", Some("report"), "report"));
        assert!(all.because_of(&origin(7), false, Some("order")).is_empty());
        assert!(all.because_of(&origin(7), false, None).is_empty());
        assert_eq!(phases(all.because_of(&origin(7), false, Some("report"))), ["FunctionStart"]);
        assert_eq!(
            all.all().iter().map(|(origin, spans)| (origin.pid, spans.len())).collect::<Vec<_>>(),
            [(8, 1), (7, 3)]
        );
    }

    #[test]
    fn a_function_has_no_part_in_the_start_of_the_runtime_but_its_layers_have() {
        let mut all = Lifecycles::default();
        all.add(&origin(7), span("RuntimeStart", Some("order"), "order"));
        all.add(&origin(7), span("RuntimeStart", Some("order"), "trace"));
        assert_eq!(all.all()[0].1, [span("RuntimeStart", Some("order"), "trace")]);
    }

    #[test]
    fn the_last_processes_are_kept_and_of_each_the_first_spans() {
        let mut all = Lifecycles::default();
        for pid in 0..PROCESSES as u32 + 1 {
            all.add(&origin(pid), span("Close", None, "auth"));
        }
        for _ in 0..SPANS {
            all.add(&origin(1), span("Close", None, "auth"));
        }
        let kept = all.all();
        assert_eq!((kept.len(), kept[PROCESSES - 1].0.pid, kept[PROCESSES - 1].1.len()), (PROCESSES, 1, SPANS));
    }
}

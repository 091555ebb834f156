//! The spans of the phases of each process. They are read from lines, kept by process, and handed to the invocations that
//! the phases ran for. It is bounded, and knows of a process what its lines come with.

use super::lines::PhaseSpan;
use std::collections::VecDeque;
use std::sync::Arc;

/// The number of processes whose phases are kept.
const PROCESSES: usize = 32;
/// The number of spans of starts that are kept of a process, and as many of its end.
const SPANS: usize = 400;

/// The phase in which a process or a function ends.
pub(crate) const CLOSE: &str = "Close";

/// The process that a line came from.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The number of the deployment.
    pub(crate) deployment: u64,
    /// The name of the unit.
    pub(crate) unit: String,
    /// The id of the process.
    pub(crate) pid: u32,
    /// The functions that start when they are needed.
    pub(crate) lazy: Arc<[String]>,
}

/// The spans of the phases of one process.
#[derive(Clone, Debug)]
pub(crate) struct Lifecycle {
    /// The process.
    pub(crate) origin: Origin,
    /// The spans in the order in which they ended.
    pub(crate) spans: Vec<PhaseSpan>,
    /// The number of spans that are not kept.
    pub(crate) left_out: usize,
    /// For each span, whether an invocation has it already.
    taken: Vec<bool>,
}

impl Lifecycle {
    /// Returns `true` if it is of the process with that id in that deployment.
    fn is_of(&self, deployment: u64, pid: u32) -> bool {
        self.origin.deployment == deployment && self.origin.pid == pid
    }
}

/// The spans of the phases of the last processes.
#[derive(Debug, Default)]
pub(crate) struct Lifecycles(VecDeque<Lifecycle>);

impl Lifecycles {
    /// Adds a span that has ended.
    pub(crate) fn add(&mut self, origin: &Origin, mut span: PhaseSpan) {
        span.is_lazy = span.function.as_ref().is_some_and(|function| origin.lazy.contains(function));
        let at = self.0.iter().position(|one| one.is_of(origin.deployment, origin.pid)).unwrap_or_else(|| {
            if self.0.len() == PROCESSES {
                self.0.pop_front();
            }
            let (spans, taken) = (Vec::new(), Vec::new());
            self.0.push_back(Lifecycle { origin: origin.clone(), spans, left_out: 0, taken });
            self.0.len() - 1
        });
        let lifecycle = &mut self.0[at];
        let is_end = span.phase == CLOSE;
        if lifecycle.spans.iter().filter(|other| (other.phase == CLOSE) == is_end).count() < SPANS {
            lifecycle.spans.push(span);
            lifecycle.taken.push(false);
        } else {
            lifecycle.left_out += 1;
        }
    }

    /// Takes the spans of the starts that ran because of an invocation, as far as no other one has them. The first of a
    /// process has all that start with the process, and each has those of its own function if that starts when it is
    /// needed.
    pub(crate) fn because_of(&mut self, origin: &Origin, is_first: bool, function: Option<&str>) -> Vec<PhaseSpan> {
        let Some(lifecycle) = self.0.iter_mut().find(|one| one.is_of(origin.deployment, origin.pid)) else {
            return Vec::new();
        };
        let is_its = |span: &PhaseSpan| match (span.phase == CLOSE, span.is_lazy) {
            (true, _) => false,
            (false, false) => is_first,
            (false, true) => span.function.as_deref() == function,
        };
        let both = lifecycle.spans.iter().zip(&mut lifecycle.taken);
        both.filter(|(span, is_taken)| !**is_taken && is_its(span))
            .map(|(span, is_taken)| {
                *is_taken = true;
                span.clone()
            })
            .collect()
    }

    /// Returns the spans of all that started with a process.
    pub(crate) fn start_of(&self, deployment: u64, pid: u32) -> Vec<PhaseSpan> {
        let spans = self.0.iter().find(|one| one.is_of(deployment, pid)).into_iter().flat_map(|one| &one.spans);
        spans.filter(|span| span.phase != CLOSE && !span.is_lazy).cloned().collect()
    }

    /// Returns the processes, the latest first.
    pub(crate) fn all(&self) -> Vec<Lifecycle> {
        self.0.iter().rev().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines::Span;
    use super::*;

    fn origin(pid: u32) -> Origin {
        Origin { deployment: 1, unit: "shop".to_owned(), pid, lazy: Arc::new(["report".to_owned()]) }
    }

    fn span(phase: &str, function: Option<&str>, name: &str) -> PhaseSpan {
        let span = Span { name: name.to_owned(), depth: 0, from_us: 1, to_us: 2, outcome: "ok".to_owned() };
        PhaseSpan { phase: phase.to_owned(), function: function.map(str::to_owned), is_lazy: false, span }
    }

    #[test]
    fn the_first_invocation_has_the_start_of_its_process_and_each_that_of_its_own_lazy_function() {
        let mut all = Lifecycles::default();
        all.add(&origin(7), span("RuntimeStart", None, "auth"));
        all.add(&origin(7), span("FunctionStart", Some("order"), "order"));
        all.add(&origin(7), span("FunctionStart", Some("report"), "report"));
        all.add(&origin(8), span("RuntimeStart", None, "auth"));
        let names = |spans: Vec<PhaseSpan>| spans.into_iter().map(|span| span.span.name).collect::<Vec<_>>();
        let none = Vec::<String>::new();
        assert_eq!(names(all.because_of(&origin(7), false, Some("order"))), none, "it did not start because of it");
        assert_eq!(names(all.because_of(&origin(7), true, Some("order"))), ["auth", "order"]);
        assert_eq!(names(all.because_of(&origin(7), true, Some("order"))), none, "nobody gets a span twice");
        assert_eq!(names(all.because_of(&origin(7), false, None)), none);
        assert_eq!(names(all.because_of(&origin(7), false, Some("report"))), ["report"]);
        assert_eq!(names(all.start_of(1, 7)), ["auth", "order"]);
        let kept: Vec<_> = all.all().iter().map(|one| (one.origin.pid, one.spans.len())).collect();
        assert_eq!(kept, [(8, 1), (7, 3)]);
    }

    #[test]
    fn the_end_of_a_function_is_no_part_of_a_start() {
        let mut all = Lifecycles::default();
        all.add(&origin(7), span("FunctionStart", Some("report"), "report"));
        all.add(&origin(7), span(CLOSE, Some("report"), "report"));
        assert_eq!(all.because_of(&origin(7), true, Some("report")).len(), 1);
        assert_eq!(all.start_of(1, 7), []);
    }

    #[test]
    fn the_last_processes_are_kept_and_of_each_the_first_spans_of_starts_and_of_its_end() {
        let mut all = Lifecycles::default();
        for pid in 0..PROCESSES as u32 + 1 {
            all.add(&origin(pid), span(CLOSE, None, "auth"));
        }
        for _ in 0..SPANS {
            all.add(&origin(1), span(CLOSE, None, "auth"));
        }
        all.add(&origin(1), span("FunctionStart", None, "auth"));
        let kept = all.all();
        let first = &kept[PROCESSES - 1];
        assert_eq!((kept.len(), first.origin.pid, first.spans.len(), first.left_out), (PROCESSES, 1, SPANS + 1, 1));
    }
}

//! The log of calls, cut out of standard output by the markers that a runtime writes, and the breaches in those.

use crate::process::{Line, Stream};

/// A step of the platform's, as the markers name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Invoke,
    Initialize,
    PreFreeze,
    PreStop,
}

impl Step {
    const ALL: [Step; 4] = [Step::Invoke, Step::Initialize, Step::PreFreeze, Step::PreStop];

    fn word(self) -> &'static str {
        match self {
            Step::Invoke => "Invoke",
            Step::Initialize => "Initialize",
            Step::PreFreeze => "PreFreeze",
            Step::PreStop => "PreStop",
        }
    }
}

/// The outcome that the markers of a step have to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The step went well.
    Fine,
    /// The step failed.
    Failed,
    /// It never was a call, so there are no markers.
    Refused,
    /// The outcome is not known: there is one end at most.
    Unknown,
}

/// A step that was asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) step: Step,
    pub(super) request_id: String,
    pub(super) outcome: Outcome,
}

/// A marker in the output.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark<'l> {
    step: Step,
    is_end: bool,
    request_id: &'l str,
    failed: bool,
}

const FAILED: &str = ", Error: Unhandled function error";

fn mark(line: &str) -> Option<Mark<'_>> {
    let rest = line.strip_prefix("FC ")?;
    let step = Step::ALL.into_iter().find(|step| rest.split(' ').next() == Some(step.word()))?;
    let rest = rest[step.word().len()..].strip_prefix(' ')?;
    let (is_end, rest) = match rest.strip_prefix("Start RequestId: ") {
        Some(rest) => (false, rest),
        None => (true, rest.strip_prefix("End RequestId: ")?),
    };
    let (request_id, failed) = match rest.strip_suffix(FAILED) {
        Some(request_id) if is_end => (request_id, true),
        _ => (rest, false),
    };
    let is_id = !request_id.is_empty() && request_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_id.then_some(Mark { step, is_end, request_id, failed })
}

/// Returns `true` for the marker at the end of that step.
pub(super) fn is_end(line: &str, step: Step, request_id: &str) -> bool {
    mark(line).is_some_and(|mark| mark.is_end && mark.step == step && mark.request_id == request_id)
}

/// Returns the log of one call, markers included, as its caller would get it if the call were alone in its instance.
pub(super) fn cut(lines: &[Line], request_id: &str) -> String {
    let mut log = String::new();
    let mut inside = false;
    for line in lines.iter().filter(|line| line.stream == Stream::Stdout) {
        let own = mark(&line.text).filter(|mark| mark.step == Step::Invoke && mark.request_id == request_id);
        inside |= own.as_ref().is_some_and(|mark| !mark.is_end);
        if inside {
            log.push_str(&line.text);
            log.push('\n');
        }
        inside &= !own.is_some_and(|mark| mark.is_end);
    }
    log
}

/// Returns all breaches in the markers among these lines, where these steps were asked for.
pub(super) fn breaches(lines: &[Line], asked: &[Asked]) -> Vec<String> {
    let mut found = Vec::new();
    let mut marks = Vec::new();
    for line in lines.iter().filter(|line| line.text.starts_with("FC ")) {
        match mark(&line.text) {
            Some(_) if line.stream == Stream::Stderr => {
                found.push(format!("a marker on standard error: {}", line.text))
            }
            Some(mark) => marks.push(mark),
            None => found.push(format!("not a marker: {}", line.text)),
        }
    }
    for mark in &marks {
        if !asked.iter().any(|asked| asked.step == mark.step && asked.request_id == mark.request_id) {
            found.push(format!("a marker of what nobody asked for: {mark:?}"));
        }
    }
    for Asked { step, request_id, outcome } in asked {
        let own: Vec<_> = marks.iter().filter(|mark| mark.step == *step && mark.request_id == request_id).collect();
        let ends: Vec<_> = own.iter().map(|mark| (mark.is_end, mark.failed)).collect();
        let right = match outcome {
            Outcome::Fine => ends == [(false, false), (true, false)],
            Outcome::Failed => ends == [(false, false), (true, true)],
            Outcome::Refused => ends.is_empty(),
            Outcome::Unknown => matches!(ends[..], [] | [(false, _)] | [(false, _), (true, _)]),
        };
        if !right {
            found.push(format!("{step:?} of {request_id} was {outcome:?}, and its markers are {own:?}"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn lines(texts: &[&str]) -> Vec<Line> {
        let line = |text: &&str| Line { stream: Stream::Stdout, text: (*text).to_owned(), at: Instant::now() };
        texts.iter().map(line).collect()
    }

    fn asked(outcome: Outcome) -> [Asked; 1] {
        [Asked { step: Step::Invoke, request_id: "a-1".to_owned(), outcome }]
    }

    const START: &str = "FC Invoke Start RequestId: a-1";
    const END: &str = "FC Invoke End RequestId: a-1";
    const FAILURE: &str = "FC Invoke End RequestId: a-1, Error: Unhandled function error";

    #[test]
    fn a_call_has_one_beginning_and_the_end_that_it_came_to() {
        for (outcome, texts, right) in [
            (Outcome::Fine, &[START, "a line", END][..], true),
            (Outcome::Fine, &[START, FAILURE], false),
            (Outcome::Fine, &[END, START], false),
            (Outcome::Fine, &[START, END, END], false),
            (Outcome::Fine, &[START], false),
            (Outcome::Failed, &[START, FAILURE], true),
            (Outcome::Failed, &[START, END], false),
            (Outcome::Refused, &[], true),
            (Outcome::Refused, &[START, END], false),
            (Outcome::Unknown, &[START], true),
            (Outcome::Unknown, &[START, FAILURE], true),
            (Outcome::Unknown, &[FAILURE], false),
        ] {
            let found = breaches(&lines(texts), &asked(outcome));
            assert_eq!(found.is_empty(), right, "{outcome:?} {texts:?}: {found:?}");
        }
    }

    #[test]
    fn what_is_almost_a_marker_and_what_nobody_asked_for_is_found() {
        for text in [
            "FC Invoke Start RequestId: ",
            "FC Invoke Start RequestId: a 1",
            "FC Invoke Begin RequestId: a-1",
            "FC Invoker Start RequestId: a-1",
            "FC Invoke End RequestId: a-1, Error: other",
            "FC PreStop Start RequestId: a-1",
            "FC Invoke Start RequestId: a-2",
        ] {
            assert_eq!(breaches(&lines(&[START, text, END]), &asked(Outcome::Fine)).len(), 1, "{text}");
        }
        let mut astray = lines(&[START, END]);
        astray[1].stream = Stream::Stderr;
        assert_eq!(breaches(&astray, &asked(Outcome::Fine)).len(), 2);
    }

    #[test]
    fn a_log_is_what_stands_between_its_markers() {
        let all = lines(&["before", START, "own", END, "after", "FC Invoke Start RequestId: a-2", "other"]);
        assert_eq!(cut(&all, "a-1"), format!("{START}\nown\n{END}\n"));
        assert_eq!(cut(&all, "a-3"), "");
        assert!(is_end(END, Step::Invoke, "a-1") && is_end(FAILURE, Step::Invoke, "a-1"));
        assert!(!is_end(START, Step::Invoke, "a-1") && !is_end(END, Step::PreStop, "a-1"));
    }
}

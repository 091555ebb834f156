//! The calls that run and those that have ended: how long they took, the line that each leaves in the log, and the
//! metrics that they add up to, in the words of of-watchdog.

use crate::fields::caseless;
use crate::http1::write::reason;
use crate::invocation::Invocation;
use crate::log::{Level, Origin};
use crate::platform::{Response, http_common};
use crate::process::Process;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The upper limits of the histogram's buckets, in seconds as the label `le` has them and in nanoseconds. They are the
/// defaults of Prometheus' clients.
const BUCKETS: [(&str, u64); 11] = [
    ("0.005", 5_000_000),
    ("0.01", 10_000_000),
    ("0.025", 25_000_000),
    ("0.05", 50_000_000),
    ("0.1", 100_000_000),
    ("0.25", 250_000_000),
    ("0.5", 500_000_000),
    ("1", 1_000_000_000),
    ("2.5", 2_500_000_000),
    ("5", 5_000_000_000),
    ("10", 10_000_000_000),
];

/// The status of a call whose client left before the call had a status.
const LEFT: u16 = 499;
/// The time in nanoseconds after which a call that has ended and is not answered is forgotten: its client has left.
const FORGOTTEN_NS: u64 = 60_000_000_000;

/// The records of the calls.
#[derive(Debug)]
pub(super) struct Calls {
    /// The clock and the log, from the first call on.
    process: OnceLock<Arc<Process>>,
    /// `true` if lines end with the call's id.
    ids: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The calls that run, or whose answer is still to be made.
    open: Vec<Call>,
    counted: Vec<Series>,
}

/// A call that has not both ended and been answered. A stream is answered first, all else ends first.
#[derive(Debug)]
struct Call {
    id: Vec<u8>,
    method: &'static str,
    /// The method and path of the call: `POST /path`.
    line: String,
    /// `true` for a probe of the kubelet, whose calls would fill the log.
    quiet: bool,
    began_ns: u64,
    ended_ns: Option<u64>,
    answer: Option<Answered>,
}

#[derive(Clone, Copy, Debug)]
struct Answered {
    status: u16,
    /// The length of the reply; `None` for a stream.
    length: Option<usize>,
}

/// The number and the times of the calls with the same outcome.
#[derive(Debug)]
struct Series {
    code: u16,
    method: &'static str,
    count: u64,
    sum_ns: u64,
    buckets: [u64; BUCKETS.len()],
}

impl Calls {
    pub(super) fn new(ids: bool) -> Calls {
        Calls { process: OnceLock::new(), ids, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many calls run.
    pub(super) fn running(&self) -> usize {
        self.state().running()
    }

    /// Notes that a call begins.
    pub(super) fn begin(&self, invocation: &Invocation) {
        let process = self.process.get_or_init(|| invocation.process().clone());
        let Some(request) = invocation.message() else { return };
        let text = String::from_utf8_lossy;
        let call = Call {
            id: invocation.request_id().to_vec(),
            method: method(request.method()),
            // Without the query: secrets travel there.
            line: format!("{} {}", text(request.method()), text(http_common::path(request))),
            quiet: request.header("user-agent").is_some_and(|agent| agent.starts_with(b"kube-probe")),
            began_ns: invocation.received_ns(),
            ended_ns: None,
            answer: None,
        };
        let mut state = self.state();
        state.forget(process.now_ns());
        state.open.push(call);
    }

    /// Notes that a call has its response: its status, and the time it took, which goes into a header.
    pub(super) fn answer(&self, id: &[u8], length: Option<usize>, response: &mut Response) {
        let Some(process) = self.process.get() else { return };
        let mut state = self.state();
        let Some(at) = state.open.iter().position(|call| call.id == id && call.answer.is_none()) else { return };
        let call = &mut state.open[at];
        call.answer = Some(Answered { status: response.status, length });
        let took = process.now_ns().saturating_sub(call.began_ns);
        let micros = took % 1_000_000_000 / 1_000;
        let seconds = format!("{}.{micros:06}", took / 1_000_000_000);
        response.headers.set(b"x-duration-seconds", seconds.as_bytes(), caseless);
        self.close(process, state, at);
    }

    /// Notes that a call has ended, and writes its line.
    pub(super) fn end(&self, process: &Process, id: &[u8]) {
        let mut state = self.state();
        let Some(at) = state.open.iter().position(|call| call.id == id && call.ended_ns.is_none()) else { return };
        state.open[at].ended_ns = Some(process.now_ns());
        self.close(process, state, at);
    }

    /// Counts a call that was not let in.
    pub(super) fn refuse(&self, status: u16) {
        self.state().add(status, method(b""), 0);
    }

    /// Counts one that has ended and is answered, and writes its line.
    fn close(&self, process: &Process, mut state: MutexGuard<'_, State>, at: usize) {
        let (Some(_), Some(answer)) = (state.open[at].ended_ns, state.open[at].answer) else { return };
        let call = state.open.swap_remove(at);
        let took = process.now_ns().saturating_sub(call.began_ns);
        state.add(answer.status, call.method, took);
        drop(state);
        if call.quiet || !process.log.enabled(Level::Info) {
            return;
        }
        let length = answer.length.map_or_else(|| "-1".to_owned(), |length| length.to_string());
        let mut line = format!(
            "{} - {} {} - ContentLength: {length}B ({}.{:04}s)",
            call.line,
            answer.status,
            reason(answer.status),
            took / 1_000_000_000,
            took % 1_000_000_000 / 100_000
        );
        if self.ids {
            let _ = write!(line, " [{}]", String::from_utf8_lossy(&call.id));
        }
        let origin = Origin { request_id: &call.id, target: b"runtime", ..Origin::default() };
        process.log.write(Level::Info, origin, line.as_bytes(), std::iter::empty());
    }

    /// Returns all counts in Prometheus' text format.
    pub(super) fn metrics(&self) -> String {
        let state = self.state();
        let mut out = String::from(
            "# HELP http_requests_total Total HTTP requests processed.\n# TYPE http_requests_total counter\n",
        );
        for series in &state.counted {
            let _ = writeln!(out, "http_requests_total{{{}}} {}", series.labels(), series.count);
        }
        out.push_str(
            "# HELP http_request_duration_seconds Seconds spent serving HTTP requests.\n\
             # TYPE http_request_duration_seconds histogram\n",
        );
        for series in &state.counted {
            series.histogram(&mut out);
        }
        out.push_str(
            "# HELP http_requests_in_flight Total HTTP requests in flight.\n# TYPE http_requests_in_flight gauge\n",
        );
        let _ = writeln!(out, "http_requests_in_flight {}", state.running());
        out
    }
}

impl State {
    fn running(&self) -> usize {
        self.open.iter().filter(|call| call.ended_ns.is_none()).count()
    }

    /// Counts those whose client left.
    fn forget(&mut self, now: u64) {
        let is_forgotten = |call: &Call| call.ended_ns.is_some_and(|ended| now.saturating_sub(ended) > FORGOTTEN_NS);
        while let Some(at) = self.open.iter().position(is_forgotten) {
            let call = self.open.swap_remove(at);
            let took = call.ended_ns.unwrap_or(now).saturating_sub(call.began_ns);
            self.add(LEFT, call.method, took);
        }
    }

    fn add(&mut self, code: u16, method: &'static str, took_ns: u64) {
        let place = self.counted.iter().position(|series| (series.code, series.method) == (code, method));
        let place = place.unwrap_or_else(|| {
            self.counted.push(Series { code, method, count: 0, sum_ns: 0, buckets: [0; BUCKETS.len()] });
            self.counted.len() - 1
        });
        let series = &mut self.counted[place];
        series.count += 1;
        series.sum_ns = series.sum_ns.saturating_add(took_ns);
        for (count, (_, limit)) in series.buckets.iter_mut().zip(BUCKETS) {
            *count += u64::from(took_ns <= limit);
        }
    }
}

impl Series {
    fn labels(&self) -> String {
        format!("code=\"{}\",method=\"{}\"", self.code, self.method)
    }

    fn histogram(&self, out: &mut String) {
        const NAME: &str = "http_request_duration_seconds";
        let labels = self.labels();
        for (count, (le, _)) in self.buckets.iter().zip(BUCKETS) {
            let _ = writeln!(out, "{NAME}_bucket{{{labels},le=\"{le}\"}} {count}");
        }
        let (seconds, nanos) = (self.sum_ns / 1_000_000_000, self.sum_ns % 1_000_000_000);
        let _ = writeln!(out, "{NAME}_bucket{{{labels},le=\"+Inf\"}} {}", self.count);
        let _ = writeln!(out, "{NAME}_sum{{{labels}}} {seconds}.{nanos:09}");
        let _ = writeln!(out, "{NAME}_count{{{labels}}} {}", self.count);
    }
}

/// Returns the method as a label. Anybody may send any word, and each label is kept for good, so unknown methods share
/// one.
fn method(name: &[u8]) -> &'static str {
    match name {
        b"GET" => "get",
        b"PUT" => "put",
        b"HEAD" => "head",
        b"POST" => "post",
        b"PATCH" => "patch",
        b"DELETE" => "delete",
        b"OPTIONS" => "options",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{process, request};
    use super::*;
    use crate::invocation::InvocationMetadata;

    fn begun(calls: &Calls, process: &Arc<Process>, id: &str, headers: &[(&str, &str)]) -> Invocation {
        let mut invocation = Invocation::new(process.clone(), Arc::from("f"));
        invocation.renew(request("POST", "/path?secret=1", headers), &InvocationMetadata::default(), false);
        invocation.set_request_id(id.as_bytes());
        calls.begin(&invocation);
        invocation
    }

    fn answered(calls: &Calls, id: &str, status: u16) -> Response {
        let mut response = Response { status, ..Response::default() };
        response.headers.add(b"X-Duration-Seconds", b"the function's");
        calls.answer(id.as_bytes(), Some(9), &mut response);
        response
    }

    #[test]
    fn a_response_says_how_long_it_took_with_six_decimals() {
        let (process, _) = process();
        let calls = Calls::new(false);
        let _call = begun(&calls, &process, "a", &[]);
        let response = answered(&calls, "a", 200);
        assert_eq!(response.headers.len(), 1, "the function's own is replaced");
        let text = response.headers.get(b"x-duration-seconds", caseless).expect("the header");
        let (whole, fraction) = std::str::from_utf8(text).unwrap().split_once('.').expect("a fraction");
        assert_eq!((whole, fraction.len()), ("0", 6));
        assert!(fraction.bytes().all(|byte| byte.is_ascii_digit()));
    }

    #[test]
    fn a_call_leaves_a_line_and_a_probe_of_the_kubelet_none() {
        let (process, kept) = process();
        let calls = Calls::new(true);
        for (id, agent) in [("a", "curl/8"), ("b", "kube-probe/1.30")] {
            let _call = begun(&calls, &process, id, &[("user-agent", agent)]);
            calls.end(&process, id.as_bytes());
            answered(&calls, id, 201);
        }
        let lines = kept.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        let line = &lines[0];
        assert!(line.contains(" INFO a runtime: POST /path - 201 Created - ContentLength: 9B (0."), "{line}");
        assert!(line.ends_with("s) [a]\n") && !line.contains("secret"), "{line}");
    }

    #[test]
    fn a_call_runs_until_it_ends_and_counts_once_it_is_answered_too() {
        let (process, kept) = process();
        let calls = Calls::new(false);
        let _calls = [
            begun(&calls, &process, "a", &[]),
            begun(&calls, &process, "stream", &[]),
            begun(&calls, &process, "c", &[]),
        ];
        assert_eq!(calls.running(), 3);
        calls.end(&process, b"a");
        assert_eq!((calls.running(), calls.metrics().contains("code=")), (2, false));
        answered(&calls, "a", 200);
        answered(&calls, "stream", 206);
        assert_eq!((calls.running(), calls.metrics().contains("206")), (2, false));
        calls.end(&process, b"stream");
        calls.end(&process, b"nobody");
        calls.refuse(429);
        assert_eq!((calls.running(), kept.lines().len()), (1, 2));
        let text = calls.metrics();
        for line in [
            "http_requests_total{code=\"200\",method=\"post\"} 1",
            "http_requests_total{code=\"206\",method=\"post\"} 1",
            "http_requests_total{code=\"429\",method=\"unknown\"} 1",
            "http_request_duration_seconds_bucket{code=\"429\",method=\"unknown\",le=\"0.005\"} 1",
            "http_request_duration_seconds_bucket{code=\"200\",method=\"post\",le=\"+Inf\"} 1",
            "http_request_duration_seconds_sum{code=\"429\",method=\"unknown\"} 0.000000000",
            "http_request_duration_seconds_count{code=\"200\",method=\"post\"} 1",
            "http_requests_in_flight 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn a_call_that_nobody_waits_for_is_counted_in_the_end_and_kept_no_longer() {
        let (process, _) = process();
        let calls = Calls::new(false);
        let _call = begun(&calls, &process, "a", &[]);
        calls.end(&process, b"a");
        calls.state().open[0].ended_ns = Some(0);
        calls.state().forget(FORGOTTEN_NS);
        assert_eq!(calls.state().open.len(), 1);
        calls.state().forget(FORGOTTEN_NS + 1);
        assert_eq!(calls.state().open.len(), 0);
        assert!(calls.metrics().contains("http_requests_total{code=\"499\",method=\"post\"} 1"));
    }

    #[test]
    fn a_bucket_counts_what_took_no_longer() {
        let mut state = State::default();
        for took in [5_000_000, 5_000_001, 900_000_000, 11_000_000_000] {
            state.add(200, "get", took);
        }
        assert_eq!(state.counted[0].buckets, [1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3]);
        assert_eq!((state.counted[0].count, state.counted[0].sum_ns), (4, 11_910_000_001));
    }
}

//! A collector of OpenTelemetry's: a plain HTTP server that takes spans and metrics, or does not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

/// The way in which it treats a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It takes all parts.
    Takes,
    /// It takes all parts but one.
    Rejects,
    /// It answers with that status.
    Answers(u16),
    /// It is full for this number of requests, asks for a pause of no seconds, and then takes all.
    FullFor(usize),
    /// It answers with bytes that are not HTTP.
    Garbage,
    /// It closes the connection in the middle of its answer.
    CutsShort,
    /// It closes the connection without an answer.
    HangsUp,
    /// It answers when it is released.
    Holds,
}

/// A span, as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The id of the trace, as digits.
    pub trace: String,
    /// The id of the span, as digits.
    pub id: String,
    /// The id of the parent, as digits; empty without one.
    pub parent: String,
    /// The text of `tracestate`.
    pub state: String,
    /// The name of the span.
    pub name: String,
    /// The kind: 1 is internal, 2 a server, 5 a consumer.
    pub kind: u64,
    /// The beginning in nanoseconds since 1970.
    pub start: u64,
    /// The end in nanoseconds since 1970.
    pub end: u64,
    /// The attributes as names and values, numbers as their digits.
    pub attributes: Vec<(String, String)>,
    /// The names of the events.
    pub events: Vec<String>,
    /// The status: 0 is not set, 2 an error.
    pub status: u64,
    /// The attributes of the resource.
    pub resource: Vec<(String, String)>,
}

impl Span {
    /// Returns its own attribute of that name, or the resource's; empty if there is none.
    pub fn attribute(&self, wanted: &str) -> &str {
        let found = self.attributes.iter().chain(&self.resource).find(|(name, _)| name == wanted);
        found.map_or("", |(_, value)| value.as_str())
    }
}

/// A data point, as it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    /// The name of its metric.
    pub metric: String,
    /// The unit of its metric.
    pub unit: String,
    /// The labels as names and values.
    pub labels: Vec<(String, String)>,
    /// The value; for a histogram, the number of observations.
    pub value: f64,
    /// The trace and the span of an example, as digits; `None` without an example.
    pub example: Option<(String, String)>,
    /// The attributes of the resource.
    pub resource: Vec<(String, String)>,
}

impl Point {
    /// Returns its label of that name; empty if there is none.
    pub fn label(&self, wanted: &str) -> &str {
        self.labels.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value.as_str())
    }
}

/// The kind of telemetry that a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Traces,
    Metrics,
}

#[derive(Default)]
struct Seen {
    bodies: Mutex<Vec<(Kind, Vec<u8>)>>,
    requests: AtomicUsize,
    released: Mutex<bool>,
    changed: Condvar,
}

/// The server. It serves until the process ends.
pub struct Collector {
    /// The address at which it listens.
    pub address: SocketAddr,
    seen: Arc<Seen>,
}

impl Collector {
    /// Starts the server on a free port.
    ///
    /// # Panics
    /// There is no free port.
    pub fn start(mode: Mode) -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it has an address");
        let seen = Arc::<Seen>::default();
        let shared = seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                let seen = shared.clone();
                std::thread::spawn(move || serve(stream, mode, &seen));
            }
        });
        Collector { address, seen }
    }

    /// Returns the layer's configuration, with further members.
    pub fn config(&self, more: &str) -> String {
        let comma = if more.is_empty() { "" } else { "," };
        format!(r#"{{"endpoint":"http://{}/v1/traces"{comma}{more}}}"#, self.address)
    }

    /// Returns the variables that have metrics sent here, every few milliseconds where no platform freezes the process.
    pub fn metrics(&self) -> [(&'static str, String); 3] {
        [
            ("OTEL_METRICS_EXPORTER", "otlp".to_owned()),
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", format!("http://{}/v1/metrics", self.address)),
            ("OTEL_METRIC_EXPORT_INTERVAL", "10".to_owned()),
        ]
    }

    /// Returns how often it has been asked.
    pub fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }

    /// Returns the bodies it has taken.
    ///
    /// # Panics
    /// One of its threads has panicked.
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.all().into_iter().map(|(_, body)| body).collect()
    }

    fn all(&self) -> Vec<(Kind, Vec<u8>)> {
        self.seen.bodies.lock().expect("no thread panics with it").clone()
    }

    /// Returns the spans it has taken.
    ///
    /// # Panics
    /// The bytes are not of that form.
    pub fn spans(&self) -> Vec<Span> {
        self.all().iter().filter(|(kind, _)| *kind == Kind::Traces).flat_map(|(_, body)| spans(body)).collect()
    }

    /// Returns the data points of the latest report; empty before the first.
    ///
    /// # Panics
    /// The bytes are not of that form.
    pub fn points(&self) -> Vec<Point> {
        let all = self.all();
        let latest = all.iter().rev().find(|(kind, _)| *kind == Kind::Metrics);
        latest.map(|(_, body)| points(body)).unwrap_or_default()
    }

    /// Returns the data points of all reports.
    ///
    /// # Panics
    /// The bytes are not of that form.
    pub fn all_points(&self) -> Vec<Point> {
        self.all().iter().filter(|(kind, _)| *kind == Kind::Metrics).flat_map(|(_, body)| points(body)).collect()
    }

    /// Lets it answer the requests that it holds.
    ///
    /// # Panics
    /// One of its threads has panicked.
    pub fn release(&self) {
        *self.seen.released.lock().expect("as before") = true;
        self.seen.changed.notify_all();
    }
}

fn serve(mut stream: TcpStream, mode: Mode, seen: &Seen) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let (mut line, mut length) = (String::new(), 0);
    let mut head = String::new();
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        head.push_str(&line);
        line.clear();
    }
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let kind = match head.split(' ').nth(1) {
        Some("/v1/traces") => Kind::Traces,
        Some("/v1/metrics") => Kind::Metrics,
        _ => panic!("expected the path of a signal: {head}"),
    };
    assert!(head.contains("Content-Type: application/x-protobuf\r\n"), "{head}");
    let number = seen.requests.fetch_add(1, Ordering::SeqCst);
    let is_full = matches!(mode, Mode::FullFor(requests) if number < requests);
    let takes = matches!(mode, Mode::Takes | Mode::Rejects | Mode::Holds | Mode::FullFor(_)) && !is_full;
    if takes {
        seen.bodies.lock().expect("as before").push((kind, body));
    }
    let answer = |status: u16, body: &[u8]| {
        let mut bytes = format!("HTTP/1.1 {status} Words\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        bytes.extend_from_slice(body);
        bytes
    };
    let bytes = match mode {
        Mode::FullFor(_) if is_full => b"HTTP/1.1 429 Full\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n".to_vec(),
        Mode::Takes | Mode::FullFor(_) => answer(200, b""),
        Mode::Rejects => answer(200, &[0x0a, 2, 0x08, 1]),
        Mode::Answers(status) => answer(status, b"no"),
        Mode::Garbage => b"SSH-2.0-OpenSSH\r\n".to_vec(),
        Mode::CutsShort => b"HTTP/1.1 200 OK\r\nContent-Le".to_vec(),
        Mode::HangsUp => Vec::new(),
        Mode::Holds => {
            let released = seen.released.lock().expect("as before");
            drop(seen.changed.wait_while(released, |released| !*released).expect("as before"));
            answer(200, b"")
        }
    };
    // The other end may be gone.
    let _ = stream.write_all(&bytes);
}

/// The value of a message's field, as it stands.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl Value<'_> {
    fn text(&self) -> String {
        match self {
            Value::Bytes(bytes) => String::from_utf8((*bytes).to_owned()).expect("UTF-8"),
            Value::Number(number) => number.to_string(),
        }
    }

    fn hex(&self) -> String {
        match self {
            Value::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Value::Number(_) => panic!("expected bytes"),
        }
    }

    fn number(&self) -> u64 {
        match self {
            Value::Number(number) => *number,
            Value::Bytes(_) => panic!("expected a number"),
        }
    }

    fn fields(&self) -> Vec<(u64, Value<'_>)> {
        match self {
            Value::Bytes(bytes) => fields(bytes),
            Value::Number(_) => panic!("expected a message"),
        }
    }
}

fn varint(rest: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let (byte, behind) = rest.split_first().expect("a message is whole");
        *rest = behind;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

fn fields(mut rest: &[u8]) -> Vec<(u64, Value<'_>)> {
    let mut out = Vec::new();
    while !rest.is_empty() {
        let key = varint(&mut rest);
        let value = match key & 7 {
            0 => Value::Number(varint(&mut rest)),
            1 => {
                let (bytes, behind) = rest.split_at(8);
                rest = behind;
                Value::Number(u64::from_le_bytes(bytes.try_into().expect("eight bytes")))
            }
            2 => {
                let length = usize::try_from(varint(&mut rest)).expect("a length");
                let (bytes, behind) = rest.split_at(length);
                rest = behind;
                Value::Bytes(bytes)
            }
            other => panic!("no wire type that is written: {other}"),
        };
        out.push((key >> 3, value));
    }
    out
}

fn attribute(pair: &Value<'_>) -> (String, String) {
    let (mut name, mut value) = (String::new(), String::new());
    for (field, part) in pair.fields() {
        match field {
            1 => name = part.text(),
            2 => part.fields().iter().for_each(|(_, any)| value = any.text()),
            other => panic!("a pair has no field {other}"),
        }
    }
    (name, value)
}

/// Returns all data points of an `ExportMetricsServiceRequest`.
fn points(body: &[u8]) -> Vec<Point> {
    let mut out = Vec::new();
    for (_, of_resource) in fields(body) {
        let parts = of_resource.fields();
        let resource = parts.iter().filter(|(field, _)| *field == 1).flat_map(|(_, value)| value.fields());
        let resource: Vec<_> = resource.map(|(_, pair)| attribute(&pair)).collect();
        let scopes = parts.iter().filter(|(field, _)| *field == 2).flat_map(|(_, scope)| scope.fields());
        scopes.filter(|(field, _)| *field == 2).for_each(|(_, metric)| out.extend(of_metric(&metric, &resource)));
    }
    out
}

fn of_metric(metric: &Value<'_>, resource: &[(String, String)]) -> Vec<Point> {
    let parts = metric.fields();
    let text = |wanted: u64| parts.iter().find(|(field, _)| *field == wanted).map(|(_, value)| value.text());
    let (name, unit) = (text(1).unwrap_or_default(), text(3).unwrap_or_default());
    let mut out = Vec::new();
    for (kind, data) in parts.iter().filter(|(field, _)| matches!(field, 5 | 7 | 9)) {
        for (_, point) in data.fields().iter().filter(|(field, _)| *field == 1) {
            let (metric, unit) = (name.clone(), unit.clone());
            let mut read = Point { metric, unit, resource: resource.to_owned(), ..Point::default() };
            let is_histogram = *kind == 9;
            for (field, value) in point.fields() {
                match field {
                    // Counts that a test makes are small.
                    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
                    4 if is_histogram => read.value = value.number() as f64,
                    4 => read.value = f64::from_bits(value.number()),
                    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
                    6 if !is_histogram => read.value = value.number() as f64,
                    7 if !is_histogram => read.labels.push(attribute(&value)),
                    9 => read.labels.push(attribute(&value)),
                    8 if is_histogram => {
                        let parts = value.fields();
                        let of =
                            |wanted| parts.iter().find(|(field, _)| *field == wanted).map(|(_, value)| value.hex());
                        read.example = of(5).zip(of(4));
                    }
                    _ => {}
                }
            }
            out.push(read);
        }
    }
    out
}

/// Returns all spans of an `ExportTraceServiceRequest`.
fn spans(body: &[u8]) -> Vec<Span> {
    let mut out = Vec::new();
    for (_, of_resource) in fields(body) {
        let mut resource = Vec::new();
        for (field, value) in of_resource.fields() {
            match field {
                1 => resource = value.fields().iter().map(|(_, pair)| attribute(pair)).collect(),
                _ => out.extend(
                    value.fields().iter().filter(|(field, _)| *field == 2).map(|(_, one)| span(one, &resource)),
                ),
            }
        }
    }
    out
}

fn span(value: &Value<'_>, resource: &[(String, String)]) -> Span {
    let mut span = Span { resource: resource.to_owned(), ..Span::default() };
    for (field, value) in value.fields() {
        match field {
            1 => span.trace = value.hex(),
            2 => span.id = value.hex(),
            3 => span.state = value.text(),
            4 => span.parent = value.hex(),
            5 => span.name = value.text(),
            6 => span.kind = value.number(),
            7 => span.start = value.number(),
            8 => span.end = value.number(),
            9 => span.attributes.push(attribute(&value)),
            11 => {
                let name = value.fields().iter().find(|(field, _)| *field == 2).map(|(_, name)| name.text());
                span.events.push(name.expect("an event has a name"));
            }
            15 => {
                span.status = value.fields().iter().find(|(field, _)| *field == 3).map_or(0, |(_, code)| code.number())
            }
            _ => {}
        }
    }
    span
}

//! Several functions in one process, over every platform: the column *several functions* of the matrix. The behaviour is
//! written once; each platform says in its `matrix.rs` how it starts a process and hands requests and events to it.
//!
//! The process has four functions of two libraries:
//!
//! | function | library | serves | has of its own |
//! |---|---|---|---|
//! | `orders` | `inspect` | `GET /orders/:id`, `POST /orders`, the platform's first event | configuration, variable |
//! | `stock` | `inspect` | `/stock`, the platform's second event | configuration, variable, the layer `monitor` |
//! | `panics` | `faulty` | `POST /panics` | a fence after three failures |
//! | `hangs` | `faulty` | `POST /hangs` | one second, one invocation at a time, no fence |

use integration::artifacts;
use integration::deployment::Deployment;
use integration::faulty;
use integration::inspected::Inspected;
use integration::on_http::OnHttp;
use integration::wait::limit;
use platform_emulators::process::Process;
use platform_emulators::wire;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

/// What the platform's caller gets.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A reply: to a request with its status and headers, to an event with 200 and none.
    Reply { status: u16, headers: Vec<(String, String)>, body: String },
    /// A failure, in the words that the platform is told.
    Failed(String),
}

impl Answer {
    /// The reply to an event.
    pub(crate) fn value(body: impl Into<String>) -> Answer {
        Answer::Reply { status: 200, headers: Vec::new(), body: body.into() }
    }

    /// The reply in the platform's JSON of an API gateway: `statusCode`, `headers` and `body`.
    pub(crate) fn of_gateway(reply: &Value) -> Answer {
        let status = reply["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
        let one = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let headers = ["headers", "multiValueHeaders"].into_iter().filter_map(|name| reply[name].as_object()).flatten();
        Answer::Reply {
            status: status.unwrap_or_else(|| panic!("no statusCode in {reply}")),
            headers: headers.map(|(name, value)| (name.clone(), one(value.get(0).unwrap_or(value)))).collect(),
            body: reply["body"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// The status of a reply, and whether the text is in its body.
    pub(crate) fn is_reply(&self, wanted: u16, text: &str) -> bool {
        matches!(self, Answer::Reply { status, body, .. } if *status == wanted && body.contains(text))
    }

    /// `true` for a failure of this kind, told to the platform or to the client with a status of 500 or more.
    pub(crate) fn is_failure(&self, kind: &str) -> bool {
        match self {
            Answer::Reply { status, body, .. } => *status >= 500 && body.contains(kind),
            Answer::Failed(words) => words.contains(kind),
        }
    }

    fn header(&self, wanted: &str) -> Option<&str> {
        let Answer::Reply { headers, .. } = self else { return None };
        headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
    }

    /// What `inspect` saw.
    fn inspected(&self) -> Inspected {
        match self {
            Answer::Reply { status: 200, body, .. } => Inspected::read(body.as_bytes()),
            other => panic!("{other:?}"),
        }
    }
}

impl From<wire::Answer> for Answer {
    fn from(answer: wire::Answer) -> Answer {
        Answer::Reply { status: answer.status, body: answer.text(), headers: answer.headers }
    }
}

/// What is seen of the process.
pub(crate) enum View<'p> {
    /// A process that the platform's rig holds.
    Held(&'p Process),
    /// One that its host holds.
    Shared(Arc<Process>),
    /// The log of processes that have ended, one a call.
    Log(&'p str),
}

impl View<'_> {
    fn process(&self) -> &Process {
        match self {
            View::Held(process) => process,
            View::Shared(process) => process,
            View::Log(_) => panic!("each call has a process of its own"),
        }
    }

    fn output(&self) -> String {
        match self {
            View::Log(log) => (*log).to_owned(),
            _ => self.process().output(),
        }
    }

    /// Waits for a line with all of these words.
    fn until_said(&self, words: &[&str]) {
        let wanted = |line: &str| words.iter().all(|word| line.contains(word));
        match self {
            View::Log(log) => assert!(log.lines().any(wanted), "no line has {words:?}:\n{log}"),
            _ => {
                let said = self.process().wait_for_line(wanted, limit());
                said.unwrap_or_else(|late| panic!("no line has {words:?}: {late}"));
            }
        }
    }
}

/// A process on its platform.
pub(crate) trait Platform {
    /// Hands over a request in the platform's own form. A body, if there is one, is a JSON object.
    fn request(&mut self, method: &str, path: &str, body: &str) -> Answer;

    /// Hands over one of the row's events. `function` is whom the platform addresses, where it addresses functions.
    fn event(&mut self, function: &str, event: &str) -> Answer;

    /// The process, or what it left.
    fn view(&self) -> View<'_>;

    /// What has been written to its log.
    fn output(&self) -> String {
        self.view().output()
    }
}

/// What becomes of the process when a function hangs and has been answered in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hung {
    /// A server goes on: the function has lost its own place, and the others answer.
    GoesOn,
    /// One that asks for its events, or serves one after the other, leaves, and a fresh one takes over.
    Leaves,
    /// It is that of this call alone, so that nothing is there to be fenced or held up.
    OneACall,
}

/// What is particular to a platform.
pub(crate) struct Row {
    /// What stands before every path of a request.
    pub(crate) prefix: &'static str,
    /// For `orders` and `stock`: what the manifest says of an event, and the event. Empty where there are but requests.
    pub(crate) events: &'static [(&'static str, &'static str)],
    /// What becomes of the process when a function hangs.
    pub(crate) hung: Hung,
}

/// A row without events.
pub(crate) const REQUESTS: Row = Row { prefix: "", events: &[], hung: Hung::GoesOn };

/// Events as CloudEvents, told apart by type and by source.
pub(crate) const CLOUD_EVENTS: Row = Row {
    events: &[
        (
            r#"{"event":{"type":"com.shop.nightly"}}"#,
            r#"{"specversion":"1.0","id":"1","source":"/shop","type":"com.shop.nightly","data":{}}"#,
        ),
        (
            r#"{"event":{"source":"//shop/queues/paid"}}"#,
            r#"{"specversion":"1.0","id":"2","source":"//shop/queues/paid","type":"com.shop.paid","data":{}}"#,
        ),
    ],
    ..REQUESTS
};

/// The functions of two libraries, with their manifest.
fn deployment(row: &Row) -> Deployment {
    let monitor = artifacts::get().module("layer_monitor");
    let deployment = Deployment::of("inspect").module("faulty").file("liblayer_monitor.so", monitor);
    let mut events = row.events.iter().map(|(filter, _)| serde_json::from_str::<Value>(filter).expect("JSON"));
    let mut serves = |routes: &[(&str, &str)]| -> Vec<Value> {
        let http = |(method, path): &(&str, &str)| json!({"http": {"path": format!("{}{path}", row.prefix), "method": method}});
        routes.iter().map(http).chain(events.next()).collect()
    };
    let (orders, stock) = (serves(&[("GET", "/orders/:id"), ("POST", "/orders")]), serves(&[("any", "/stock")]));
    let (panics, hangs) = (serves(&[("POST", "/panics")]), serves(&[("POST", "/hangs")]));
    let manifest = json!({
        "version": 1,
        "name": "shop",
        "functions": [
            {"name": "orders", "handler": "inspect", "config": {"word": "of orders"},
             "environment": {"INSPECT_WORD": "orders-table"}, "events": orders},
            {"name": "stock", "handler": "inspect", "config": {"word": "of stock"},
             "environment": {"INSPECT_WORD": "stock-table"}, "layers": ["monitor"], "events": stock},
            {"name": "panics", "handler": "faulty", "fence": {"failures": 3, "for": "300ms"}, "events": panics},
            {"name": "hangs", "handler": "faulty", "timeout": "1s", "concurrency": 1, "fence": false, "events": hangs},
        ],
    });
    std::fs::write(deployment.path("faas.json"), manifest.to_string()).expect("a file can be made");
    deployment
}

/// Starts the process and sees each function serve what is its own, fail alone, and be limited alone.
pub(crate) fn behave<P: Platform>(row: &Row, start: impl FnOnce(Deployment) -> P) {
    let mut shop = Shop { row, platform: start(deployment(row)) };
    shop.requests_are_their_routes();
    shop.events_are_their_owners();
    shop.a_layer_is_around_its_function_alone();
    if row.hung == Hung::OneACall {
        assert!(shop.post("/panics", faulty::PANIC).is_failure("Panic"));
    } else {
        shop.one_that_panics_is_fenced_until_it_is_well_again();
    }
    shop.platform.view().until_said(&["Panic", "panics"]);
    shop.one_that_hangs_is_answered_in_its_place();
}

struct Shop<'r, P> {
    row: &'r Row,
    platform: P,
}

impl<P: Platform> Shop<'_, P> {
    fn request(&mut self, method: &str, path: &str, body: &str) -> Answer {
        self.platform.request(method, &format!("{}{path}", self.row.prefix), body)
    }

    fn get(&mut self, path: &str) -> Answer {
        self.request("GET", path, "")
    }

    fn post(&mut self, path: &str, body: &str) -> Answer {
        self.request("POST", path, body)
    }

    fn output(&self) -> String {
        self.platform.view().output()
    }

    fn others_answer(&mut self) {
        assert_eq!(self.get("/orders/9").inspected().text("function"), "orders");
        assert_eq!(self.get("/stock").inspected().text("function"), "stock");
    }

    fn requests_are_their_routes(&mut self) {
        let seen = self.get("/orders/7").inspected();
        assert_eq!((seen.text("function"), seen.text("trigger")), ("orders", "http"), "{}", self.output());
        assert_eq!(seen.0["http"]["path_params"]["id"], "7", "{}", seen.0);
        assert_eq!((seen.text("word"), seen.text("variable")), ("of orders", "orders-table"));
        let seen = self.get("/stock").inspected();
        assert_eq!((seen.text("function"), seen.text("word")), ("stock", "of stock"));
        assert_eq!(seen.text("variable"), "stock-table");
        assert_eq!(self.post("/orders", "{}").inspected().text("function"), "orders");
        assert!(self.request("HEAD", "/orders/7", "").is_reply(200, ""));

        let nowhere = self.get("/nowhere");
        assert!(nowhere.is_reply(404, "Runtime.NoFunction"), "{nowhere:?}");
        let refused = self.request("DELETE", "/orders", "");
        assert!(refused.is_reply(405, "Runtime.MethodNotAllowed"), "{refused:?}");
        assert_eq!(refused.header("allow"), Some("OPTIONS, POST"));
        let options = self.request("OPTIONS", "/orders/7", "");
        assert!(options.is_reply(204, ""), "{options:?}");
        assert_eq!(options.header("allow"), Some("GET, HEAD, OPTIONS"));
    }

    fn events_are_their_owners(&mut self) {
        for ((_, event), function) in self.row.events.iter().zip(["orders", "stock"]) {
            let seen = self.platform.event(function, event).inspected();
            assert_eq!(seen.text("function"), function, "{event}; {}", self.output());
            assert_ne!(seen.text("trigger"), "http", "{event}");
        }
    }

    fn a_layer_is_around_its_function_alone(&mut self) {
        const INVOCATION: &str = r#""faas":"invocation""#;
        const OWN: &str = r#""function":"stock""#;
        self.platform.view().until_said(&[INVOCATION, OWN]);
        let output = self.output();
        let others: Vec<_> = output.lines().filter(|line| line.contains(INVOCATION) && !line.contains(OWN)).collect();
        assert_eq!(others, Vec::<&str>::new());
    }

    /// How long three failures take is the machine's matter: it is called until it is fenced. Whoever is let through when
    /// a pause is over panics like those before.
    fn one_that_panics_is_fenced_until_it_is_well_again(&mut self) {
        const FENCED: &str = "Runtime.FunctionFenced";
        let end = Instant::now() + limit();
        let mut panics = 0;
        let fenced = loop {
            match self.post("/panics", faulty::PANIC) {
                answer if answer.is_failure("Panic") => panics += 1,
                answer => break answer,
            }
            assert!(Instant::now() < end, "it is never fenced:\n{}", self.output());
        };
        assert!(panics >= 3 && fenced.is_reply(503, FENCED), "after {panics}: {fenced:?}");
        assert_eq!(fenced.header("retry-after"), Some("1"));
        self.others_answer();
        let view = self.platform.view();
        view.until_said(&["function panics is fenced for 300ms", "it has failed 3 times in a row", "others go on"]);
        drop(view);
        while !self.post("/panics", faulty::FINE).is_reply(200, "fine") {
            assert!(Instant::now() < end, "it is fenced for ever:\n{}", self.output());
        }
        self.platform.view().until_said(&["function panics is fenced no more"]);
    }

    fn one_that_hangs_is_answered_in_its_place(&mut self) {
        let late = self.post("/hangs", r#"{"do":"sleep","ms":3600000}"#);
        assert!(late.is_failure("TimedOut"), "{late:?}");
        match self.row.hung {
            Hung::GoesOn => {
                self.others_answer();
                let busy = self.post("/hangs", faulty::FINE);
                assert!(busy.is_reply(429, "Runtime.FunctionBusy"), "{busy:?}");
                self.others_answer();
            }
            Hung::Leaves => {
                let left = self.platform.view().process().wait(limit());
                assert_eq!(left.expect("it leaves").code(), Some(1), "{}", self.output());
            }
            Hung::OneACall => self.others_answer(),
        }
        self.platform.view().until_said(&["TimedOut", "hangs"]);
    }
}

impl Platform for OnHttp {
    fn request(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let headers = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        let reply = self.call(method, path, headers, body.as_bytes());
        Answer::Reply { status: reply.status, body: reply.text(), headers: reply.headers }
    }

    fn event(&mut self, _: &str, event: &str) -> Answer {
        panic!("a server without a platform of its own is sent requests alone: {event}")
    }

    fn view(&self) -> View<'_> {
        View::Held(&self.process)
    }
}

//! Several functions in one process, over every platform: the column *several functions* of the matrix. The behaviour
//! is written once; the `matrix.rs` of each platform starts the process and hands requests and events to it.
//!
//! The process has four functions of two libraries:
//!
//! | function | library | serves | has of its own |
//! |---|---|---|---|
//! | `orders` | `inspect` | `GET /orders/:id`, `POST /orders`, the platform's first event | configuration, variable |
//! | `stock` | `inspect` | `/stock`, the platform's second event | configuration, variable, the layer `monitor` |
//! | `panics` | `faulty` | `POST /panics` | a fence after three failures |
//! | `hangs` | `faulty` | `POST /hangs` | one second, one invocation at a time, no fence |

use crate::rig::{Answer, Platform};
use integration::artifacts;
use integration::deployment::Deployment;
use integration::faulty;
use integration::wait::limit;
use serde_json::{Value, json};
use std::time::Instant;

/// The fate of the process when a function hangs and has been answered in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hung {
    /// A server goes on: the function has lost its own place, and the others answer.
    GoesOn,
    /// A process that asks for its events, or serves one after the other, leaves, and a fresh one takes over.
    Leaves,
    /// The process serves this call alone, so that nothing is there to be fenced or held up.
    OneACall,
}

/// The particulars of a platform.
pub(crate) struct Row {
    /// The text before every path of a request.
    pub(crate) prefix: &'static str,
    /// The events of `orders` and `stock`: their text in the manifest, and the event. The list is empty where there are
    /// only requests.
    pub(crate) events: &'static [(&'static str, &'static str)],
    /// The fate of the process when a function hangs.
    pub(crate) hung: Hung,
}

/// A row without events.
pub(crate) const REQUESTS: Row = Row { prefix: "", events: &[], hung: Hung::GoesOn };

/// The events as CloudEvents, told apart by type and by source.
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

/// Returns the functions of two libraries, with their manifest.
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

/// Starts the process and sees each function serve its own requests and events, fail alone, and be limited alone.
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

    /// How long three failures take is the machine's matter: it is called until it is fenced. Whoever is let through
    /// when a pause is over panics like those before.
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
        let late = self.post("/hangs", faulty::HANG);
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

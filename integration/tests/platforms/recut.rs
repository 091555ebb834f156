//! The shop on every platform, cut another way by its yml alone: packaged as one deployment, as one for each function,
//! and as one again. Every package is unpacked into an empty folder and started by what its platform starts, with a
//! clean environment, under the platform's emulator.

use crate::packaged::{Files, LIBRARIES, Packages, Row, Sent, Start, WEB_FUNCTION, add_files, files, row, ymls};
use crate::rig::{Answer, Header, JSON, Platform};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const FUNCTIONS: &[&str] = &["report", "buy", "order", "deliver"];
const CUSTOMER: Header<'_> = ("X-Customer", "ada");

/// Packages the shop for a platform in each way, and sees every package answer all routes and events.
pub(crate) fn behave(platform: &str) {
    let row = row(platform);
    let (together, apart) = ymls();
    let (one, four) = (Packages::of(&together, row.platform), Packages::of(&apart, row.platform));
    let again = Packages::of(&together, row.platform);
    assert!(one.files() == again.files(), "combined again, in another folder, it is the same bytes");
    the_list_of_digests_is_what_sha256sum_checks(&one.folder());
    for (boot, start) in row.starts {
        let whole = one.unpacked(&["shop"]).remove(0);
        let parts = four.unpacked(FUNCTIONS);
        let all = files(whole.root());
        a_package_holds_what_belongs_to_it(row, &all);
        let own = programs(all);
        for (function, part) in FUNCTIONS.iter().zip(&parts) {
            assert!(programs(files(part.root())) == own, "{function} has other programs");
        }
        if row.is_uploaded_with_files {
            add_files(&together, row.platform, &["shop"], std::slice::from_ref(&whole));
            add_files(&apart, row.platform, FUNCTIONS, &parts);
        }
        let mut combined = Running::start(row, boot, *start, vec![(FUNCTIONS, whole)]);
        let answers = combined.answers();
        combined.has_kept_what_it_was_told();
        let mut cut = Running::start(row, boot, *start, FUNCTIONS.chunks(1).zip(parts).collect());
        assert_eq!(cut.answers(), answers, "{}", cut.output());
    }
}

fn the_list_of_digests_is_what_sha256sum_checks(folder: &Path) {
    let mut command = Command::new("sha256sum");
    command.args(["--check", "--strict", "SHA256SUMS"]).current_dir(folder);
    let output = command.output().expect("sha256sum starts");
    assert!(output.status.success(), "{output:?}");
}

/// Expects these files, with the modes that they need, and nothing else.
fn a_package_holds_what_belongs_to_it(row: &Row, files: &Files) {
    let libraries = LIBRARIES.iter().map(|name| {
        let folder = if name.starts_with("layer_") { "layers" } else { "functions" };
        (format!("{folder}/lib{name}.so"), 0o644)
    });
    let mut expected: Vec<(String, u32)> = libraries.collect();
    expected.extend([("bootstrap".to_owned(), 0o755), ("faas.json".to_owned(), 0o644)]);
    let scripts = row.starts.iter().filter(|(boot, _)| *boot != "bootstrap");
    expected.extend(scripts.map(|(boot, _)| ((*boot).to_owned(), 0o755)));
    expected.sort_unstable();
    let found: Vec<(String, u32)> = files.iter().map(|(path, (mode, _))| (path.display().to_string(), *mode)).collect();
    assert_eq!(found, expected);
}

/// Returns every file of a package that the yml does not determine.
fn programs(mut files: Files) -> Files {
    files.retain(|path, _| !path.ends_with("faas.json"));
    files
}

/// The deployments of the shop on a platform, each with the functions that are in it.
struct Running<'r> {
    row: &'r Row,
    boot: &'r str,
    units: Vec<(&'static [&'static str], Box<dyn Platform>)>,
}

impl<'r> Running<'r> {
    fn start(
        row: &'r Row,
        boot: &'r str,
        start: Start,
        units: Vec<(&'static [&'static str], Deployment)>,
    ) -> Running<'r> {
        let started = |(functions, deployment): (_, Deployment)| {
            let runtime = Runtime { name: "bootstrap", path: deployment.path(boot) };
            (functions, start(&runtime, deployment))
        };
        Running { row, boot, units: units.into_iter().map(started).collect() }
    }

    /// Returns the deployment of a function.
    fn of(&mut self, function: &str) -> &mut dyn Platform {
        let home = self.units.iter_mut().find(|(functions, _)| functions.contains(&function));
        home.expect("somebody has it").1.as_mut()
    }

    fn output(&self) -> String {
        self.units.iter().map(|(functions, platform)| format!("{functions:?}: {}\n", platform.output())).collect()
    }

    /// Returns the status and the body of a reply, without the id that each request has of its own.
    fn told(&self, answer: &Answer) -> (u16, Value) {
        let Answer::Reply { status, .. } = answer else { panic!("{answer:?}; {}", self.output()) };
        // A CloudEvent without a reply is 204.
        let body = if *status == 204 { Ok(Value::Null) } else { serde_json::from_str(&answer.text()) };
        let mut body: Value = body.unwrap_or_else(|error| panic!("{error}: {answer:?}; {}", self.output()));
        body.as_object_mut().map(|members| members.remove("requestId"));
        (*status, body)
    }

    /// Sends a request of Ada's to the deployment of a function. The layers of the yml are around it.
    fn request(&mut self, function: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
        let answer = self.of(function).request_with(method, path, &[JSON, CUSTOMER], body);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{answer:?}; {}", self.output());
        self.told(&answer)
    }

    fn report(&mut self) -> (u16, Value) {
        self.request("report", "GET", "/report", "")
    }

    /// Returns the event of the queue; `None` if it does not come here.
    fn queue(&self) -> Option<&'static str> {
        self.row.queue.filter(|_| self.boot != WEB_FUNCTION)
    }

    /// Returns the answers of each function that no other function has changed before. So it does not matter which
    /// others are in the process.
    fn answers(&mut self) -> Vec<(u16, Value)> {
        let fresh = (200, json!({"shop": "tea", "orders": 0, "left": 5}));
        if let Some(timer) = self.row.timer.filter(|_| self.boot != WEB_FUNCTION) {
            let report = self.of("report");
            let answer = match timer {
                Sent::Event(event) => report.event("report", event),
                Sent::Call(header) => report.request_with("POST", "/", &[header], ""),
            };
            assert_eq!(self.told(&answer), fresh, "{}", self.output());
        }
        assert_eq!(self.report(), fresh, "{}", self.output());
        let mut answers = vec![
            self.request("order", "GET", "/orders/9", ""),
            self.request("buy", "POST", "/orders", r#"{"pieces":0}"#),
            self.request("buy", "POST", "/orders", r#"{"pieces":2}"#),
        ];
        let error = |kind: &str, message: &str| json!({"errorType": kind, "errorMessage": message});
        let expected = [
            (404, error("Shop.NoOrder", "there is no order 9")),
            (400, error("Shop.Pieces", "pieces: expected 1 or more, found 0")),
            (201, order()),
        ];
        assert_eq!(answers, expected, "{}", self.output());
        if let Some(message) = self.queue() {
            let answer = self.of("deliver").event("deliver", message);
            let (status, reply) = self.told(&answer);
            assert!(status / 100 == 2 && reply["errorType"].is_null(), "{reply}; {}", self.output());
            answers.push((status, reply));
        }
        let output = self.output();
        assert!(output.contains(r#""faas":"invocation""#), "the layer monitor says nothing: {output}");
        answers
    }

    /// Expects that the functions are around one shop, unless the platform has a process for each call.
    fn has_kept_what_it_was_told(&mut self) {
        if self.row.is_one_a_call {
            return;
        }
        assert_eq!(self.request("order", "GET", "/orders/0", ""), (200, order()), "{}", self.output());
        let left = if self.queue().is_some() { 6 } else { 3 };
        let report = json!({"shop": "tea", "orders": 1, "left": left});
        assert_eq!(self.report(), (200, report), "{}", self.output());
    }
}

/// Returns the first order.
fn order() -> Value {
    json!({"id": 0, "shop": "tea", "customer": "ada", "pieces": 2})
}

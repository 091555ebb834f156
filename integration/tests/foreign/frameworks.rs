//! Google's functions frameworks for Python and Node beside both runtimes: the same requests at each, answers compared.
//! Every difference stands in the table with the answers of all three.

use crate::needs::{Foreign, folder, over_both};
use integration::artifacts::{Runtime, workspace};
use integration::client::{Client, Reply};
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::wait::until;
use libtest_mimic::Trial;
use platform_emulators::ports::free_port;
use platform_emulators::process::Process;
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    let (python, node): (Foreign, Foreign) = (folder("python"), folder("node"));
    over_both(&mut trials, &python, "google_python_framework_and_we_hand_on_the_same_request", http_beside_python);
    over_both(&mut trials, &node, "google_node_framework_and_we_hand_on_the_same_request", http_beside_node);
    over_both(&mut trials, &python, "google_python_framework_and_we_take_the_same_events", events_beside_python);
    over_both(&mut trials, &node, "google_node_framework_and_we_take_the_same_events", events_beside_node);
    trials
}

/// A server on a port of its own.
struct Server {
    process: Process,
    address: SocketAddr,
}

impl Server {
    fn start(mut command: Command, port: u16) -> Result<Server, String> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        command.env("PORT", port.to_string()).stdin(Stdio::null());
        let process = Process::spawn(command, |_| ()).map_err(|error| error.to_string())?;
        until("the port is open", &process, || Client::connect(address).ok())?;
        Ok(Server { process, address })
    }

    fn ask(&self, request: &Request) -> Result<Reply, String> {
        let Request { method, target, headers, body } = request;
        let reply = Client::connect(self.address).and_then(|mut client| client.call(method, target, headers, body));
        reply.map_err(|error| format!("{request:?}: {error}\n{}", self.process.output()))
    }
}

#[derive(Clone, Copy, Debug)]
struct Request {
    method: &'static str,
    target: &'static str,
    headers: &'static str,
    body: &'static [u8],
}

fn python(folder: &Path, target: &str, signature: &str) -> Result<Server, String> {
    let port = free_port();
    let mut command = Command::new(folder.join("bin/functions-framework"));
    command.arg("--source").arg(workspace().join("integration/peers/framework.py"));
    command.args(["--target", target, "--signature-type", signature, "--host", "127.0.0.1"]);
    command.args(["--port", &port.to_string()]).env("PYTHONDONTWRITEBYTECODE", "1");
    Server::start(command, port)
}

fn node(folder: &Path, target: &str, signature: &str) -> Result<Server, String> {
    let modules = folder.join("node_modules");
    let mut command = Command::new("node");
    command.arg(modules.join(".bin/functions-framework"));
    command.arg("--source").arg(workspace().join("integration/peers/framework.js"));
    command.args(["--target", target, "--signature-type", signature]).env("NODE_PATH", modules);
    Server::start(command, free_port())
}

fn ours(runtime: &Runtime, deployment: &Deployment, function: &str, signature: &str) -> Result<Server, String> {
    let mut command = deployment.command(runtime);
    command.env_clear().envs(deployment.variables()).env("FUNCTION_TARGET", function);
    command.env("FUNCTION_SIGNATURE_TYPE", signature).env("FAAS_ROOT", deployment.root());
    Server::start(command, free_port())
}

const REQUESTS: &[Request] = &[
    Request { method: "GET", target: "/", headers: "", body: b"" },
    Request { method: "GET", target: "/a%20b?x=1&x=2&y", headers: "", body: b"" },
    Request { method: "POST", target: "/", headers: "Content-Type: text/plain\r\n", body: b"over there" },
    Request {
        method: "PUT",
        target: "/deep/er/path",
        headers: "Content-Type: text/plain\r\n",
        body: "grün".as_bytes(),
    },
    Request { method: "DELETE", target: "/a?b=%26%3D", headers: "", body: b"" },
    Request { method: "GET", target: "/favicon.ico", headers: "", body: b"" },
    Request { method: "GET", target: "/robots.txt", headers: "", body: b"" },
];

/// Returns the arguments of a function, from its own answer.
fn handed(told: &Value) -> [String; 4] {
    ["method", "path", "query", "body"].map(|member| told[member].to_string())
}

fn same_requests(theirs: &Server, their_broken: &Server, runtime: &Runtime) -> Result<(), String> {
    let (inspect, faulty) = (Deployment::of("inspect"), Deployment::of("faulty"));
    let ours_well = ours(runtime, &inspect, "inspect", "http")?;
    for request in REQUESTS {
        let (their, our) = (theirs.ask(request)?, ours_well.ask(request)?);
        if their.status != our.status {
            return Err(format!("{request:?}: {} there, {} here", their.status, our.status));
        }
        if our.status != 200 {
            continue;
        }
        let told: Value = serde_json::from_slice(&their.body).map_err(|error| error.to_string())?;
        let mut seen = Inspected::read(&our.body).0["http"].take();
        seen["body"] = seen["body_base64"].take();
        if handed(&told) != handed(&seen) {
            return Err(format!("{request:?}: {:?} there, {:?} here", handed(&told), handed(&seen)));
        }
    }
    let ours_broken = ours(runtime, &faulty, "faulty", "http")?;
    let failing = Request { method: "POST", target: "/", headers: "", body: integration::faulty::ERROR.as_bytes() };
    for (who, server) in [("there", their_broken), ("here", &ours_broken)] {
        let reply = server.ask(&failing)?;
        if (reply.status, reply.header("x-google-status")) != (500, Some("crash")) {
            return Err(format!("a failure {who}: {reply:?}"));
        }
    }
    Ok(())
}

fn http_beside_python(folder: &Path, runtime: &'static Runtime) -> Result<(), String> {
    same_requests(&python(folder, "http", "http")?, &python(folder, "broken", "http")?, runtime)
}

fn http_beside_node(folder: &Path, runtime: &'static Runtime) -> Result<(), String> {
    same_requests(&node(folder, "http", "http")?, &node(folder, "broken", "http")?, runtime)
}

/// A request, and the status that each of the three answers: Python, Node, both runtimes here.
struct Case {
    what: &'static str,
    request: Request,
    python: u16,
    node: u16,
    here: u16,
    /// The reason why ours differs from the others', where it does.
    why: &'static str,
}

const JSON: &str = "Content-Type: application/json\r\n";
const BINARY: &str =
    "ce-specversion: 1.0\r\nce-id: 1\r\nce-source: /here\r\nce-type: t\r\nContent-Type: application/json\r\n";
const STRUCTURED: &str = "Content-Type: application/cloudevents+json\r\n";
const FAILING: &str =
    "ce-specversion: 1.0\r\nce-id: 1\r\nce-source: /here\r\nce-type: fail\r\nContent-Type: application/json\r\n";
const WITHOUT_ID: &str = "ce-specversion: 1.0\r\nce-source: /here\r\nce-type: t\r\nContent-Type: application/json\r\n";

const fn post(headers: &'static str, body: &'static [u8]) -> Request {
    Request { method: "POST", target: "/", headers, body }
}

const CASES: &[Case] = &[
    Case {
        what: "binary",
        request: post(BINARY, br#"{"do":"nothing"}"#),
        python: 200,
        node: 204,
        here: 200,
        why: "the function here has something to answer",
    },
    Case {
        what: "structured",
        request: post(
            STRUCTURED,
            br#"{"specversion":"1.0","id":"1","source":"/here","type":"t","data":{"do":"nothing"}}"#,
        ),
        python: 200,
        node: 204,
        here: 200,
        why: "the function here has something to answer",
    },
    Case {
        what: "an attribute missing in binary mode",
        request: post(WITHOUT_ID, b"{}"),
        python: 400,
        node: 204,
        here: 400,
        why: "what is no event is not handed to a function of events",
    },
    Case {
        what: "no event at all",
        request: post(JSON, b"{\"x\":1}"),
        python: 400,
        node: 204,
        here: 400,
        why: "what is no event is not handed to a function of events",
    },
    Case {
        what: "an attribute missing in structured mode",
        request: post(STRUCTURED, br#"{"specversion":"1.0","source":"/here","type":"t"}"#),
        python: 400,
        node: 204,
        here: 400,
        why: "what is no event is not handed to a function of events",
    },
    Case {
        what: "structured and no JSON",
        request: post(STRUCTURED, b"{"),
        python: 400,
        node: 400,
        here: 400,
        why: "",
    },
    Case {
        what: "GET",
        request: Request { method: "GET", target: "/", headers: "", body: b"" },
        python: 405,
        node: 500,
        here: 405,
        why: "events come by POST",
    },
    Case {
        what: "a failing function",
        request: post(FAILING, integration::faulty::ERROR.as_bytes()),
        python: 500,
        node: 500,
        here: 500,
        why: "",
    },
];

fn same_events(theirs: &Server, of: fn(&Case) -> u16, runtime: &Runtime) -> Result<(), String> {
    let deployment = Deployment::of("faulty");
    let here = ours(runtime, &deployment, "faulty", "cloudevent")?;
    for case in CASES {
        let there = theirs.ask(&case.request)?.status;
        let reply = here.ask(&case.request)?;
        if (there, reply.status) != (of(case), case.here) {
            let (what, why) = (case.what, case.why);
            return Err(format!("{what}: {there} there, {} here: {} ({why})", reply.status, reply.text()));
        }
        if there != case.here && case.why.is_empty() {
            return Err(format!("{}: a difference without a reason", case.what));
        }
    }
    Ok(())
}

fn events_beside_python(folder: &Path, runtime: &'static Runtime) -> Result<(), String> {
    same_events(&python(folder, "cloud_event", "cloudevent")?, |case| case.python, runtime)
}

fn events_beside_node(folder: &Path, runtime: &'static Runtime) -> Result<(), String> {
    same_events(&node(folder, "cloudEvent", "cloudevent")?, |case| case.node, runtime)
}

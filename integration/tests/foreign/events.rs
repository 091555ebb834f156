//! CloudEvents libraries of other people as senders and as receivers: their events are handed to a function that
//! answers with the same event, and the library reads that answer again.

use crate::needs::{folder, over_both};
use integration::artifacts::{Runtime, workspace};
use integration::client::{Client, Reply};
use integration::deployment::Deployment;
use integration::wait::until;
use libtest_mimic::Trial;
use platform_emulators::base64;
use platform_emulators::ports::free_port;
use platform_emulators::process::Process;
use serde_json::{Value, json};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    let python = folder("python-cloudevents");
    over_both(&mut trials, &python, "events_of_the_python_library_come_back_in_headers", python_in_headers);
    over_both(&mut trials, &python, "events_of_the_python_library_come_back_as_documents", python_as_documents);
    over_both(&mut trials, &folder("node"), "events_of_the_node_library_come_back_as_documents", node_as_documents);
    trials
}

fn peers() -> PathBuf {
    workspace().join("integration/peers")
}

fn python(folder: &Path, what: &str) -> Command {
    let mut command = Command::new(folder.join("bin/python"));
    command.arg(peers().join("events.py")).arg(what);
    command
}

fn node(folder: &Path, what: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(peers().join("events.js")).arg(what).env("NODE_PATH", folder.join("node_modules"));
    command
}

/// Returns the output of a library for `input`.
fn said(mut command: Command, input: &str) -> Result<String, String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let written = child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
    written.transpose().map_err(|error| error.to_string())?;
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("{}: {input}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}

struct Server {
    process: Process,
    address: SocketAddr,
    _deployment: Deployment,
}

impl Server {
    fn start(runtime: &Runtime, function: &str) -> Result<Server, String> {
        let deployment = Deployment::of("cloud-event");
        let port = free_port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut command = deployment.command(runtime);
        command.env_clear().env("FAAS_PLATFORM", "knative").env("PORT", port.to_string());
        command.env("FAAS_HANDLER", format!("cloud_event.{function}")).stdin(Stdio::null());
        let process = Process::spawn(command, |_| ()).map_err(|error| error.to_string())?;
        until("the port is open", &process, || Client::connect(address).ok())?;
        Ok(Server { process, address, _deployment: deployment })
    }

    fn call(&self, message: &Value) -> Result<Reply, String> {
        let headers = message["headers"].as_object().ok_or("no headers")?;
        let lines = headers.iter().map(|(name, value)| format!("{name}: {}\r\n", value.as_str().unwrap_or_default()));
        let body = base64::decode(message["body"].as_str().unwrap_or_default()).ok_or("the body is no base64")?;
        let called = Client::connect(self.address)
            .and_then(|mut client| client.call("POST", "/", &lines.collect::<String>(), &body));
        called.map_err(|error| format!("{message}: {error}\n{}", self.process.output()))
    }
}

/// Returns a time in its usual form: without a fraction's last zeros, and UTC as `Z`.
fn instant(text: &str) -> String {
    let text = text.replace(' ', "T").replace("+00:00", "Z");
    let (whole, fraction) = text.trim_end_matches('Z').split_once('.').unwrap_or((&text, ""));
    format!("{}.{}", whole.trim_end_matches('Z'), fraction.trim_end_matches('0'))
}

type Tool = fn(&Path, &str) -> Command;

fn come_back(library: &Path, tool: Tool, runtime: &Runtime, function: &str) -> Result<(), String> {
    let corpus = std::fs::read_to_string(peers().join("events.json")).map_err(|error| error.to_string())?;
    let corpus: Vec<Value> = serde_json::from_str(&corpus).map_err(|error| error.to_string())?;
    let server = Server::start(runtime, function)?;
    let mut count = 0;
    for line in said(tool(library, "send"), "")?.lines() {
        let message: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let given = corpus.iter().find(|event| event["id"] == message["id"]).ok_or("an event of nobody's")?;
        let reply = server.call(&message)?;
        if reply.status != 200 {
            return Err(format!("{message}: {} {}\n{}", reply.status, reply.text(), server.process.output()));
        }
        let headers: serde_json::Map<String, Value> = reply
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), Value::from(value.as_str())))
            .filter(|(name, _)| name.starts_with("ce-") || name == "content-type")
            .collect();
        let answer = json!({ "headers": headers, "body": base64::encode(&reply.body) }).to_string();
        let read: Value = serde_json::from_str(&said(tool(library, "read"), &answer)?).map_err(|e| e.to_string())?;
        for (name, value) in given.as_object().ok_or("no event")? {
            let found = match name.as_str() {
                // The libraries hand bytes out in types of their own languages, which are not compared.
                "base64" => continue,
                "data" | "text" => &read["data"],
                _ => &read["attributes"][name],
            };
            let same = match (name.as_str(), value.as_str(), found.as_str()) {
                ("time", Some(value), Some(found)) => instant(value) == instant(found),
                _ => value == found,
            };
            if !same {
                return Err(format!("{name}: {value} was sent, {found} came back, of {message}: {answer}"));
            }
        }
        count += 1;
    }
    if count == 2 * corpus.len() { Ok(()) } else { Err(format!("{count} messages of {} events", corpus.len())) }
}

fn python_in_headers(library: &Path, runtime: &'static Runtime) -> Result<(), String> {
    come_back(library, python, runtime, "same")
}

fn python_as_documents(library: &Path, runtime: &'static Runtime) -> Result<(), String> {
    come_back(library, python, runtime, "document")
}

fn node_as_documents(library: &Path, runtime: &'static Runtime) -> Result<(), String> {
    come_back(library, node, runtime, "document")
}

//! Fn's own kits for Python and Node beside both runtimes: the same requests by curl over each one's socket, answers
//! compared. A difference has to be in the list with its reason.

use crate::needs::{Foreign, folder, over_both};
use integration::artifacts::{Runtime, workspace};
use integration::deployment::Deployment;
use integration::faulty;
use integration::wait::until;
use libtest_mimic::Trial;
use platform_emulators::process::Process;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    over_both(&mut trials, &kit("python"), "fn_python_kit_and_we_answer_alike", beside_python);
    over_both(&mut trials, &kit("node"), "fn_node_kit_and_we_answer_alike", beside_node);
    trials
}

fn kit(name: &'static str) -> Foreign {
    folder(name)
}

/// The requests that are sent to both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ask {
    Plain,
    PlainEmpty,
    Gateway,
    GatewayEmpty,
    Fail,
    OtherPath,
    OtherMethod,
}

const ALL: &[Ask] =
    &[Ask::Plain, Ask::PlainEmpty, Ask::Gateway, Ask::GatewayEmpty, Ask::Fail, Ask::OtherPath, Ask::OtherMethod];

impl Ask {
    /// Returns the options of curl. `fail` is the body that makes this side's function fail.
    fn options(self, fail: &str) -> Vec<String> {
        const TEXT: &str = "Content-Type: text/plain";
        const GATEWAY: [&str; 6] = [
            "-H",
            "Fn-Intent: httprequest",
            "-H",
            "Fn-Http-Method: PUT",
            "-H",
            "Fn-Http-Request-Url: http://h.example/t/app/x?y=1",
        ];
        let mut options: Vec<&str> = vec!["-H", "Fn-Call-Id: 01HZX", "-H", TEXT];
        match self {
            Ask::Plain => options.extend(["-X", "POST", "--data-binary", "hi"]),
            Ask::PlainEmpty => options.extend(["-X", "POST", "--data-binary", ""]),
            Ask::Gateway => options.extend(GATEWAY.iter().chain(&["-X", "POST", "--data-binary", "hi"])),
            Ask::GatewayEmpty => options.extend(GATEWAY.iter().chain(&["-X", "POST", "--data-binary", ""])),
            Ask::Fail => options.extend(["-X", "POST", "--data-binary", fail]),
            Ask::OtherPath => options.extend(["-X", "POST", "--data-binary", "hi"]),
            Ask::OtherMethod => options.extend(["-X", "GET"]),
        }
        let path = if self == Ask::OtherPath { "/other" } else { "/call" };
        let mut options: Vec<String> = options.into_iter().map(str::to_owned).collect();
        options.push(format!("http://localhost{path}"));
        options
    }
}

/// The parts of an answer that the agent looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    status: u16,
    content_type: String,
    http_status: Option<String>,
    names_its_kit: bool,
    body: String,
}

fn ask(socket: &Path, ask: Ask, fail: &str) -> Result<Told, String> {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--include", "--max-time", "60", "--unix-socket"]).arg(socket);
    let output = curl.args(ask.options(fail)).stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| format!("{ask:?}: no answer: {output:?}"))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or("no status")?;
    let headers: BTreeMap<String, String> = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let content_type = headers.get("content-type").cloned().unwrap_or_default();
    Ok(Told {
        status,
        // Only the type itself is compared; the parameters behind it are a matter of taste.
        content_type: content_type.split(';').next().unwrap_or_default().to_owned(),
        http_status: headers.get("fn-http-status").cloned(),
        names_its_kit: headers.contains_key("fn-fdk-version") && headers.contains_key("fn-fdk-runtime"),
        body: body.to_owned(),
    })
}

/// Returns a process that listens on a socket in its own folder.
fn listening(mut command: Command, folder: &Path) -> Result<(Process, std::path::PathBuf), String> {
    let socket = folder.join("lsnr.sock");
    command.env("FN_LISTENER", format!("unix:{}", socket.display())).env("FN_FORMAT", "http-stream");
    command.env("FN_MEMORY", "128").stdin(Stdio::null());
    let process = Process::spawn(command, |_| ()).map_err(|error| error.to_string())?;
    until("the socket is there", &process, || socket.exists().then_some(()))?;
    Ok((process, socket))
}

fn ours(runtime: &Runtime, function: &str) -> Result<(Process, std::path::PathBuf, Deployment), String> {
    let deployment = Deployment::of(function);
    let mut command = deployment.command(runtime);
    command.env_clear().env("FAAS_HANDLER", function);
    let (process, socket) = listening(command, deployment.root())?;
    Ok((process, socket, deployment))
}

/// A difference that is meant: the request, the change that makes the kit's answer ours, and the reason.
type Meant = (Ask, fn(&mut Told), &'static str);

fn compare(peer: &Path, runtime: &Runtime, meant: &[Meant]) -> Result<(), String> {
    let (echo, echo_socket, _echo) = ours(runtime, "echo")?;
    let (broken, broken_socket, _broken) = ours(runtime, "faulty")?;
    for what in ALL {
        let theirs = ask(peer, *what, "fail")?;
        let mut expected = theirs.clone();
        for (_, change, _) in meant.iter().filter(|(ask, ..)| ask == what) {
            change(&mut expected);
        }
        let (socket, process) = if *what == Ask::Fail { (&broken_socket, &broken) } else { (&echo_socket, &echo) };
        let mut got = ask(socket, *what, faulty::ERROR)?;
        if got.status != 200 {
            // Errors have no words in common, and the agent drops them.
            expected.body.clear();
            got.body.clear();
        }
        if got != expected {
            return Err(format!("{what:?}: {got:?}, the kit {theirs:?}\n{}", process.output()));
        }
    }
    Ok(())
}

fn names_kit(told: &mut Told) {
    told.names_its_kit = true;
}

/// Expects a refusal in one line of text, as the agent never asks for it and a person reads it.
fn plain_refusal(told: &mut Told, status: u16) {
    told.status = status;
    told.content_type = "text/plain".to_owned();
}

fn beside_python(python: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut command = Command::new(python.join("bin/fdk"));
    command.arg(workspace().join("integration/peers/fn_peer.py")).arg("handler");
    let (_peer, socket) = listening(command, folder.path())?;
    // No difference is meant.
    compare(&socket, runtime, &[])
}

fn beside_node(node: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut command = Command::new("node");
    command.arg(workspace().join("integration/peers/fn_peer.js")).env("NODE_PATH", node.join("node_modules"));
    let (_peer, socket) = listening(command, folder.path())?;
    let gateway = |told: &mut Told| told.http_status = Some("200".to_owned());
    let meant: &[Meant] = &[
        (Ask::Gateway, gateway, "the status for the client is always said, not only when it is no 200"),
        (Ask::GatewayEmpty, gateway, "the status for the client is always said, not only when it is no 200"),
        (Ask::Fail, names_kit, "an answer names the kit whatever it is"),
        (Ask::OtherPath, |told| plain_refusal(told, 404), "404 says what is wrong"),
        (Ask::OtherMethod, |told| plain_refusal(told, 405), "405 says what is wrong"),
    ];
    compare(&socket, runtime, meant)
}

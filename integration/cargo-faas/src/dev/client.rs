//! `invoke` and `logs`: ask a running dev by its console.

use super::options::{InvokeOptions, LogsOptions, Running};
use super::{address, source};
use crate::failure::Failure;
use crate::screen::{Screen, duration};
use bytes::Bytes;
use handlers_sdk::testing::samples;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::Duration;

/// The path of the console's part for programs.
const API: &str = "/_faas/api";

/// Sends a request or an event; the exit code is 1 if it failed.
pub(crate) fn invoke(options: &InvokeOptions, screen: Screen) -> Result<ExitCode, Failure> {
    if options.list {
        for sample in samples() {
            screen.line(&format!("{:<32}{:<12}{}", sample.name(), sample.trigger(), sample.source()));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let data = options.data.as_deref().map(read_data).transpose()?;
    let asked = asked(options, data)?;
    let place = Place::find(&options.running)?;
    let answer = block_on(async {
        let body = place.send("POST", &format!("{API}/invoke"), asked.to_string()).await?;
        let bytes = body.into_body().collect().await.map_err(failed)?.to_bytes();
        serde_json::from_slice::<Value>(&bytes).map_err(failed)
    })?;
    let invocations = answer["invocations"].as_array().cloned().unwrap_or_default();
    if options.json {
        screen.line(&format!("{answer:#}"));
    } else {
        invocations.iter().for_each(show);
    }
    let is_failed = invocations.last().is_none_or(|last| last["failed"] == true);
    Ok(if is_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What the console is asked for.
fn asked(options: &InvokeOptions, data: Option<String>) -> Result<Value, Failure> {
    if let Some(path) = &options.path {
        let pair = |line: &String| match line.split_once(':') {
            Some((name, value)) => Ok(json!([name.trim(), value.trim()])),
            None => Err(Failure::new("invoke", format!("{line:?} is no header, such as `accept: text/plain`"))),
        };
        let headers = options.header.iter().map(pair).collect::<Result<Vec<_>, _>>()?;
        let request = json!({
            "method": options.method, "target": path, "headers": headers, "body": data.unwrap_or_default(),
        });
        return Ok(json!({"request": request}));
    }
    if options.sample.is_none() && data.is_none() {
        let why = "say what to send: --sample aws/sqs, --data '{}' or --path /; --list shows the samples";
        return Err(Failure::new("invoke", why));
    }
    let ms = |time: Option<Duration>| time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    Ok(json!({
        "sample": options.sample,
        "event": data,
        "platform": options.platform,
        "function": options.function,
        "deadlineMs": ms(options.deadline),
        "freezeMs": ms(options.freeze),
        "sigterm": options.sigterm,
        "duplicate": options.duplicate,
        "retry": options.retry,
        "throttle": options.throttle,
    }))
}

/// The reply on the standard output, everything about it on the other one.
fn show(invocation: &Value) {
    let text = |key: &str| invocation[key].as_str().unwrap_or("-");
    let took = duration(Duration::from_micros(invocation["us"].as_u64().unwrap_or_default()));
    let cold = if invocation["coldStart"] == true { ", cold start" } else { "" };
    let (status, bytes) = (&invocation["status"], &invocation["reply"]["bytes"]);
    let head = format!("#{} {} on {}: {status}, {bytes} bytes, {took}{cold}", invocation["number"], text("title"), text("function"));
    // A closed output is no reason to fail.
    let _ = writeln!(std::io::stderr().lock(), "{head}");
    if let Some(problem) = invocation["problem"].as_object() {
        let part = |key: &str| problem.get(key).and_then(Value::as_str).unwrap_or_default();
        let place = if part("place").is_empty() { String::new() } else { format!(" at {}", part("place")) };
        let _ = writeln!(std::io::stderr().lock(), "failed: {}: {}{place}", part("kind"), part("message"));
    }
    if let Some(body) = invocation["reply"]["text"].as_str().filter(|body| !body.is_empty()) {
        let end = if body.ends_with('\n') { "" } else { "\n" };
        let _ = write!(std::io::stdout().lock(), "{body}{end}");
    }
}

fn read_data(text: &str) -> Result<String, Failure> {
    let failed = |name: &str, error: std::io::Error| Failure::new("data", format!("{name}: {error}"));
    match text.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file).map_err(|error| failed(file, error)),
        None if text == "-" => {
            let mut all = String::new();
            std::io::stdin().read_to_string(&mut all).map_err(|error| failed("standard input", error))?;
            Ok(all)
        }
        None => Ok(text.to_owned()),
    }
}

/// Prints lines of output, and follows them until dev ends.
pub(crate) fn logs(options: &LogsOptions, screen: Screen) -> Result<ExitCode, Failure> {
    let place = Place::find(&options.running)?;
    let mut query = String::new();
    for (name, value) in [("function", &options.function), ("request", &options.request)] {
        if let Some(value) = value {
            let coded: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            query.push_str(&format!("&{name}={coded}"));
        }
    }
    if !options.no_follow {
        query.push_str("&follow");
    }
    block_on(async {
        let response = place.send("GET", &format!("{API}/logs?{query}"), String::new()).await?;
        let mut body = response.into_body();
        let mut rest = Vec::new();
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { break };
            rest.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=at).collect();
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                if options.json {
                    screen.line(&line);
                    continue;
                }
                let entry: Value = serde_json::from_str(&line).unwrap_or_default();
                let text = |key: &str| entry[key].as_str().unwrap_or_default();
                screen.passed_on(text("unit"), text("text"));
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new("asking dev", error)
}

fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?.block_on(work)
}

/// The address of a running dev.
struct Place {
    url: String,
    /// `127.0.0.1:8080`.
    host: String,
}

impl Place {
    fn find(running: &Running) -> Result<Place, Failure> {
        let url = match &running.url {
            Some(url) => url.clone(),
            None => source::address_files().iter().find_map(|file| address::of(file)).ok_or_else(|| {
                Failure::new("dev", "none runs for this project: start `cargo faas dev`, or say where one is with --url")
            })?,
        };
        let host = url.strip_prefix("http://").unwrap_or(&url).split('/').next().unwrap_or_default().to_owned();
        Ok(Place { url, host })
    }

    async fn send(&self, method: &str, target: &str, body: String) -> Result<Response<Incoming>, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::new("asking dev", format!("{}: {error}", self.url));
        let host = if self.host.contains(':') { self.host.clone() } else { format!("{}:80", self.host) };
        let stream = tokio::net::TcpStream::connect(&host).await.map_err(|error| failed(&error))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
        // What ends it is told by the request.
        tokio::spawn(connection);
        let request = Request::builder().method(method).uri(target).header("host", &self.host);
        let request = request.body(Full::new(Bytes::from(body))).map_err(|error| failed(&error))?;
        let response = sender.send_request(request).await.map_err(|error| failed(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let why = response.into_body().collect().await.map_err(|error| failed(&error))?.to_bytes();
        Err(failed(&format!("{status}: {}", String::from_utf8_lossy(&why).trim_end())))
    }
}

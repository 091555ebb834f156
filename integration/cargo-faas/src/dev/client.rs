//! The commands `invoke` and `logs`, which ask a running dev by its console.

use super::options::{Asking, Logs, Running};
use super::{address, source};
use crate::failure::Failure;
use crate::screen::{Screen, duration};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

/// The path of the console's part for programs.
const API: &str = "/_faas/api";

/// The event or request that a running dev is asked to send.
pub(crate) struct Sent<'a> {
    /// The function that is to serve an event; `None` leaves that to dev.
    pub(crate) function: Option<&'a str>,
    /// The name of a sample; `None` without one.
    pub(crate) sample: Option<&'a str>,
    /// The text of an event, or the body of a request.
    pub(crate) data: Option<String>,
    /// The platform of an event without a sample.
    pub(crate) platform: Option<&'a str>,
    /// `true` if the answer is printed as JSON.
    pub(crate) as_json: bool,
}

/// Returns `true` if a dev runs for the project of this folder.
pub(crate) fn runs() -> bool {
    source::address_files().iter().any(|file| address::of(file).is_some())
}

/// Sends a request or an event by a running dev; the exit code is 1 if it failed.
///
/// # Errors
/// No dev runs, or it refuses.
pub(crate) fn ask(asking: &Asking, sent: Sent<'_>, screen: Screen) -> Result<ExitCode, Failure> {
    let place = Place::find(&asking.running)?;
    let as_json = sent.as_json;
    let asked = asked(asking, sent)?;
    let answer = block_on(async {
        if !place.is_dev().await? {
            return match asked.get("request") {
                Some(request) => place.plainly(request).await,
                None => Err(Failure::new(
                    "invoke",
                    format!("{}: no dev is there, and any other server takes requests alone: --path /", place.url),
                )),
            };
        }
        let body = place.send("POST", &format!("{API}/invoke"), &json!([]), asked.to_string()).await?;
        let bytes = body.into_body().collect().await.map_err(failed)?.to_bytes();
        serde_json::from_slice::<Value>(&bytes).map_err(failed)
    })?;
    let invocations = answer["invocations"].as_array().cloned().unwrap_or_default();
    if as_json {
        screen.line(&format!("{answer:#}"));
    } else {
        invocations.iter().for_each(show);
    }
    let is_failed = invocations.last().is_none_or(|last| last["failed"] == true);
    Ok(if is_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Returns the body of the request to the console, as JSON: a request for the functions, or an event. It is a failure
/// to ask for neither, or to combine a path with an option that is for events.
fn asked(asking: &Asking, sent: Sent<'_>) -> Result<Value, Failure> {
    if let Some(path) = &asking.path {
        if let Some(option) = of_events(asking, &sent) {
            let why = format!(
                "{option} is for events, and a request goes through dev as any client's does: leave it out, or start a runtime \
                 for a recording with --alone"
            );
            return Err(Failure::new("invoke", why));
        }
        let pair = |line: &String| match line.split_once(':') {
            Some((name, value)) => Ok(json!([name.trim(), value.trim()])),
            None => Err(Failure::new("invoke", format!("{line:?} is no header, such as `accept: text/plain`"))),
        };
        let headers = asking.header.iter().map(pair).collect::<Result<Vec<_>, _>>()?;
        let body = sent.data.unwrap_or_default();
        let method = asking.method.as_deref().unwrap_or(if body.is_empty() { "GET" } else { "POST" });
        return Ok(json!({"request": {"method": method, "target": path, "headers": headers, "body": body}}));
    }
    let ms = |time: Option<Duration>| time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    Ok(json!({
        "sample": sent.sample,
        "event": sent.data,
        "platform": sent.platform,
        "function": sent.function,
        "deadlineMs": ms(asking.deadline),
        "freezeMs": ms(asking.freeze),
        "sigterm": asking.sigterm,
        "duplicate": asking.duplicate,
        "retry": asking.retry,
        "throttle": asking.throttle,
    }))
}

/// Returns the first option that is for events alone; `None` if no such option is set.
fn of_events(asking: &Asking, sent: &Sent<'_>) -> Option<&'static str> {
    let Asking { deadline, freeze, sigterm, duplicate, retry, throttle, .. } = asking;
    let all = [
        ("--deadline", deadline.is_some()),
        ("--freeze", freeze.is_some()),
        ("--sigterm", *sigterm),
        ("--duplicate", *duplicate),
        ("--retry", *retry > 0),
        ("--throttle", *throttle),
        ("--function", sent.function.is_some()),
        ("--platform", sent.platform.is_some()),
    ];
    all.into_iter().find(|(_, is_said)| *is_said).map(|(option, _)| option)
}

/// Writes the reply to the standard output, and everything about it to the standard error.
fn show(invocation: &Value) {
    let text = |key: &str| invocation[key].as_str().unwrap_or("-");
    let took = duration(Duration::from_micros(invocation["us"].as_u64().unwrap_or_default()));
    let cold = if invocation["coldStart"] == true { ", cold start" } else { "" };
    let (status, bytes) = (&invocation["status"], &invocation["reply"]["bytes"]);
    let number = invocation["number"].as_u64().map(|number| format!("#{number} ")).unwrap_or_default();
    let function = invocation["function"].as_str().map(|name| format!(" on {name}")).unwrap_or_default();
    let head = format!("{number}{}{function}: {status}, {bytes} bytes, {took}{cold}", text("title"));
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

impl Logs {
    /// Prints lines of output, and follows them until dev ends.
    ///
    /// # Errors
    /// No dev runs.
    pub(crate) fn run(&self, screen: Screen) -> Result<ExitCode, Failure> {
        logs(self, screen)
    }
}

fn logs(options: &Logs, screen: Screen) -> Result<ExitCode, Failure> {
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
        let response = place.send("GET", &format!("{API}/logs?{query}"), &json!([]), String::new()).await?;
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
    /// The host and port, as `127.0.0.1:8080`.
    host: String,
}

impl Place {
    fn find(running: &Running) -> Result<Place, Failure> {
        let url = match &running.url {
            Some(url) => url.clone(),
            None => source::address_files().iter().find_map(|file| address::of(file)).ok_or_else(|| {
                Failure::new(
                    "dev",
                    "none runs for this project: start `cargo faas dev`, or say where one is with --url",
                )
            })?,
        };
        Place::of(url)
    }

    /// Reads an address, `http://host:port/`.
    ///
    /// # Errors
    /// It is no address of a dev.
    fn of(url: String) -> Result<Place, Failure> {
        let wrong = |why: &str| Failure::new("--url", format!("{url}: {why}"));
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", &url));
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(wrong("dev speaks plain HTTP only, as in http://127.0.0.1:8080"));
        }
        let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if !matches!(path, "" | "/") {
            return Err(wrong("expected a host and a port alone; the path of a request is that of --path"));
        }
        let host = host.to_owned();
        Ok(Place { url, host })
    }

    /// Returns `true` if a dev is there, and not a bare runtime.
    ///
    /// # Errors
    /// Nobody answers there.
    async fn is_dev(&self) -> Result<bool, Failure> {
        let response = self.exchange("GET", &format!("{API}/state"), &json!([]), String::new()).await?;
        let Ok(body) = response.into_body().collect().await else { return Ok(false) };
        let state = serde_json::from_slice::<Value>(&body.to_bytes());
        Ok(state.is_ok_and(|state| state.get("deployment").is_some()))
    }

    /// Sends a request to a bare runtime, and returns its reply in the console's form.
    async fn plainly(&self, request: &Value) -> Result<Value, Failure> {
        let text = |key: &str| request[key].as_str().unwrap_or_default().to_owned();
        let (method, target) = (text("method"), text("target"));
        let began = std::time::Instant::now();
        let response = self.exchange(&method, &target, &request["headers"], text("body")).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map_err(failed)?.to_bytes();
        Ok(json!({"invocations": [{
            "title": format!("{method} {target}"), "status": status, "failed": status >= 500,
            "us": u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
            "reply": {"text": String::from_utf8_lossy(&body), "bytes": body.len()},
        }]}))
    }

    /// Sends a request that has to succeed.
    async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &Value,
        body: String,
    ) -> Result<Response<Incoming>, Failure> {
        let response = self.exchange(method, target, headers, body).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let why = response.into_body().collect().await.map_err(failed)?.to_bytes();
        let why = String::from_utf8_lossy(&why).trim_end().to_owned();
        Err(Failure::new("asking dev", format!("{}: {status}: {why}", self.url)))
    }

    async fn exchange(
        &self,
        method: &str,
        target: &str,
        headers: &Value,
        body: String,
    ) -> Result<Response<Incoming>, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::new("asking dev", format!("{}: {error}", self.url));
        let host = if self.host.contains(':') { self.host.clone() } else { format!("{}:80", self.host) };
        let stream = tokio::net::TcpStream::connect(&host).await.map_err(|error| failed(&error))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
        // The request reports the end of the connection.
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(target);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let headers = headers.as_array().into_iter().flatten();
        let headers: Vec<(String, String)> = headers.map(|pair| (text(&pair[0]), text(&pair[1]))).collect();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", &self.host);
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(|error| failed(&error))?;
        sender.send_request(request).await.map_err(|error| failed(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port_of_plain_http() {
        for (url, host) in [
            ("http://127.0.0.1:8080/", "127.0.0.1:8080"),
            ("http://localhost:80", "localhost:80"),
            ("HTTP://localhost", "localhost"),
            ("localhost:8080", "localhost:8080"),
        ] {
            assert_eq!(Place::of(url.to_owned()).map(|place| place.host), Ok(host.to_owned()));
        }
        for (url, why) in [
            ("https://shop.example/", "dev speaks plain HTTP only, as in http://127.0.0.1:8080"),
            ("http://host/base", "expected a host and a port alone; the path of a request is that of --path"),
            ("host:80?a=b", "expected a host and a port alone; the path of a request is that of --path"),
        ] {
            let error = Place::of(url.to_owned()).map(|place| place.host).unwrap_err().to_string();
            assert_eq!(error, format!("--url: {url}: {why}"));
        }
    }

    #[test]
    fn what_is_for_events_is_refused_beside_a_request() {
        let request = Asking { path: Some("/".to_owned()), ..Asking::default() };
        let sent = |function| Sent { function, sample: None, data: None, platform: None, as_json: false };
        assert_eq!(asked(&request, sent(None)).unwrap()["request"]["target"], "/");
        let frozen = Asking { freeze: Some(Duration::from_secs(1)), ..request.clone() };
        for (asking, function, option) in [
            (&frozen, None, "--freeze"),
            (&Asking { retry: 2, ..request.clone() }, None, "--retry"),
            (&request, Some("f"), "--function"),
        ] {
            let why = asked(asking, sent(function)).unwrap_err().to_string();
            assert!(why.contains(&format!("{option} is for events")), "{why}");
        }
    }
}

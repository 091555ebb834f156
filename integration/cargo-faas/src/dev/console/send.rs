//! The page for sending: a request, an event, a sample of any trigger, and an invocation once more.

use super::super::app::{App, Wanted, timer_platform};
use super::super::front::{Carried, carry};
use super::super::record::Input;
use super::super::tee::{Out, full};
use super::Instead;
use super::form::Form;
use super::html::{self, escape};
use super::invocation::request_fields;
use crate::events::request_of;
use crate::stage::{self, ClientRequest, Platform};
use handlers_sdk::testing::{Sample, samples};
use http_body_util::BodyExt;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Request, Response};
use std::sync::Arc;

/// Returns the page of the forms.
pub(super) fn page(app: &App, query: &Form) -> String {
    let chosen = query.get("sample");
    let sample = samples().iter().find(|sample| sample.name() == chosen);
    let content = request_form(app, sample.filter(|sample| sample.is_request()))
        + &event_form(app, query.get("function"), sample.filter(|sample| !sample.is_request()))
        + &catalogue();
    html::page(app, "Send", "/send", &content)
}

fn request_form(app: &App, sample: Option<&Sample>) -> String {
    let plain = || ClientRequest { method: "GET".into(), target: "/".into(), headers: Vec::new(), body: Vec::new() };
    let ClientRequest { method, target, headers, body } = sample.map_or_else(plain, request_of);
    format!(
        "<section id=\"request\"><h2>A request</h2><p class=\"none\">It goes through the front like any other one to \
         http://{}/.</p><form action=\"/_faas/send\" method=\"post\"><input type=\"hidden\" name=\"what\" value=\"request\">\
         {}<label for=\"request-body\">Body</label><textarea id=\"request-body\" name=\"body\" rows=\"5\" \
         spellcheck=\"false\">\n{}</textarea><p class=\"tools\"><button>Send the request</button></p></form></section>\n",
        app.address,
        request_fields(&method, &target, &headers),
        escape(&String::from_utf8_lossy(&body)),
    )
}

fn event_form(app: &App, function: &str, sample: Option<&Sample>) -> String {
    let now = app.now();
    let functions = now.iter().flat_map(|now| now.deployment.functions()).map(|(_, name)| {
        let chosen = if name == function { " selected" } else { "" };
        format!("<option{chosen}>{}</option>", escape(name))
    });
    let functions: String = functions.collect();
    let default = sample.map_or(timer_platform(&app.how).name, Sample::platform);
    let platforms = stage::PLATFORMS.iter().map(|platform| {
        let chosen = if platform.name == default { " selected" } else { "" };
        format!("<option value=\"{}\"{chosen}>{}</option>", platform.name, platform.title())
    });
    let platforms: String = platforms.collect();
    let event = sample.map_or_else(|| "{}".to_owned(), |sample| String::from_utf8_lossy(sample.bytes()).into_owned());
    format!(
        "<section id=\"event\"><h2>An event</h2><p class=\"none\">An instance of its platform, with the same libraries, \
         serves it. With a function chosen, that one serves it, whatever it is.</p>\
         <form action=\"/_faas/send\" method=\"post\"><input type=\"hidden\" name=\"what\" value=\"event\">\
         <input type=\"hidden\" name=\"name\" value=\"{}\">\
         <div class=\"row\"><div><label for=\"function\">Function</label><select id=\"function\" name=\"function\">\
         <option value=\"\">whose it is</option>{functions}</select></div><div><label for=\"platform\">Platform</label>\
         <select id=\"platform\" name=\"platform\">{platforms}</select></div></div>\
         <label for=\"event-body\">Event</label><textarea id=\"event-body\" name=\"body\" rows=\"10\" spellcheck=\"false\">\n{}</textarea>\
         <p class=\"tools\"><button>Send the event</button></p></form></section>\n",
        escape(sample.map_or("by hand", Sample::name)),
        escape(&event),
    )
}

fn catalogue() -> String {
    let mut folders: Vec<(&str, String)> = Vec::new();
    for sample in samples() {
        let (folder, name) = sample.name().split_once('/').unwrap_or(("", sample.name()));
        let place = if sample.is_request() { "request" } else { "event" };
        let link = format!(
            "<li><a href=\"/_faas/send?sample={0}#{place}\">{name}</a> <small>{1}</small></li>",
            sample.name(),
            sample.trigger()
        );
        match folders.last_mut().filter(|(last, _)| *last == folder) {
            Some((_, links)) => links.push_str(&link),
            None => folders.push((folder, link)),
        }
    }
    let folders: String = folders
        .into_iter()
        .map(|(folder, links)| format!("<details><summary>{folder}</summary><ul>{links}</ul></details>"))
        .collect();
    format!(
        "<section id=\"samples\"><h2>Samples</h2><p class=\"none\">One of every trigger: it is put into the form above.</p>{folders}</section>\n"
    )
}

fn read_headers(text: &str) -> Result<Vec<(String, String)>, Instead> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let pair = |line: &str| match line.split_once(':') {
        Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
        None => Err(Instead::wrong(format!("{line:?} is no header, such as `accept: text/plain`"))),
    };
    lines.map(pair).collect()
}

/// Sends a request through the front and waits for its whole reply; the number of its invocation.
pub(super) async fn request(app: &Arc<App>, wanted: ClientRequest, repeats: Option<u64>) -> Result<u64, Instead> {
    let ClientRequest { method, target, headers, body } = wanted;
    let mut request = Request::builder().method(method.as_str()).uri(&target);
    let has_host = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
    if !has_host {
        request = request.header("host", app.address.to_string());
    }
    for (name, value) in headers {
        if name.eq_ignore_ascii_case("content-length") {
            continue;
        }
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(Instead::wrong)?;
        request = request.header(name, HeaderValue::from_bytes(value.as_bytes()).map_err(Instead::wrong)?);
    }
    let request = request.body(full(body)).map_err(Instead::wrong)?;
    if !request.uri().path().starts_with('/') {
        return Err(Instead::wrong(format!("{target:?} is no path")));
    }
    let (number, response) = carry(app, request, Carried { repeats }).await;
    // The record of the invocation tells of a reply that was cut.
    let _ = response.into_body().collect().await;
    number.ok_or_else(|| Instead::wrong("no deployment is ready"))
}

/// Sends the request or event of a form.
pub(super) async fn post(app: &Arc<App>, form: &Form) -> Result<Response<Out>, Instead> {
    let number = match form.get("what") {
        "request" => {
            let (method, target) = (form.get("method").to_owned(), form.get("target").to_owned());
            let (headers, body) = (read_headers(form.get("headers"))?, form.get("body").as_bytes().to_vec());
            request(app, ClientRequest { method, target, headers, body }, None).await?
        }
        _ => {
            let wanted = Wanted {
                function: Some(form.get("function").to_owned()).filter(|name| !name.is_empty()),
                name: form.get("name").to_owned(),
                bytes: form.get("body").as_bytes().to_vec(),
                ..Wanted::default()
            };
            event(app, form.get("platform"), wanted).await?
        }
    };
    Err(Instead::See(format!("/_faas/invocations/{number}")))
}

async fn event(app: &Arc<App>, platform: &str, wanted: Wanted) -> Result<u64, Instead> {
    let numbers = app.send_event(find_platform(platform)?, wanted).await.map_err(Instead::wrong)?;
    numbers.last().copied().ok_or_else(|| Instead::wrong("nothing was sent"))
}

/// Returns a platform with a stage.
pub(super) fn find_platform(word: &str) -> Result<&'static Platform, Instead> {
    stage::platform(word).map_err(Instead::wrong)
}

/// Sends an invocation again, as its form says.
pub(super) async fn replay(app: &Arc<App>, form: &Form) -> Result<Response<Out>, Instead> {
    let record = form.get("number").parse().ok().and_then(|number| app.store.get(number));
    let record = record.ok_or_else(|| Instead::not_found("such invocation"))?;
    if record.body.is_cut() {
        return Err(Instead::wrong("not all of its body is kept"));
    }
    let body = if form.has("body") { form.get("body").as_bytes().to_vec() } else { record.body.bytes.clone() };
    let repeats = Some(record.number);
    let number = match &record.input {
        Input::Request { .. } => {
            let (method, target) = (form.get("method").to_owned(), form.get("target").to_owned());
            let headers = read_headers(form.get("headers"))?;
            request(app, ClientRequest { method, target, headers, body }, repeats).await?
        }
        Input::Event(name) => {
            let (name, function) = (name.clone(), record.function.clone());
            event(app, record.platform, Wanted { function, name, bytes: body, repeats, ..Wanted::default() }).await?
        }
    };
    Err(Instead::See(format!("/_faas/invocations/{number}")))
}

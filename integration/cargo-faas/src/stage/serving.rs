//! Platforms that send requests to a port, or to a socket: each by its own front.

use super::{Call, CallInput, ClientRequest, Headers, PATIENCE, Reply, Setting, Stage, Started, port};
use crate::interrupt::Scratch;
use crate::package::layout::MANIFEST;
use crate::reply::error_words;
use faas_core::manifest::{EventFilter, Manifest};
use faas_core::router::{Matching, Params, Router};
use platform_emulators::cloudevents::Request;
use platform_emulators::fn_project::{self, Agent};
use platform_emulators::openwhisk::{Activation, Init, Invoker, Outcome};
use platform_emulators::process::Process;
use platform_emulators::wire::Answer;
use platform_emulators::{aliyun_fc, azure_functions, google_cloud, knative, openfaas, openwhisk, vefaas};
use serde_json::{Map, Value, json};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

/// A process that a front sends calls to.
struct Serving<F> {
    front: F,
    send: fn(&F, &Call) -> Reply,
    process: LendProcess<F>,
    breaches: fn(&F) -> Vec<String>,
}

/// Lends the process of a front.
type LendProcess<F> = fn(&F, &mut dyn FnMut(&Process));

impl<F: Send + Sync> Stage for Serving<F> {
    fn send(&self, call: &Call, _: Started<'_>) -> Option<Reply> {
        Some((self.send)(&self.front, call))
    }

    fn with_process(&self, look: &mut dyn FnMut(&Process)) {
        (self.process)(&self.front, look);
    }

    fn breaches(&self) -> Vec<String> {
        (self.breaches)(&self.front)
    }
}

/// Returns the command of a runtime that this machine alone reaches.
pub(super) fn local(setting: &Setting) -> Command {
    let mut command = setting.command();
    command.env("FAAS_HOST", "127.0.0.1").envs(setting.limit());
    command
}

pub(super) fn words(error: std::io::Error) -> String {
    error.to_string()
}

/// Returns the reply that a client gets for an answer, or for an error in its place.
pub(super) fn of_answer(answer: std::io::Result<Answer>) -> Reply {
    match answer {
        Ok(answer) => {
            let own = |name: &str| {
                ["connection", "content-length", "keep-alive", "transfer-encoding"]
                    .iter()
                    .any(|other| name.eq_ignore_ascii_case(other))
            };
            let headers = answer.headers.into_iter().filter(|(name, _)| !own(name)).collect();
            Reply { status: answer.status, headers, body: answer.body, ..Reply::default() }
        }
        Err(error) => Reply::failed(502, format!("no answer: {error}")),
    }
}

/// Returns a client's headers, without those that each front sets itself.
fn borrowed(headers: &Headers) -> Vec<(&str, &str)> {
    let is_own = |name: &str| ["content-length", "host"].iter().any(|own| name.eq_ignore_ascii_case(own));
    headers.iter().filter(|(name, _)| !is_own(name)).map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Returns the call as a request: an event is a POST of JSON.
pub(super) fn request(call: &Call) -> Request {
    match &call.input {
        CallInput::Event(bytes) => Request::new(
            "POST",
            "/",
            &[("Content-Type", "application/json"), ("X-Request-Id", &call.request_id)],
            bytes.clone(),
        ),
        CallInput::Request(ClientRequest { method, target, headers, body }) => {
            Request::new(method, target, &borrowed(headers), body.clone())
        }
    }
}

/// Starts a runtime on Function Compute 3.0: events through the API, requests through a custom domain.
pub(super) fn fc(setting: &Setting) -> Result<Box<dyn Stage>, String> {
    let options = aliyun_fc::Options {
        port: port()?,
        code: setting.root.clone(),
        function: setting.name.clone(),
        handler: setting.name.clone(),
        timeout: u32::try_from(setting.timeout.as_secs()).unwrap_or(u32::MAX).max(1),
        concurrency: 20,
        start_limit: PATIENCE,
        patience: PATIENCE,
        ..aliyun_fc::Options::default()
    };
    let front = aliyun_fc::Fc::spawn(setting.command(), options).map_err(words)?;
    front.dial()?;
    let send = |front: &aliyun_fc::Fc, call: &Call| match &call.input {
        CallInput::Event(bytes) => {
            let answer = front.invoke(bytes.clone());
            let is_well = answer.kind == aliyun_fc::Kind::Success;
            let reply = Reply::of_event(answer.body, is_well, &answer.kind);
            Reply { request_id: Some(answer.request_id), ..reply }
        }
        CallInput::Request(ClientRequest { method, target, headers, body }) => {
            let request = aliyun_fc::Request::new(method, target).body(body.clone());
            let headers = borrowed(headers).into_iter();
            let answer = front.request(&headers.fold(request, |request, (name, value)| request.header(name, value)));
            let body = answer.body();
            let status = if answer.status == 0 { 502 } else { answer.status };
            let failure = (answer.kind != aliyun_fc::Kind::Success).then(|| format!("{:?}", answer.kind));
            Reply { status, headers: answer.headers, body, failure, request_id: Some(answer.request_id) }
        }
    };
    Ok(Box::new(Serving {
        front,
        send,
        process: |front, look| look(front.process()),
        breaches: aliyun_fc::Fc::violations,
    }))
}

/// The Azure Functions host, and the routes that its function.json files would have.
struct Azure {
    host: azure_functions::Host,
    routes: Router,
}

impl Azure {
    /// Returns the parameters that the host finds in the path of a request. Here the routes are the manifest's, of which
    /// deployments make those of function.json. A unit without a manifest has none.
    fn params(&self, method: &str, target: &str) -> Vec<(String, String)> {
        let path = target.split('?').next().unwrap_or_default();
        let mut params = Params::new();
        self.routes.find(method.as_bytes(), path.as_bytes(), &mut params);
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        params.iter().map(|(name, value)| (text(name), text(value))).collect()
    }
}

/// Returns the routes of the manifest that a runtime is started with. It is read here as the runtime reads it, which
/// tells what is wrong with it.
fn routes(setting: &Setting) -> Router {
    let named = setting.environment.iter().rev().find(|(name, _)| name == "FAAS_MANIFEST");
    let path = named.map_or_else(|| setting.root.join(MANIFEST), |(_, path)| path.into());
    let manifest = std::fs::read(path).ok().and_then(|text| Manifest::read(&text).ok()).unwrap_or_default();
    let mut router = Router::new(Matching { strict_slash: manifest.strict_slash, caseless: manifest.caseless });
    for event in manifest.functions.iter().flat_map(|function| &function.events) {
        if let EventFilter::Http { path, methods } = &event.filter {
            let methods: Vec<&str> = methods.iter().map(|method| &**method).collect();
            // A route that two functions claim is refused by the runtime.
            let _ = router.add(path.as_deref().unwrap_or("/*"), &methods, 0);
        }
    }
    router
}

/// Starts a runtime under the Azure Functions host; everything is an envelope.
pub(super) fn azure(setting: &Setting) -> Result<Box<dyn Stage>, String> {
    let options = azure_functions::Options {
        port: port()?,
        is_old: false,
        app_root: setting.root.clone(),
        mode: azure_functions::Mode::Envelope,
        patience: setting.patience(),
    };
    let own = setting.clone();
    let host = azure_functions::Host::spawn(move || own.command(), options).map_err(words)?;
    host.ready()?;
    let front = Azure { host, routes: routes(setting) };
    let send = |front: &Azure, call: &Call| {
        let function = call.function.as_deref().unwrap_or("function");
        let made = match &call.input {
            CallInput::Request(ClientRequest { method, target, headers, body }) => {
                let request = azure_functions::Request::new(method, target, &borrowed(headers), body.clone());
                let params = front.params(method, target);
                azure_functions::Call::http(function, azure_functions::Request { params, ..request })
            }
            CallInput::Event(bytes) => envelope(function, bytes),
        };
        let begun = front.host.begin(&made);
        let request_id = begun.as_ref().ok().map(|pending| pending.id().to_owned());
        let reply = match begun.and_then(azure_functions::Pending::end) {
            Ok(azure_functions::Ended::Done(done)) => match done.reply {
                Some(reply) => {
                    Reply { status: reply.status, headers: reply.headers, body: reply.body, ..Reply::default() }
                }
                None => Reply { status: 200, body: done.raw.to_string().into_bytes(), ..Reply::default() },
            },
            Ok(azure_functions::Ended::Failed(why)) => {
                // The host puts the status before the runtime's document.
                let document = why.split_once(": ").map(|(_, document)| document).filter(|rest| rest.starts_with('{'));
                Reply::failed(500, document.map_or_else(|| why.clone(), |document| error_words(document.as_bytes())))
            }
            Ok(azure_functions::Ended::Hung) => Reply::failed(504, "the host waits until the function's time is over"),
            Err(error) => Reply::failed(502, error.to_string()),
        };
        Reply { request_id, ..reply }
    };
    Ok(Box::new(Serving {
        front,
        send,
        process: |front, look| look(&front.host.process()),
        breaches: |front| front.host.breaches(),
    }))
}

/// Makes a call of an envelope as the host writes it; any other event is the message of a queue.
fn envelope(function: &str, bytes: &[u8]) -> azure_functions::Call {
    let text = String::from_utf8_lossy(bytes);
    let envelope: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let (Some(data), metadata) = (envelope["Data"].as_object(), envelope["Metadata"].as_object()) else {
        return azure_functions::Call::queue(function, &text);
    };
    let bound = |map: &Map<String, Value>| -> Vec<(String, azure_functions::Bound)> {
        let others = map.iter().filter(|(name, _)| *name != "sys");
        others.map(|(name, value)| (name.clone(), azure_functions::Bound::Plain(value.clone()))).collect()
    };
    let mut call = azure_functions::Call::queue(function, "");
    call.data = bound(data);
    call.metadata = metadata.map(bound).unwrap_or_default();
    call
}

/// Starts a runtime as a Cloud Run service.
pub(super) fn google(setting: &Setting) -> Result<Box<dyn Stage>, String> {
    let patience = setting.patience();
    let options = google_cloud::Options::service(port()?, patience);
    let front = google_cloud::Instance::spawn(local(setting), options).map_err(words)?;
    front.listens()?;
    let send = |front: &google_cloud::Instance, call: &Call| of_answer(front.call(&request(call)));
    Ok(Box::new(Serving {
        front,
        send,
        process: |front, look| look(front.process()),
        breaches: google_cloud::Instance::breaches,
    }))
}

/// Starts a runtime as a Knative service, behind a queue-proxy.
pub(super) fn knative(setting: &Setting) -> Result<Box<dyn Stage>, String> {
    let options = knative::Options::service(port()?, setting.patience());
    let front = knative::Pod::spawn(local(setting), options).map_err(words)?;
    front.ready()?;
    let send = |front: &knative::Pod, call: &Call| of_answer(front.call(&request(call)));
    Ok(Box::new(Serving { front, send, process: |front, look| look(front.process()), breaches: |_| Vec::new() }))
}

/// Starts a runtime as OpenFaaS' function, without a watchdog of theirs.
pub(super) fn openfaas(setting: &Setting) -> Result<Box<dyn Stage>, String> {
    let options = openfaas::Options {
        name: setting.name.clone(),
        port: port()?,
        patience: setting.patience(),
        ..openfaas::Options::default()
    };
    let mut command = local(setting);
    // One port for metrics would do for one function only.
    command.env("FAAS_METRICS_PORT", "0");
    let front = openfaas::Pod::spawn(command, options).map_err(words)?;
    front.wait_until_healthy()?;
    let send = |front: &openfaas::Pod, call: &Call| {
        let Request { method, target, headers, body } = request(call);
        let sent =
            openfaas::Call { headers, body, id: call.request_id.clone(), ..openfaas::Call::new(&method, &target) };
        of_answer(front.call(&sent))
    };
    Ok(Box::new(Serving {
        front,
        send,
        process: |front, look| look(front.process()),
        breaches: openfaas::Pod::violations,
    }))
}

/// Starts a runtime as a veFaaS instance.
pub(super) fn vefaas(setting: &Setting) -> Result<Box<dyn Stage>, String> {
    let options = vefaas::Options { port: port()?, timeout: None, patience: setting.patience() };
    let front = vefaas::Vefaas::spawn(local(setting), options).map_err(words)?;
    front.dial()?;
    let send = |front: &vefaas::Vefaas, call: &Call| {
        let Request { method, target, headers, body } = request(call);
        let is_event = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("ce-specversion"));
        let sent = if is_event {
            vefaas::Request::event(&borrowed(&headers), body)
        } else {
            vefaas::Request::http(&method, &target, &borrowed(&headers), body)
        };
        of_answer(front.invoke(&vefaas::Request { id: call.request_id.clone(), ..sent }))
    };
    Ok(Box::new(Serving { front, send, process: |front, look| look(front.process()), breaches: |_| Vec::new() }))
}

/// Starts a runtime as an OpenWhisk action; a request is a web action's event.
pub(super) fn openwhisk(setting: &Setting) -> Result<Box<dyn Stage>, String> {
    let port = port()?;
    let options = openwhisk::Options { port, concurrent: true, patience: PATIENCE, ..openwhisk::Options::default() };
    let mut command = local(setting);
    command.env("PORT", port.to_string());
    let front = Invoker::spawn(command, options).map_err(words)?;
    let begun = front.init(&Init::default()).map_err(words)?;
    if begun.status != 200 {
        return Err(format!("/init: {}: {}\n{}", begun.status, begun.text(), front.process().output()));
    }
    let send = |front: &Invoker, call: &Call| {
        let (value, is_request) = match &call.input {
            CallInput::Event(bytes) => (String::from_utf8_lossy(bytes).into_owned(), false),
            CallInput::Request(ClientRequest { method, target, headers, body }) => {
                (web_action(method, target, headers, body), true)
            }
        };
        let activation = Activation { id: call.request_id.clone(), ..Activation::of(&value) };
        match front.run(&activation) {
            Outcome::Success(result) if is_request => of_web_action(&result),
            Outcome::Success(result) => {
                Reply { status: 200, body: result.to_string().into_bytes(), ..Reply::default() }
            }
            Outcome::ApplicationError(error) => Reply::failed(502, error.to_string()),
            other => Reply::failed(502, format!("{other:?}")),
        }
    };
    Ok(Box::new(Serving { front, send, process: |front, look| look(front.process()), breaches: Invoker::violations }))
}

fn web_action(method: &str, target: &str, headers: &Headers, body: &[u8]) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: Map<String, Value> =
        headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), json!(value))).collect();
    let body = String::from_utf8_lossy(body);
    json!({
        "__ow_method": method.to_ascii_lowercase(), "__ow_path": path, "__ow_query": query, "__ow_headers": headers,
        "__ow_body": body,
    })
    .to_string()
}

fn of_web_action(result: &Value) -> Reply {
    let status = result["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let headers = result["headers"].as_object();
    let headers = headers.into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect();
    let body = if result["body"].is_null() { Vec::new() } else { text(&result["body"]).into_bytes() };
    Reply { status, headers, body, ..Reply::default() }
}

/// An agent with its container, and the folder that they share.
struct Fn {
    agent: Mutex<Agent>,
    /// The agent's container. A call holds the agent for as long as it runs.
    process: Arc<Process>,
    _folder: Scratch,
}

/// Starts a runtime as a function's container of Fn's agent; calls come one by one.
pub(super) fn fn_project(setting: &Setting) -> Result<Box<dyn Stage>, String> {
    let folder = Scratch::make("faas-fn-").map_err(words)?;
    let options = fn_project::Options {
        start_limit: PATIENCE,
        patience: setting.patience(),
        ..fn_project::Options::in_folder(folder.path().to_owned())
    };
    let mut agent = Agent::spawn(setting.command(), options).map_err(words)?;
    agent.connect()?;
    let process = agent.process().clone();
    let front = Fn { agent: Mutex::new(agent), process, _folder: folder };
    let send = |front: &Fn, call: &Call| {
        let made = match &call.input {
            CallInput::Event(bytes) => fn_project::Call::plain(bytes.clone()),
            CallInput::Request(ClientRequest { method, target, headers, body }) => {
                fn_project::Call::request(method, target, &borrowed(headers), body.clone())
            }
        };
        let made = fn_project::Call { id: call.request_id.clone(), deadline: call.deadline.or(made.deadline), ..made };
        let outcome = front.agent.lock().unwrap_or_else(PoisonError::into_inner).call(&made);
        match outcome {
            fn_project::Outcome::Success(answer) => of_answer(Ok(answer)),
            fn_project::Outcome::Failed(why) => Reply::failed(502, why),
            fn_project::Outcome::TimedOut(why) => Reply::failed(504, why),
            other => Reply::failed(502, format!("{other:?}")),
        }
    };
    let process = |front: &Fn, look: &mut dyn FnMut(&Process)| look(&front.process);
    let breaches = |front: &Fn| front.agent.lock().unwrap_or_else(PoisonError::into_inner).violations();
    Ok(Box::new(Serving { front, send, process, breaches }))
}

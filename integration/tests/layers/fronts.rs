//! A client's request through the front of each platform, and the client's answer.

use integration::artifacts::Runtime;
pub(crate) use integration::client::Reply;
use integration::deployment::Deployment;
use integration::inspected::decode_base64;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use integration::wait::limit;
use platform_emulators::aliyun_fc::{self, Fc};
use platform_emulators::azure_functions::{self, Ended, Host, Mode};
use platform_emulators::google_cloud::{self, Instance};
use platform_emulators::ports::free_port;
use platform_emulators::process::Process;
use platform_emulators::{aws_lambda, cloudevents};
use serde_json::{Map, Value, json};
use std::process::Command;
use std::sync::Arc;

/// A platform with a front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Platform {
    Aws,
    Fc,
    Google,
    Azure,
    Http,
}

pub(crate) const ALL: [Platform; 5] = [Platform::Http, Platform::Aws, Platform::Fc, Platform::Google, Platform::Azure];

/// A process on one of them.
pub(crate) struct Front {
    pub(crate) door: Door,
    /// The folder of the function, for as long as it runs.
    _deployment: Option<Deployment>,
}

/// The front between a client and the process.
pub(crate) enum Door {
    Aws(OnAws),
    Fc(Box<Fc>),
    Google(Instance),
    /// The host, with the function's name, which it calls.
    Azure(Host, String),
    Http(OnHttp),
}

/// The way to look at a process, which on Azure may have been started anew.
pub(crate) enum View<'a> {
    Lent(&'a Process),
    Shared(Arc<Process>),
}

impl std::ops::Deref for View<'_> {
    type Target = Process;

    fn deref(&self) -> &Process {
        match self {
            View::Lent(process) => process,
            View::Shared(process) => process,
        }
    }
}

impl Front {
    /// Starts a function and waits until it can be called.
    pub(crate) fn start(platform: Platform, runtime: &Runtime, deployment: Deployment, handler: &str) -> Front {
        let (door, deployment) = match platform {
            Platform::Http => (Door::Http(OnHttp::start(runtime, deployment, handler)), None),
            Platform::Aws => {
                (Door::Aws(OnAws::launch(runtime, deployment, handler, aws_lambda::Options::default()).polling()), None)
            }
            Platform::Fc => {
                let (code, handler) = (deployment.root().to_owned(), handler.to_owned());
                let options = aliyun_fc::Options {
                    port: free_port(),
                    code,
                    handler,
                    patience: limit(),
                    ..aliyun_fc::Options::default()
                };
                let fc = Fc::spawn(deployment.command(runtime), options).expect("the runtime starts");
                fc.dial().unwrap_or_else(|why| panic!("{why}"));
                (Door::Fc(Box::new(fc)), Some(deployment))
            }
            Platform::Google => {
                let deployment = deployment.env("FAAS_HANDLER", handler);
                let options = google_cloud::Options::service(free_port(), limit());
                let instance = Instance::spawn(deployment.command(runtime), options).expect("the runtime starts");
                instance.listens().unwrap_or_else(|why| panic!("{why}"));
                (Door::Google(instance), Some(deployment))
            }
            Platform::Azure => {
                let deployment = deployment.env("FAAS_HANDLER", handler);
                let app_root = deployment.root().to_owned();
                let options = azure_functions::Options {
                    port: free_port(),
                    is_old: false,
                    app_root,
                    mode: Mode::Envelope,
                    patience: limit(),
                };
                let (program, variables) = (runtime.path.clone(), deployment.variables());
                let make = move || {
                    let mut command = Command::new(&program);
                    command.envs(variables.iter().cloned()).current_dir("/");
                    command
                };
                let host = Host::spawn(make, options).expect("the runtime starts");
                host.ready().unwrap_or_else(|why| panic!("{why}"));
                (Door::Azure(host, handler.to_owned()), Some(deployment))
            }
        };
        Front { door, _deployment: deployment }
    }

    pub(crate) fn process(&self) -> View<'_> {
        match &self.door {
            Door::Aws(run) => View::Lent(&run.process),
            Door::Fc(fc) => View::Lent(fc.process()),
            Door::Google(instance) => View::Lent(instance.process()),
            Door::Azure(host, _) => View::Shared(host.process()),
            Door::Http(run) => View::Lent(&run.process),
        }
    }

    /// Returns all that it has written.
    pub(crate) fn output(&self) -> String {
        self.process().output()
    }

    /// Waits until it has written a line with all of these words, and returns it from its first brace on.
    pub(crate) fn said(&self, words: &[&str]) -> String {
        let has_all = |line: &str| words.iter().all(|word| line.contains(word));
        let line = self.process().wait_for_line(has_all, limit());
        let line = line.unwrap_or_else(|late| panic!("{words:?}: {late}; output:\n{}", self.output()));
        line.find('{').map_or(line.clone(), |at| line[at..].to_owned())
    }

    pub(crate) fn get(&self, target: &str, headers: &[(&str, &str)]) -> Reply {
        self.call("GET", target, headers, b"")
    }

    /// Sends a request and waits for the client's answer.
    pub(crate) fn call(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        match &self.door {
            Door::Http(run) => {
                let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                let mut client = run.client();
                let reply = client.call(method, target, &headers, body);
                reply.unwrap_or_else(|error| panic!("{method} {target}: {error}; output:\n{}", self.output()))
            }
            Door::Aws(run) => {
                let answer = run.aws.invoke(&*gateway_event(method, target, headers, body));
                match answer.kind {
                    aws_lambda::Kind::Response | aws_lambda::Kind::Stream if answer.error_type.is_none() => {
                        gateway_reply(&answer.body)
                    }
                    // An API gateway makes this of a failed function.
                    _ => reply(502, Vec::new(), answer.body.to_vec()),
                }
            }
            Door::Fc(fc) => {
                let request = aliyun_fc::Request::new(method, target).body(body);
                let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
                let response = fc.request(&request);
                reply(response.status, response.headers.clone(), response.body())
            }
            Door::Google(instance) => {
                let answer = instance.call(&cloudevents::Request::new(method, target, headers, body));
                answer.unwrap_or_else(|error| panic!("{error}; output:\n{}", self.output()))
            }
            Door::Azure(host, name) => {
                let call =
                    azure_functions::Call::http(name, azure_functions::Request::new(method, target, headers, body));
                match host.call(&call).unwrap_or_else(|error| panic!("{error}; output:\n{}", self.output())) {
                    Ended::Done(done) => {
                        let done = done.reply.expect("a reply");
                        reply(done.status, done.headers, done.body)
                    }
                    Ended::Failed(why) => reply(500, Vec::new(), why.into_bytes()),
                    Ended::Hung => panic!("it hangs; output:\n{}", self.output()),
                }
            }
        }
    }
}

/// Returns the event that API Gateway makes of a request, in version 2.0 of its payloads.
pub(crate) fn gateway_event(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: Map<String, Value> =
        headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), json!(value))).collect();
    let http =
        json!({"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"});
    let context = json!({"http": http, "requestId": "gateway-1", "stage": "$default", "apiId": "a", "accountId": "1",
        "domainName": "a.execute-api.eu-west-1.amazonaws.com", "time": "02/Jan/2026:03:04:05 +0000", "timeEpoch": 1});
    json!({"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": headers,
        "requestContext": context, "body": String::from_utf8_lossy(body), "isBase64Encoded": false})
    .to_string()
}

/// Returns the reply that a client of the gateway gets for the function's answer: an object, or the head of a stream
/// with its body behind it.
fn gateway_reply(answer: &[u8]) -> Reply {
    let apart = answer.windows(8).position(|bytes| bytes == [0; 8]);
    let head: Value = serde_json::from_slice(&answer[..apart.unwrap_or(answer.len())]).expect("JSON");
    let text = head["body"].as_str().unwrap_or_default();
    let body = match apart {
        Some(end) => answer[end + 8..].to_vec(),
        None if head["isBase64Encoded"] == true => decode_base64(text),
        None => text.as_bytes().to_vec(),
    };
    let headers = head["headers"].as_object().into_iter().flatten();
    let headers = headers.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
    let status = head["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok()).expect("a status");
    reply(status, headers.collect(), body)
}

/// Makes a reply on a connection that stays open.
fn reply(status: u16, headers: Vec<(String, String)>, body: Vec<u8>) -> Reply {
    Reply { status, headers, body, closes: false }
}

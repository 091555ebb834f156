//! One service, deployed together and apart: only its yml differs, and every request and event has the same answer, on
//! a platform that is asked for its events, on one that is sent requests, and on Azure.

use super::same_bytes::hash;
use crate::aliyun_fc::run::OnFc;
use crate::azure_functions::run::OnAzure;
use crate::rig::{Answer, Platform, View};
use integration::artifacts::{self, Runtime};
use integration::deployment::Deployment;
use integration::faulty;
use integration::inspected::Inspected;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use integration::wait::limit;
use platform_emulators::aliyun_fc::Options as FcOptions;
use platform_emulators::aws_lambda::Options;
use platform_emulators::azure_functions::Mode;
use serde_json::{Value, json};
use serverless_spec::variables::Files;
use serverless_spec::{Input, Read, Spec};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

integration::both![
    on_aws_a_service_answers_the_same_together_and_apart,
    over_http_a_service_answers_the_same_together_and_apart,
    on_azure_a_service_answers_the_same_together_and_apart,
    a_manifest_of_another_yml_than_the_one_beside_it_is_refused,
    on_fc_the_service_of_the_page_about_midway_answers,
];

/// The functions: plain ones, ones that wait, and one in C, of five libraries.
const YML: &str = "service: shop
custom: {base: ''}
provider: {timeout: 20}
functions:
  order: {handler: everyday.order, events: [{http: {path: '${self:custom.base}/orders', method: post}}]}
  item: {handler: everyday.item, events: [{http: {path: '${self:custom.base}/shops/:shop/items/:id', method: get}}]}
  sign-up: {handler: everyday.sign_up, events: [{http: {path: '${self:custom.base}/sign-up', method: [get, post]}}]}
  me: {handler: everyday.me, environment: {USERS_WORD: open}, events: [{http: {path: '${self:custom.base}/me'}}]}
  look:
    handler: inspect
    config: {word: of look}
    environment: {INSPECT_WORD: a variable of look}
    events:
      - http: {path: '${self:custom.base}/look/*'}
      - timer: {name: nightly, cron: 0 2 * * *}
  seen:
    handler: inspect
    config: {word: of seen}
    events:
      - http: {path: '${self:custom.base}/look/seen', method: get}
      - queue: {source: paid}
  bytes: {handler: echo-c, events: [{queue: {source: raw}}]}
  rest: {handler: hello, events: [{http: {path: '${self:custom.base}/*', method: get}}]}
  hangs: {handler: faulty, timeout: 1, concurrency: 1, fence: false, events: [{http: {path: '${self:custom.base}/hangs', method: post}}]}
platforms:
  azure-functions: {custom: {base: /api}}
";
const TOGETHER: &str = "aggregation:\n  all: {functionsPattern: '*'}\n";
const IN_TWO: &str = "aggregation:\n  pages: {functionsPattern: ['*', '!look', '!bytes', '!hangs']}\n  work: {functions: [bytes, look]}\n";

/// The requests, each with the function that serves it in any deployment; its method, path and body.
const REQUESTS: &[(&str, &str, &str, &str)] = &[
    ("order", "POST", "/orders", r#"{"item":"coffee","count":2}"#),
    ("order", "POST", "/orders", r#"{"item":"coffee","count":0}"#),
    ("order", "POST", "/orders", r#"{"item":"tea","count":2}"#),
    ("order", "POST", "/orders", r#"{"item":"tea"}"#),
    ("order", "POST", "/orders", r#"{"item":"coffee","count":"two"}"#),
    ("order", "POST", "/orders", "{"),
    ("order", "POST", "/orders/", r#"{"item":"coffee","count":1}"#),
    ("rest", "GET", "/orders", ""),
    ("rest", "HEAD", "/orders", ""),
    ("item", "GET", "/shops/a/items/1", ""),
    ("item", "GET", "/shops/a/items/1/", ""),
    ("item", "HEAD", "/shops/a/items/1", ""),
    ("item", "GET", "/shops/b/items/999", ""),
    ("item", "GET", "/shops/b/items/1000", ""),
    ("item", "GET", "/shops/b/items/one", ""),
    ("item", "GET", "/shops/b/items/-1", ""),
    ("item", "GET", "/shops/gr\u{fc}n/items/3", ""),
    ("rest", "GET", "/shops/b/items", ""),
    ("rest", "GET", "/shops/b/items/1/more", ""),
    ("rest", "GET", "/shops", ""),
    ("sign-up", "GET", "/sign-up", ""),
    ("sign-up", "POST", "/sign-up", r#"{"name":"Ann"}"#),
    ("sign-up", "HEAD", "/sign-up", ""),
    ("me", "GET", "/me", ""),
    ("me", "POST", "/me", "{}"),
    ("me", "PUT", "/me", "{}"),
    ("me", "DELETE", "/me", ""),
    ("look", "GET", "/look/a", ""),
    ("look", "GET", "/look/a/b/c", ""),
    ("look", "POST", "/look/seen", "{}"),
    ("look", "PUT", "/look/seen/", "{}"),
    ("look", "DELETE", "/look/seen/more", ""),
    ("seen", "GET", "/look/seen", ""),
    // It takes any method, and the other function only requests for a page.
    ("look", "HEAD", "/look/seen", ""),
    ("rest", "GET", "/", ""),
    ("rest", "GET", "/nowhere", ""),
    ("rest", "GET", "/look-at", ""),
    ("rest", "GET", "/hangs", ""),
    ("rest", "GET", "/me/more", ""),
    ("hangs", "POST", "/hangs", r#"{"do":"fine"}"#),
    ("hangs", "POST", "/hangs", r#"{"do":"error"}"#),
    ("hangs", "POST", "/hangs", r#"{"do":"panic"}"#),
];

/// A platform: its name in ymls, the text before each path there, and its events, each with its function.
struct Where {
    name: &'static str,
    base: &'static str,
    events: &'static [(&'static str, &'static str)],
    /// `true` if a process lives on when a function hangs.
    goes_on: bool,
}

#[derive(Debug)]
struct NoFiles;

impl Files for NoFiles {
    fn read(&self, path: &str) -> Result<String, String> {
        Err(format!("{path} is not there"))
    }
}

/// Reads a yml that stands by itself, for a platform.
pub(crate) fn reading(yml: &str, platform: &str) -> Read {
    let nothing = BTreeMap::new();
    serverless_spec::read(&Input {
        name: "serverless.yml",
        text: yml.as_bytes(),
        environment: &nothing,
        options: &nothing,
        stage: None,
        platform: Some(platform),
        files: &NoFiles,
    })
}

pub(super) fn read(yml: &str, platform: &str) -> Spec {
    let read = reading(yml, platform);
    read.spec.unwrap_or_else(|| panic!("{:?}", read.diagnostics))
}

/// Returns the deployments of a yml, each with the functions that are in it.
fn deployments(yml: &str, platform: &str) -> Vec<(Vec<String>, Deployment)> {
    let spec = read(yml, platform);
    let deploy = |unit: &serverless_spec::units::Unit| {
        let functions = || unit.members.iter().map(|number| &spec.service.functions[*number]);
        let libraries: BTreeSet<&str> =
            functions().map(|function| function.handler.split('.').next().unwrap_or_default()).collect();
        let manifest = spec.manifest(unit).expect("a manifest can be written");
        let deployment = libraries.into_iter().fold(Deployment::empty(), Deployment::module).manifest(&manifest);
        std::fs::write(deployment.path("serverless.yml"), yml).expect("the yml is written");
        (functions().map(|function| function.name.clone()).collect(), deployment)
    };
    spec.units.iter().map(deploy).collect()
}

/// Returns the parts of an answer that a caller sees and that do not change from call to call.
fn told(answer: Answer) -> Value {
    match answer {
        // The members behind the message are the invocation's own.
        Answer::Failed(words) => json!({"failed": words.split(r#","requestId""#).next()}),
        Answer::Reply { status, headers, body } => {
            let headers: BTreeMap<String, String> = headers
                .into_iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value))
                .filter(|(name, _)| ["content-type", "location", "allow"].contains(&name.as_str()))
                .collect();
            let mut body: Value =
                serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into());
            if body.get("event_base64").is_some() {
                let seen = Inspected(body);
                body = json!({
                    "function": seen.text("function"), "trigger": seen.text("trigger"), "word": seen.0["word"],
                    "variable": seen.0["variable"], "params": seen.0["http"]["path_params"],
                });
            }
            if let Some(object) = body.as_object_mut() {
                object.remove("requestId");
                object.remove("cold_start");
            }
            json!({"status": status, "headers": headers, "body": body})
        }
    }
}

/// Returns the libraries of a deployment: the files themselves, that links in it lead to.
fn libraries(deployment: &Deployment) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(deployment.root()).expect("the deployment is there");
    let paths = entries.map(|entry| entry.expect("an entry can be read").path());
    let libraries = paths.filter(|path| path.extension().is_some_and(|extension| extension == "so"));
    libraries.map(|path| path.canonicalize().expect("the library is there")).collect()
}

/// Checks by the kernel that a process runs these files, and not copies of them.
fn assert_mapped(platform: &impl Platform, libraries: &[PathBuf]) {
    let pid = match platform.view() {
        View::Held(process) => process.pid(),
        View::Shared(process) => process.pid(),
        View::Log(log) => panic!("there is no process: {log}"),
    };
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("the process is there");
    for library in libraries {
        let library = library.display().to_string();
        assert!(maps.lines().any(|line| line.ends_with(&library)), "{library} is not among:\n{maps}");
    }
}

/// The result of a service in one arrangement.
struct Served {
    /// The answers to each request and event.
    answers: Vec<(String, Value)>,
    /// The libraries that its processes ran, each with its SHA-256 after all of that.
    libraries: BTreeMap<PathBuf, String>,
}

/// Returns the answers of the service to all requests and events, as its yml deploys it.
fn serve<P: Platform>(yml: &str, place: &Where, start: impl Fn(Deployment) -> P) -> Served {
    let mut running: Vec<(Vec<String>, P, Vec<PathBuf>)> = Vec::new();
    let mut all = BTreeSet::new();
    for (functions, deployment) in deployments(yml, place.name) {
        let own = libraries(&deployment);
        all.extend(own.clone());
        running.push((functions, start(deployment), own));
    }
    let hashes = || all.iter().map(|library| (library.clone(), hash(library))).collect::<BTreeMap<_, _>>();
    let before = hashes();
    let mut answers = Vec::new();
    let mut ask = |function: &str, what: String, call: &mut dyn FnMut(&mut P) -> Answer| {
        let home = running.iter_mut().find(|(functions, ..)| functions.iter().any(|name| name == function));
        let (_, platform, own) = home.expect("it is deployed");
        let answer = call(platform);
        // A function that has answered has started; one that hangs may leave.
        if function != "hangs" {
            assert_mapped(platform, own);
        }
        answers.push((what, told(answer)));
    };
    for (function, method, path, body) in REQUESTS {
        let path = format!("{}{path}", place.base);
        let what = format!("{method} {path} {body}, of {function}");
        ask(function, what, &mut |platform| platform.request(method, &path, body));
    }
    for (function, event) in place.events {
        ask(function, format!("{event}, of {function}"), &mut |platform| platform.event(function, event));
    }
    let hangs = format!("{}/hangs", place.base);
    ask("hangs", "its own limit of time".to_owned(), &mut |platform| {
        let late = platform.request("POST", &hangs, faulty::HANG);
        assert!(late.is_failure("TimedOut"), "{late:?}");
        late
    });
    if place.goes_on {
        ask("hangs", "its own limit of concurrency".to_owned(), &mut |platform| {
            let busy = platform.request("POST", &hangs, "{}");
            assert!(busy.is_reply(429, "Runtime.FunctionBusy"), "{busy:?}");
            busy
        });
        let page = format!("{}/look/seen", place.base);
        ask("seen", "while another one hangs".to_owned(), &mut |platform| platform.request("GET", &page, ""));
    }
    let libraries = hashes();
    assert_eq!(libraries, before, "a library has changed");
    Served { answers, libraries }
}

/// Combines, splits, combines otherwise, and combines again.
fn behave<P: Platform>(place: &Where, start: impl Fn(Deployment) -> P) {
    let together = format!("{YML}{TOGETHER}");
    let Served { answers: first, libraries } = serve(&together, place, &start);
    assert_eq!(libraries.len(), 5, "{libraries:?}");
    for (what, answer) in &first {
        if let Some((_, function)) = what.rsplit_once("of ")
            && answer["body"].get("function").is_some()
        {
            assert_eq!(answer["body"]["function"], function, "{what}");
        }
    }
    let refusals = first.iter().filter(|(_, answer)| answer["status"] == 404 || answer["status"] == 405).count();
    assert!(refusals <= 1, "each has an owner; only one item is none: {first:#?}");
    for yml in [YML, &format!("{YML}{IN_TWO}"), &together] {
        let now = serve(yml, place, &start);
        let arrangement = yml.strip_prefix(YML).unwrap_or_default();
        assert_eq!(now.answers.len(), first.len(), "{arrangement}");
        for (before, now) in first.iter().zip(&now.answers) {
            assert_eq!(before, now, "{arrangement}");
        }
        // Combined or split, the processes ran the same bytes.
        assert_eq!(now.libraries, libraries, "{arrangement}");
    }
}

fn on_aws_a_service_answers_the_same_together_and_apart(runtime: &Runtime) {
    const TIMER: &str =
        r#"{"source":"aws.events","detail-type":"Scheduled Event","resources":["arn:aws:events:r:1:rule/nightly"]}"#;
    const PAID: &str =
        r#"{"Records":[{"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:paid","messageId":"m"}]}"#;
    const RAW: &str =
        r#"{"Records":[{"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:raw","messageId":"m"}]}"#;
    let place = Where {
        name: "aws-lambda",
        base: "",
        events: &[("look", TIMER), ("seen", PAID), ("bytes", RAW)],
        goes_on: false,
    };
    behave(&place, |deployment| OnAws::launch(runtime, deployment, "", Options::default()).polling());
}

fn over_http_a_service_answers_the_same_together_and_apart(runtime: &Runtime) {
    let place = Where { name: "http", base: "", events: &[], goes_on: true };
    behave(&place, |deployment| OnHttp::start(runtime, deployment, ""));
}

fn on_azure_a_service_answers_the_same_together_and_apart(runtime: &Runtime) {
    let place = Where {
        name: "azure-functions",
        base: "/api",
        events: &[("look", "timer"), ("seen", "red"), ("bytes", "green")],
        goes_on: true,
    };
    behave(&place, |deployment| OnAzure::start(runtime, deployment, "", Mode::Envelope));
}

fn a_manifest_of_another_yml_than_the_one_beside_it_is_refused(runtime: &Runtime) {
    let yml = format!("{YML}{TOGETHER}");
    for (beside, code) in [(yml.clone(), 0), (format!("{yml}# edited\n"), 1)] {
        let (_, deployment) = deployments(&yml, "http").remove(0);
        std::fs::write(deployment.path("serverless.yml"), beside).expect("the yml is written");
        let run = OnHttp::launch(runtime, deployment, "");
        let run = if code == 0 { run.ready() } else { run };
        if code == 0 {
            assert_eq!(run.stop().code(), Some(0), "{}", run.process.output());
            continue;
        }
        assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process.output());
        let line = run.process.lines().into_iter().map(|line| line.text).find(|line| line.contains(" ERROR "));
        let line = line.unwrap_or_else(|| panic!("no line says why:\n{}", run.process.output()));
        let words = ["Runtime.BadManifest", "another serverless.yml than the one beside it", "make it anew"];
        assert!(words.iter().all(|word| line.contains(word)), "{line}");
    }
}

fn on_fc_the_service_of_the_page_about_midway_answers(runtime: &Runtime) {
    let page = std::fs::read_to_string(artifacts::workspace().join("docs/from-midway.md")).expect("the page is there");
    let (_, yml) = page.split_once("```yaml\n").expect("it shows a yml");
    let (yml, _) = yml.split_once("```").expect("the yml ends");
    let mut running: BTreeMap<String, OnFc> = BTreeMap::new();
    for (functions, deployment) in deployments(yml, "aliyun-fc") {
        running.insert(functions.join(" "), OnFc::named(runtime, deployment, "", FcOptions::default()));
    }
    let pages = running.get_mut("welcome item").expect("it is a unit");
    assert!(pages.request("GET", "/welcome", "").is_reply(200, "<h1>Welcome</h1>"));
    assert!(pages.request("GET", "/shops/tea/items/7", "").is_reply(200, r#""id":7"#));
    let timer = r#"{"triggerTime":"2026-01-02T04:00:00Z","triggerName":"tidy-timer","payload":""}"#;
    assert!(running.get_mut("tidy").expect("it is by itself").event("tidy", timer).is_reply(200, "true"));
}

//! The part of the console for programs: `cargo faas invoke` asks it by JSON.
//!
//! `{"sample":"aws/sqs"}`, `{"event":"…","platform":"aws"}` or
//! `{"request":{"method":"GET","target":"/","headers":[["a","b"]], "body":"…"}}`, and beside an event `function` and
//! the faults that are to happen: `deadlineMs`, `freezeMs`, `sigterm`, `duplicate`, `retry`, `throttle`. Without any of
//! the three it is the event or request that the function is written for. `function` is what `invoke --function` takes:
//! a deployment, a function or `library.function`. The answer is `{"invocations":[…]}`, each as at
//! `/_faas/api/invocations/<number>`.

use super::super::app::{App, Trouble, Wanted, timer_platform};
use super::super::record::Record;
use super::super::tee::Out;
use super::{Instead, json, send};
use crate::events::request_of;
use crate::project::deployment::DeployedFunction;
use crate::stage::{self, CallInput, ClientRequest};
use crate::wanted;
use handlers_sdk::testing::samples;
use hyper::Response;
use serde::Deserialize;
use serde_json::json as object;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    sample: Option<String>,
    event: Option<String>,
    platform: Option<String>,
    request: Option<AskedRequest>,
    function: Option<String>,
    deadline_ms: Option<u64>,
    freeze_ms: Option<u64>,
    sigterm: bool,
    duplicate: bool,
    retry: u32,
    throttle: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct AskedRequest {
    method: Option<String>,
    target: Option<String>,
    headers: Vec<(String, String)>,
    body: String,
}

/// Sends the requested event, and answers with its invocations.
pub(super) async fn invoke(app: &Arc<App>, body: &[u8]) -> Result<Response<Out>, Instead> {
    let asked: Asked = serde_json::from_slice(body).map_err(Instead::wrong)?;
    let numbers = if let Some(request) = asked.request {
        let method = request.method.unwrap_or_else(|| if request.body.is_empty() { "GET" } else { "POST" }.to_owned());
        let target = request.target.unwrap_or_else(|| "/".to_owned());
        let (headers, body) = (request.headers, request.body.into_bytes());
        vec![send::request(app, ClientRequest { method, target, headers, body }, None).await?]
    } else {
        event(app, asked).await?
    };
    told(app, &numbers).await;
    let records = numbers.iter().filter_map(|number| app.store.get(*number));
    Ok(json(&object!({"invocations": records.map(|record| record.whole()).collect::<Vec<_>>()})))
}

/// Waits for lines of the runtime, which may come a moment after its reply. With spans the last line of each invocation
/// is known, and is waited for, for 1 s at most. Without them the wait is 30 ms, which is as long as lines usually
/// take. Of a failed invocation the line with the place of its error is waited for, which not every failure has: for
/// 250 ms at most.
async fn told(app: &Arc<App>, numbers: &[u64]) {
    let has_spans = app.now().is_some_and(|now| now.deployment.has_spans);
    let began = Instant::now();
    let limit = |is_failed| match (is_failed, has_spans) {
        (true, _) => Duration::from_millis(250),
        (false, true) => Duration::from_secs(1),
        (false, false) => Duration::from_millis(30),
    };
    let is_told = |number: &u64| {
        let is_last = |record: Record| {
            let has_place = record.problem.as_ref().is_some_and(|problem| !problem.place.is_empty());
            let is_failed = record.is_failed();
            let is_known = if is_failed { has_place } else { record.spans.iter().any(|span| span.depth == 0) };
            is_known || began.elapsed() >= limit(is_failed)
        };
        app.store.get(*number).is_none_or(is_last)
    };
    while !numbers.iter().all(is_told) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn event(app: &Arc<App>, asked: Asked) -> Result<Vec<u64>, Instead> {
    let trouble = Trouble {
        deadline: asked.deadline_ms.map(Duration::from_millis),
        freeze: asked.freeze_ms.map(Duration::from_millis),
        sigterm: asked.sigterm,
        duplicate: asked.duplicate,
        retry: asked.retry,
        throttle: asked.throttle,
    };
    let (name, bytes, platform) = match (&asked.sample, &asked.event) {
        (None, None) => return own(app, &asked, trouble).await,
        (Some(name), event) => {
            let sample = samples().iter().find(|sample| sample.name() == name);
            let near = || {
                let words: Vec<&str> = name.split('/').collect();
                let is_near = |other: &&str| other.split('/').any(|part| words.contains(&part));
                let near: Vec<&str> = samples().iter().map(|sample| sample.name()).filter(is_near).collect();
                Instead::wrong(format!("there is no sample {name:?}; near are: {}", near.join(", ")))
            };
            let sample = sample.ok_or_else(near)?;
            if sample.is_request() {
                return Ok(vec![send::request(app, request_of(sample), None).await?]);
            }
            let bytes = event.clone().map_or_else(|| sample.bytes().to_vec(), String::into_bytes);
            (name.clone(), bytes, send::find_platform(sample.platform())?)
        }
        (None, Some(event)) => {
            let platform = match asked.platform.as_deref() {
                Some(word) => send::find_platform(word)?,
                None => timer_platform(&app.how),
            };
            ("by hand".to_owned(), event.clone().into_bytes(), platform)
        }
    };
    let Some(asked) = asked.function else {
        let wanted = Wanted { function: None, name, bytes, repeats: None, trouble };
        return app.send_event(platform, wanted).await.map_err(Instead::wrong);
    };
    let (unit, functions) = meant(app, Some(&asked)).await?;
    // Of a deployment of several the runtime decides which function serves it.
    let function = if let [only] = &functions[..] { Some(only.name.clone()) } else { None };
    let wanted = Wanted { function, name, bytes, repeats: None, trouble };
    app.send_event_to(Some(&unit), platform, wanted).await.map_err(Instead::wrong)
}

/// Returns the name of the unit that a name means, and the functions that are meant in it; without a name, all of the
/// first unit.
async fn meant(app: &Arc<App>, name: Option<&str>) -> Result<(String, Vec<DeployedFunction>), Instead> {
    let lease = app.lease(None).await.ok_or_else(|| Instead::wrong("no deployment is ready"))?;
    let deployment = &lease.deployment;
    let found = deployment.asked_for(name).and_then(|(unit, functions)| {
        let unit = deployment.units.get(unit)?;
        Some((unit.name.clone(), functions))
    });
    found.ok_or_else(|| Instead::no_function(name.unwrap_or_default(), deployment))
}

/// Sends the event or request that a function is written for, as `invoke` does to a runtime of its own. A request goes
/// through the front where that brings it to the function, and else as the event that API Gateway makes of it.
async fn own(app: &Arc<App>, asked: &Asked, trouble: Trouble) -> Result<Vec<u64>, Instead> {
    let aws = &stage::PLATFORMS[0];
    let (unit, functions) = meant(app, asked.function.as_deref()).await?;
    let lease = app.lease(None).await.ok_or_else(|| Instead::wrong("no deployment is ready"))?;
    let named = asked.platform.as_deref().map(send::find_platform).transpose()?;
    let platform = named.or(lease.stage_platform()).unwrap_or(aws);
    let made = wanted::on(platform, &functions);
    let (function, name) = (made.function, made.title);
    let (platform, bytes) = match made.input {
        CallInput::Event(bytes) => (platform, bytes),
        CallInput::Request(request) => {
            let is_sample = samples().iter().any(|sample| sample.name() == name);
            let routed = lease.deployment.route(&request.method, &request.target);
            let is_its = lease.deployment.units.get(routed).is_some_and(|routed| routed.name == unit)
                && lease.deployment.function_of(routed, &request.method, &request.target) == function;
            let is_here = named.is_none_or(|named| named.name == lease.platform());
            if is_here && (is_sample || is_its) && trouble == Trouble::default() {
                drop(lease);
                return Ok(vec![send::request(app, request, None).await?]);
            }
            if let Some(named) = named.filter(|named| named.name != aws.name) {
                let why = format!(
                    "{name} is a request, and dev serves it on {}: --alone starts a runtime on {} for it",
                    lease.platform(),
                    named.name
                );
                return Err(Instead::wrong(why));
            }
            (aws, wanted::on_aws(&functions).into_bytes())
        }
    };
    drop(lease);
    let wanted = Wanted { function, name, bytes, repeats: None, trouble };
    app.send_event_to(Some(&unit), platform, wanted).await.map_err(Instead::wrong)
}

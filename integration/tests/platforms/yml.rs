//! The full engine with the feature `yml`: `serverless.yml` beside the libraries does what the manifest made of it
//! does.

use super::combined::read;
use integration::artifacts::{self, Runtime};
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::on_http::OnHttp;
use serde_json::Value;

const YML: &str = "service: shop
custom: {base: /shop}
functions:
  look:
    handler: inspect
    config: {word: 'of ${stage}'}
    environment: {INSPECT_WORD: '${env:WORD, none} ${secret:pass}'}
    events: [{http: {path: '${self:custom.base}/look/:what', method: get}}]
  rest: {handler: hello, events: [{http: {path: '${self:custom.base}/*'}}]}
stages: {prod: {functions: {look: {config: {word: of production}}}}}
platforms: {http: {custom: {base: ''}}}
";
const TOGETHER: &str = "aggregation: {all: {functionsPattern: '*'}}\n";

fn with(yml: &str) -> Deployment {
    let deployment = Deployment::of("inspect").module("hello").env("PASS", "a secret").env("WORD", "a word");
    std::fs::write(deployment.path("serverless.yml"), yml).expect("it is written");
    deployment
}

/// Returns the answers that are the same however a service is deployed.
fn answers(run: &OnHttp) -> Vec<Value> {
    let mut answers = Vec::new();
    for (method, path) in
        [("GET", "/look/7"), ("POST", "/look/7"), ("GET", "/look"), ("PUT", "/else"), ("GET", "/shop/look/7")]
    {
        let reply = run.call(method, path, "", b"");
        let mut body = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        if body.get("event_base64").is_some() {
            let seen = Inspected(body);
            body = serde_json::json!({
                "function": seen.text("function"), "word": seen.0["word"], "variable": seen.0["variable"],
                "params": seen.0["http"]["path_params"],
            });
        }
        if let Some(object) = body.as_object_mut() {
            object.remove("requestId");
            object.remove("cold_start");
        }
        answers.push(serde_json::json!({"status": reply.status, "body": body}));
    }
    answers
}

#[test]
fn a_yml_beside_the_libraries_does_what_its_manifest_does() {
    let yml = format!("{YML}{TOGETHER}");
    let spec = read(&yml.replace("${env:WORD, none}", "a word"), "http");
    let manifest = spec.manifest(&spec.units[0]).expect("a manifest can be written");
    let by_manifest = Deployment::of("inspect").module("hello").env("PASS", "a secret").manifest(&manifest);
    let by_manifest = answers(&OnHttp::start(artifacts::get().bootstrap(), by_manifest, ""));
    assert_eq!(by_manifest[0]["body"]["variable"], "a word a secret");
    assert_eq!(by_manifest[0]["body"]["word"], "of dev");
    assert_eq!(answers(&OnHttp::start(artifacts::bootstrap_with_yml(), with(&yml), "")), by_manifest);
}

#[test]
fn one_of_several_deployments_is_named_by_a_setting() {
    let runtime = artifacts::bootstrap_with_yml();
    let run = OnHttp::start(runtime, with(YML).env("FAAS_UNIT", "look").env("FAAS_STAGE", "prod"), "");
    let seen = Inspected::read(&run.get("/look/7").body);
    assert_eq!((seen.text("function"), seen.0["word"].as_str()), ("look", Some("of production")));
    assert_eq!(run.get("/else").status, 404, "another deployment has it");
    let found = refused(runtime, with(YML));
    assert!(found.ends_with("it makes 2 deployments: set FAAS_UNIT to the one of this process, look, rest"), "{found}");
    let found = refused(runtime, with(YML).env("FAAS_UNIT", "lock"));
    assert!(found.ends_with(r#"FAAS_UNIT: it makes no deployment "lock"; it makes look, rest"#), "{found}");
}

/// Starts the runtime on AWS Lambda and returns the message of its init error, which is that of a manifest.
fn refused(runtime: &Runtime, deployment: Deployment) -> String {
    let told = crate::secrets::refused(runtime, deployment);
    told.strip_prefix("Runtime.BadManifest: ").unwrap_or_else(|| panic!("{told}")).to_owned()
}

#[test]
fn what_is_wrong_with_a_yml_ends_the_start_with_its_lines() {
    let runtime = artifacts::bootstrap_with_yml();
    let found = refused(runtime, with(&YML.replace("handler: hello", "handlr: hello")));
    for words in
        ["serverless.yml: \n", "`handlr` is no key of a function", "--> serverless.yml:9:10", "did you mean `handler`?"]
    {
        assert!(found.contains(words), "{found}");
    }
    let two = with(YML);
    std::fs::write(two.path("f.yml"), YML).expect("it is written");
    assert!(refused(runtime, two).ends_with("there are serverless.yml and f.yml here: keep one of them"));
}

#[test]
fn a_manifest_beside_a_yml_counts() {
    let manifest = r#"{"version":1,"functions":[{"name":"hello","events":[{"http":{"path":"/only"}}]}]}"#;
    let run = OnHttp::start(artifacts::bootstrap_with_yml(), with("no yml at all: [").manifest(manifest), "");
    assert_eq!(run.get("/only").status, 200);
    assert_eq!(run.get("/look/7").status, 404);
}

#[test]
fn a_runtime_without_the_feature_says_so_of_a_yml_that_it_is_told_to_read() {
    for runtime in artifacts::get().both() {
        let deployment = with(YML);
        let path = deployment.path("serverless.yml").display().to_string();
        let found = refused(runtime, deployment.env("FAAS_MANIFEST", &path));
        assert!(found.contains("this program reads no yml; make a manifest of it by `cargo faas manifest`"), "{found}");
    }
    let deployment = with(&format!("{YML}{TOGETHER}"));
    let elsewhere = deployment.path("other.yml");
    std::fs::rename(deployment.path("serverless.yml"), &elsewhere).expect("it is there");
    let run = OnHttp::start(
        artifacts::bootstrap_with_yml(),
        deployment.env("FAAS_MANIFEST", &elsewhere.display().to_string()),
        "",
    );
    assert_eq!(run.get("/look/7").status, 200);
}

//! Secrets: a manifest names them, and each runtime puts their values in place when it starts. They come from the
//! environment, from mounted files, or from a layer that offers `faas.params`; the lines and replies of the process do
//! not show them.

use crate::openfaas::run::InPod;
use crate::openwhisk::run::Container;
use crate::rig::Platform;
use integration::artifacts::{Runtime, compile_c, workspace};
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use integration::wait::limit;
use platform_emulators::aws_lambda::{Kind, Options};
use platform_emulators::{openfaas, openwhisk};
use serde_json::{Value, json};
use std::path::PathBuf;

integration::both![
    secrets_come_from_the_environment_and_from_mounted_files,
    the_folder_of_secrets_is_the_platforms_where_nobody_says_otherwise,
    a_secret_is_asked_of_the_layer_that_offers_parameters,
    a_secret_may_come_with_the_start_that_the_platform_sends,
    a_secret_that_is_nowhere_ends_the_start_with_its_key_its_function_and_the_places,
    a_layer_of_the_process_has_its_secrets_before_any_layer_is_asked,
    a_manifest_that_names_no_possible_secret_is_refused,
    neither_lines_nor_replies_show_a_secret,
];

fn secretive() -> PathBuf {
    let source = workspace().join("integration/tests/c/secretive.c");
    compile_c(&source, "libsecretive.so", &["-fvisibility=hidden"]).unwrap_or_else(|why| panic!("{why}"))
}

/// Returns a folder in the task root that stands for a mounted one.
fn mounted(deployment: Deployment, files: &[(&str, &str)]) -> Deployment {
    let folder = deployment.path("mounted");
    for (name, value) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("it is made");
        std::fs::write(path, value).expect("it is written");
    }
    let folder = folder.display().to_string();
    deployment.env("FAAS_SECRETS", &format!("/nowhere:{folder}"))
}

fn manifest(function: &Value) -> String {
    json!({"version": 1, "functions": [function]}).to_string()
}

fn secrets_come_from_the_environment_and_from_mounted_files(runtime: &Runtime) {
    let deployment = Deployment::of("inspect").manifest(&manifest(&json!({
        "name": "inspect",
        "config": {"word": "${secret:db/user}:${secret:db/password}, not $${secret:this}"},
        "environment": {"INSPECT_WORD": "${secret:api-key}"},
    })));
    let files = [("db/password", "p\"a\\ss\n"), ("api-key", "of the file")];
    let deployment = mounted(deployment, &files).env("DB_USER", "me").env("API_KEY", "of the environment");
    let run = OnAws::launch(runtime, deployment, "", Options::default()).polling();
    let Inspected(seen) = run.inspect("{}");
    assert_eq!(seen["word"], "me:p\"a\\ss, not ${secret:this}");
    assert_eq!(seen["variable"], "of the environment");
    run.assert_clean();
}

fn the_folder_of_secrets_is_the_platforms_where_nobody_says_otherwise(runtime: &Runtime) {
    let function = json!({"name": "inspect", "config": "${secret:nobody-has-this}"});
    let deployment = || Deployment::of("inspect").manifest(&manifest(&function));
    let run = InPod::launch(runtime, deployment(), "", openfaas::Options::default());
    let place = "the file /var/openfaas/secrets/nobody-has-this";
    run.pod.process().wait_for_line(|line| line.contains(place), limit()).expect("the line names the place");
    let run = OnHttp::launch(runtime, deployment(), "");
    let place = "the file /run/secrets/nobody-has-this";
    run.process.wait_for_line(|line| line.contains(place), limit()).expect("the line names the place");
}

fn a_secret_is_asked_of_the_layer_that_offers_parameters(runtime: &Runtime) {
    let manifest = json!({
        "version": 1,
        "layers": ["secretive.params"],
        "functions": [
            {"name": "now", "handler": "inspect", "config": {"word": "${secret:asked/inline}"},
                "environment": {"INSPECT_WORD": "${secret:asked/later}"}, "events": [{"http": {"path": "/now"}}]},
            {"name": "late", "handler": "inspect", "start": "lazy", "config": {"word": "a ${secret:asked/later}"},
                "events": [{"http": {"path": "/late"}}]},
        ],
    });
    let deployment = Deployment::of("inspect").file("libsecretive.so", &secretive()).manifest(&manifest.to_string());
    let mut run = OnHttp::start(runtime, deployment, "");
    let mut seen = |path: &str| match run.request("GET", path, "") {
        crate::rig::Answer::Reply { status: 200, body, .. } => Inspected::read(&body).0,
        other => panic!("{other:?}"),
    };
    let now = seen("/now");
    assert_eq!((&now["word"], &now["variable"]), (&json!("asked-and-told"), &json!("told-by-a-thread")));
    assert_eq!(seen("/late")["word"], "a told-by-a-thread");
}

fn a_secret_may_come_with_the_start_that_the_platform_sends(runtime: &Runtime) {
    let deployment = Deployment::of("inspect").manifest(&manifest(&json!({
        "name": "inspect",
        "config": {"word": "${secret:api-key}"},
        "environment": {"INSPECT_WORD": "${secret:api-key}"},
    })));
    let run = Container::launch(runtime, deployment, "inspect", openwhisk::Options::default());
    let init = openwhisk::Init::default().env("API_KEY", "of the action");
    let answer = run.invoker.init(&init).unwrap_or_else(|error| panic!("{error}\n{}", run.output()));
    assert_eq!(answer.status, 200, "{}", run.output());
    let seen = run.result("{}");
    assert_eq!((&seen["word"], &seen["variable"]), (&json!("of the action"), &json!("of the action")), "{seen}");
}

/// Starts the runtime on AWS Lambda and returns the message of its init error, which stands in its log as well.
pub(crate) fn refused(runtime: &Runtime, deployment: Deployment) -> String {
    let run = OnAws::launch(runtime, deployment, "", Options::default());
    let answer = run.aws.invoke("{}");
    assert_eq!(answer.kind, Kind::InitError, "{}; output:\n{}", answer.text(), run.process.output());
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process.output());
    let told: Value = serde_json::from_slice(&answer.body).expect("the report is JSON");
    let message =
        format!("{}: {}", told["errorType"].as_str().unwrap_or("?"), told["errorMessage"].as_str().unwrap_or("?"));
    // A line of the log is one line.
    let line = told["errorMessage"].as_str().unwrap_or("?").replace('\n', "\\n");
    assert!(run.process.output().contains(&line), "{}", run.process.output());
    run.assert_clean();
    message
}

fn a_secret_that_is_nowhere_ends_the_start_with_its_key_its_function_and_the_places(runtime: &Runtime) {
    let function = json!({"name": "inspect", "environment": {"INSPECT_WORD": "${secret:db/word}"}});
    let deployment = mounted(Deployment::of("inspect").manifest(&manifest(&function)), &[("db", "a file")]);
    let folder = deployment.path("mounted").display().to_string();
    let found = refused(runtime, deployment);
    let expected = format!(
        "Runtime.NoSecret: function inspect, environment.INSPECT_WORD: there is no secret \"db/word\"; looked for it in: \
         the variable db/word, the variable DB_WORD, the file /nowhere/db/word, the file {folder}/db/word, the service \
         faas.params (no layer offers it)"
    );
    assert_eq!(found, expected);
}

fn a_layer_of_the_process_has_its_secrets_before_any_layer_is_asked(runtime: &Runtime) {
    let manifest =
        |layers: &Value| json!({"version": 1, "layers": layers, "functions": [{"name": "inspect"}]}).to_string();
    let params = json!({"name": "secretive.params", "config": {"key": "${secret:asked/inline}"}});
    let deployment =
        |layers: &Value| Deployment::of("inspect").file("libsecretive.so", &secretive()).manifest(&manifest(layers));
    let found = refused(runtime, deployment(&json!([params])));
    assert!(found.starts_with("Runtime.NoSecret: config of layer secretive.params: there is no secret"), "{found}");
    let run = OnHttp::start(runtime, deployment(&json!([params])).env("ASKED_INLINE", "there"), "");
    assert_eq!(run.stop().code(), Some(0), "{}", run.process.output());
}

fn a_manifest_that_names_no_possible_secret_is_refused(runtime: &Runtime) {
    let function = json!({"name": "inspect", "config": {"word": "${secret:../../etc/passwd}"}});
    let found = refused(runtime, Deployment::of("inspect").manifest(&manifest(&function)));
    assert!(
        found.starts_with("Runtime.BadManifest: ") && found.contains("function inspect, config: expected the name"),
        "{found}"
    );
}

fn neither_lines_nor_replies_show_a_secret(runtime: &Runtime) {
    const SECRETS: [&str; 2] = ["hunter2-of-\"the\"-file", "told-by-a-thread"];
    for (name, secret) in ["word", "asked/later"].into_iter().zip(SECRETS) {
        let manifest = json!({
            "version": 1,
            "layers": ["secretive.params"],
            "functions": [{"name": "tell", "handler": "secretive.tell", "environment": {"TELL": format!("${{secret:{name}}}")}}],
        });
        for format in ["text", "json"] {
            let deployment = Deployment::empty().file("libsecretive.so", &secretive()).manifest(&manifest.to_string());
            let deployment =
                mounted(deployment, &[("word", SECRETS[0])]).env("FAAS_DEBUG", "1").env("FAAS_LOG", "trace");
            let run =
                OnAws::launch(runtime, deployment.env("FAAS_LOG_FORMAT", format), "", Options::default()).polling();
            assert_eq!(run.call("{}").text(), secret.len().to_string(), "the function has it");
            let failed = run.aws.invoke("fail");
            assert_eq!(failed.kind, Kind::Error, "{}", failed.text());
            assert!(failed.text().contains("***"), "{}", failed.text());
            let parts = secret.split('"').filter(|part| part.len() > 3);
            for part in parts {
                assert!(!failed.text().contains(part), "{}", failed.text());
                assert!(!run.process.output().contains(part), "{}", run.process.output());
            }
            let lines = run.process.lines();
            let shown = lines.iter().filter(|line| line.text.contains("***")).count();
            assert!(shown >= 5, "a message and its field, twice, and a failure: {}", run.process.output());
            assert!(lines.iter().filter(|line| line.text == "***").count() == 2, "{}", run.process.output());
            run.assert_clean();
        }
    }
}

//! `layer-record` on each platform: its recordings can be read, and sent again.

use crate::fronts::{ALL, Front, Platform};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use platform_emulators::process::Signal;
use serde_json::Value;
use std::path::Path;

integration::both![a_failure_is_written_down_and_fails_again_when_it_is_sent_again];

fn recordings(folder: &Path) -> Vec<Value> {
    let files = std::fs::read_dir(folder).into_iter().flatten().map(|file| file.expect("a file").path());
    let mut files: Vec<_> = files.filter(|file| file.extension().is_some_and(|kind| kind == "json")).collect();
    files.sort();
    files
        .iter()
        .map(|file| serde_json::from_slice(&std::fs::read(file).expect("it is readable")).expect("JSON"))
        .collect()
}

fn a_failure_is_written_down_and_fails_again_when_it_is_sent_again(runtime: &Runtime) {
    for platform in ALL {
        let folder = tempfile::tempdir().expect("a folder");
        let config = serde_json::json!({"folder": folder.path(), "redactPatterns": ["sk_*"]}).to_string();
        let deployment = Deployment::of("faulty").layer("record").env("FAAS_LAYER_RECORD", &config);
        let front = Front::start(platform, runtime, deployment, "faulty");
        let headers = [("Authorization", "Bearer b"), ("X-Key", "sk_live_1"), ("Content-Type", "application/json")];
        front.call("POST", "/orders?do=panic&token=t", &headers, br#"{"password":"p"}"#);
        let there =
            integration::wait::until("it is written down", &front.process(), || recordings(folder.path()).pop());
        let recording = there.unwrap_or_else(|why| panic!("{platform:?}: {why}"));
        assert_eq!(
            (&recording["version"], &recording["trigger"]),
            (&1.into(), &"http".into()),
            "{platform:?}: {recording}"
        );
        assert_eq!(recording["failure"]["kind"], "Panic", "{platform:?}: {recording}");
        let text = recording.to_string();
        for secret in ["Bearer b", "sk_live_1", r#"password\":\"p"#, "token=t&", "=t\""] {
            assert!(!text.contains(secret), "{platform:?}: {secret} in {text}");
        }
        let again = |text: &Value| text.as_str().expect("a text").to_owned();
        match platform {
            Platform::Aws => {
                let event = recording["event"]["json"].to_string();
                let crate::fronts::Door::Aws(run) = &front.door else { unreachable!("it is on AWS") };
                let answer = run.aws.invoke(&*event);
                assert!(String::from_utf8_lossy(&answer.body).contains("asked for a panic"), "{event}");
            }
            Platform::Http | Platform::Google => {
                let http = &recording["http"];
                let reply =
                    front.call(&again(&http["method"]), &again(&http["target"]), &[], again(&http["text"]).as_bytes());
                assert_eq!(reply.status, 500, "{platform:?}: {recording}");
            }
            Platform::Fc | Platform::Azure => {}
        }
        if platform == Platform::Http {
            front.process().signal(Signal::Term).expect("the signal is sent");
            front.process().wait(integration::wait::limit()).expect("it ends");
            assert_eq!(recordings(folder.path()).len(), 2);
        }
    }
}

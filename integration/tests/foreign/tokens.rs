//! Keys and tokens that PyJWT and jwcrypto make, before the layer `auth` on every platform: valid ones are accepted,
//! and no forgery is.

use crate::fronts::{ALL, Front};
use crate::layers::python;
use crate::needs::{folder, over_both};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::path::Path;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    let name = "tokens_of_other_libraries_are_accepted_and_forged_ones_are_not";
    over_both(&mut trials, &folder("python-jwt"), name, tokens);
    trials
}

fn tokens(python_folder: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let made = python(python_folder, "tokens.py", &[], b"")?;
    let of = |issuer: &str| json!({"issuer": issuer, "audiences": ["shop"]});
    let (mut public, mut own) = (of("https://id.example"), of("own"));
    public["keys"] = made["keys"].clone();
    (own["secrets"], own["algorithms"]) = (json!([made["secret"]]), json!(["HS256", "HS384", "HS512"]));
    let config = json!({"jwt": {"issuers": [public, own]}}).to_string();
    let cases = made["cases"].as_array().ok_or("a list")?;
    for platform in ALL {
        let deployment = Deployment::of("whoami").layer("auth").env("FAAS_LAYER_AUTH", &config);
        let front = Front::start(platform, runtime, deployment, "whoami");
        let call = |token: &str| front.get("/", &[("Authorization", &format!("Bearer {token}"))]);
        let mut accepted = 0;
        for case in cases {
            let text = |name: &str| case[name].as_str().unwrap_or_default();
            let reply = call(text("token"));
            let told = format!("{platform:?}, {}: {} {}", text("name"), reply.status, reply.text());
            if case["accepted"] == Value::Bool(true) {
                assert_eq!(reply.text(), "ann of 7, by jwt", "{told}");
                accepted += 1;
            } else {
                // A server may not take a head as large as that in the first place; 0: it closes the connection.
                let is_huge = text("token").len() > 16 * 1024;
                assert!(reply.status == 401 || is_huge && [0, 431].contains(&reply.status), "{told}");
            }
        }
        assert!(accepted > 20 && cases.len() - accepted > 100, "{accepted} of {}", cases.len());
    }
    Ok(())
}

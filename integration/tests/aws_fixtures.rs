//! Every fixture event of `aws_lambda_events` and `lambda_http` through the function `inspect` in both runtimes,
//! compared with the golden files of the core's own test of the same name. A reading that is the same as the golden
//! file is the same in both.

#[path = "../fixtures/locate.rs"]
mod locate;

use integration::artifacts::{Runtime, workspace};
use integration::inspected::Inspected;
use integration::on_aws::OnAws;
use platform_emulators::aws_lambda::Options;
use serde_json::Value;

integration::both![every_fixture_event_reaches_the_function_as_its_golden_file_says];

fn every_fixture_event_reaches_the_function_as_its_golden_file_says(runtime: &Runtime) {
    let golden = workspace().join("integration/golden/aws");
    let run = OnAws::start(runtime, "inspect", Options::default());
    let mut wrong = Vec::new();
    for fixture in locate::all(&workspace().join("integration/fixtures")) {
        let file = golden.join(&fixture.name).with_extension("json");
        let golden = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let golden: Value = serde_json::from_slice(&golden).expect("a golden file is JSON");
        let answer = run.call(fixture.event.clone());
        let told = Inspected::read(&unwrapped(&golden["reply"], &answer.body));
        assert_eq!(told.event(), fixture.event, "{}: the event's own bytes", fixture.name);
        let same = told.0["trigger"] == golden["trigger"] && requests_agree(&told.0["http"], &golden["http"]);
        if !same {
            wrong.push(format!("{}\n  golden: {golden}\n  told: {}", fixture.name, told.0));
        }
    }
    assert!(wrong.is_empty(), "{} events were told otherwise:\n{}", wrong.len(), wrong.join("\n"));
    run.assert_clean();
}

/// Returns `true` if all that the function tells of the request stands in the golden file, which may hold more.
fn requests_agree(told: &Value, golden: &Value) -> bool {
    match (told, golden) {
        (Value::Object(told), Value::Object(golden)) => {
            !told.is_empty() && told.iter().all(|(name, value)| golden.get(name) == Some(value))
        }
        (told, golden) => told == golden,
    }
}

/// Returns the function's own words, taken out of the form in which they go back to the event's source.
fn unwrapped(form: &Value, reply: &[u8]) -> Vec<u8> {
    if form == "bare" {
        return reply.to_vec();
    }
    let reply: Value = serde_json::from_slice(reply).expect("a reply in a form is JSON");
    assert_eq!(reply["statusCode"], 200, "{reply}");
    assert_eq!(reply["isBase64Encoded"], false, "{reply}");
    let content_type = &reply["headers"]["content-type"];
    assert!(content_type.as_str().is_some_and(|text| text.starts_with("application/json")), "{reply}");
    let balancer = form == "alb" || form == "lattice";
    assert_eq!(reply["statusDescription"] == "200 OK", balancer, "{reply}");
    assert_eq!(reply["multiValueHeaders"].is_object(), form == "alb", "{reply}");
    reply["body"].as_str().expect("the body is text").as_bytes().to_vec()
}

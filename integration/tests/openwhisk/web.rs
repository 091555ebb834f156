//! Web actions: the function's view of a request, and the form of its reply.

use super::run::{Container, action};
use integration::artifacts::Runtime;
use integration::inspected::Inspected;
use platform_emulators::openwhisk::{Options, Outcome};
use serde_json::{Value, json};

integration::both![
    a_web_actions_reply_has_status_headers_and_body,
    bytes_go_back_in_base64_and_cookies_as_a_list,
    a_web_actions_own_shape_is_left_alone,
];

const WEB: &str =
    r#"{"__ow_method":"get","__ow_headers":{"host":"h.example"},"__ow_path":"","__ow_query":"","__ow_body":""}"#;

/// Returns the findings of `inspect`, from a bare result or out of a web action's body.
pub(crate) fn inspected(outcome: Outcome) -> Inspected {
    let Outcome::Success(result) = outcome else { panic!("{outcome:?}") };
    match result.get("statusCode") {
        None => Inspected(result),
        Some(status) => {
            assert_eq!((status, &result["headers"]["content-type"]), (&json!(200), &json!("application/json")));
            Inspected::read(result["body"].as_str().expect("a text").as_bytes())
        }
    }
}

fn a_web_actions_reply_has_status_headers_and_body(runtime: &Runtime) {
    let run = Container::of(runtime, "hello");
    let ask = |query: &str| run.result(&WEB.replace(r#""__ow_query":"""#, &format!(r#""__ow_query":"{query}""#)));
    let greeting = ask("name=ada");
    assert_eq!(
        (&greeting["statusCode"], &greeting["headers"]["content-type"]),
        (&json!(200), &json!("application/json"))
    );
    assert_eq!(greeting["body"], r#"{"hello":"ada","path":"/","cold_start":true}"#);
    // An error that names a status is a reply of that status, and no failure of the action.
    let mistake = ask("wait_ms=long");
    assert_eq!(mistake["statusCode"], 400, "{mistake}");
    assert!(mistake["body"].as_str().is_some_and(|body| body.contains("Hello.WaitMs")), "{mistake}");
    run.assert_clean();
}

fn bytes_go_back_in_base64_and_cookies_as_a_list(runtime: &Runtime) {
    let run = Container::start(runtime, action(), "action.picture", Options::default());
    let expected = json!({
        "statusCode": 201,
        "headers": { "content-type": "image/png", "x-twice": ["1", "2"], "set-cookie": ["a=1", "b=2; Path=/"] },
        "body": "iVBORw==",
    });
    assert_eq!(run.result(WEB), expected);
    // To one that is no web action the same bytes are no result.
    assert!(matches!(run.run("{}"), Outcome::DeveloperError(502, _)));
    run.assert_clean();
}

fn a_web_actions_own_shape_is_left_alone(runtime: &Runtime) {
    let run = Container::of(runtime, "echo");
    let value: Value = serde_json::from_str(WEB).expect("it is JSON");
    assert_eq!(run.result(WEB), value, "an object is handed on as it is");
    run.assert_clean();
}

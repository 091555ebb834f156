//! Events that warm up: those of well-known tools, and those that are configured.

use crate::settings::Settings;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The most bytes of a warm-up event. A longer event is not even read.
const LONGEST: usize = 4 << 10;

/// The members by which well-known tools mark their events.
const KNOWN: [(&str, &str); 5] = [
    ("source", "serverless-plugin-warmup"),
    ("source", "serverless-plugin-lambda-warmup"),
    ("type", "warmer"),
    ("type", "warmup"),
    ("event", "warmup"),
];

/// Returns `true` if this event, of which the runtime knows nothing, is one to warm up.
pub(crate) fn is_warm_up(settings: &Settings, event: &[u8]) -> bool {
    let is_object = event.trim_ascii_start().first() == Some(&b'{');
    if !is_object || event.len() > LONGEST {
        return false;
    }
    let Ok(members) = serde_json::from_slice::<Map<String, Value>>(event) else { return false };
    let is = |name: &str, value: &str| members.get(name).and_then(Value::as_str) == Some(value);
    KNOWN.iter().any(|(name, value)| is(name, value))
        || members.get("warmer") == Some(&Value::Bool(true))
        || settings.events.iter().any(|wanted| wanted.iter().all(|(name, value)| members.get(name) == Some(value)))
}

/// Returns `true` if the client context is that of serverless-plugin-warmup, which can put it there in place of the
/// event.
pub(crate) fn is_of_plugin(client_context: &str) -> bool {
    #[derive(Deserialize)]
    struct Context {
        #[serde(default)]
        custom: Map<String, Value>,
    }

    let custom = serde_json::from_str(client_context).map(|context: Context| context.custom).unwrap_or_default();
    custom.get("source").and_then(Value::as_str) == Some("serverless-plugin-warmup")
}

/// The names in a timer's event of the rule or trigger that made it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Timer {
    /// The names in EventBridge's form: `arn:aws:events:eu-west-1:1:rule/nightly`, `…:schedule/group/nightly`.
    resources: Vec<String>,
    #[serde(rename = "triggerName", alias = "TriggerName", alias = "trigger_name")]
    name: String,
}

/// Returns `true` if this is the event of a timer that only warms up.
pub(crate) fn is_of_timer(settings: &Settings, event: &[u8]) -> bool {
    let Ok(timer) = serde_json::from_slice::<Timer>(event) else { return false };
    let of_arn =
        |arn: &String| arn.rsplit('/').next().is_some_and(|name| settings.timers.iter().any(|one| one == name));
    settings.timers.contains(&timer.name) || timer.resources.iter().any(of_arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(events: &str) -> Settings {
        Settings { events: serde_json::from_str(events).expect("JSON"), ..Settings::default() }
    }

    #[test]
    fn tools_are_known_by_their_marks() {
        let settings = settings(r#"[{"source":"mine","n":1}]"#);
        for event in [
            r#"{"source":"serverless-plugin-warmup"}"#,
            r#" {"source":"serverless-plugin-lambda-warmup","x":1}"#,
            r#"{"warmer":true,"concurrency":3}"#,
            r#"{"type":"warmer","warmerId":"w","index":0,"concurrency":1,"delay":75}"#,
            r#"{"n":1,"source":"mine","more":true}"#,
        ] {
            assert!(is_warm_up(&settings, event.as_bytes()), "{event}");
        }
        for event in [
            "",
            "warmup",
            "[]",
            r#"{"warmer":false}"#,
            r#"{"warmer":1}"#,
            r#"{"source":"mine"}"#,
            r#"{"source":"aws.events"}"#,
            r#"{"detail":{"source":"serverless-plugin-warmup"}}"#,
            r#"{"source":"serverless-plugin-warmup""#,
        ] {
            assert!(!is_warm_up(&settings, event.as_bytes()), "{event}");
        }
    }

    #[test]
    fn a_long_event_is_not_read() {
        let long = format!(r#"{{"source":"serverless-plugin-warmup","x":"{}"}}"#, "x".repeat(LONGEST));
        assert!(!is_warm_up(&Settings::default(), long.as_bytes()));
    }

    #[test]
    fn the_plugin_may_speak_beside_the_event() {
        assert!(is_of_plugin(r#"{"custom":{"source":"serverless-plugin-warmup"}}"#));
        assert!(!is_of_plugin(r#"{"custom":{"source":"app"}}"#) && !is_of_plugin("{}") && !is_of_plugin("x"));
    }
}

//! `layer-log` on each platform.

use crate::fronts::{ALL, Front, Platform};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use serde_json::Value;

integration::both![an_invocation_is_one_line_that_others_can_read];

fn an_invocation_is_one_line_that_others_can_read(runtime: &Runtime) {
    for platform in ALL {
        let config = r#"{"service":"shop","query":true,"requestBody":64,"redactPatterns":["sk_*"]}"#;
        let deployment = Deployment::of("faulty").layer("log").env("FAAS_LAYER_LOG", config);
        let front = Front::start(platform, runtime, deployment, "faulty");
        let headers = [("X-Correlation-Id", "c-7"), ("Content-Type", "application/json")];
        front.call("POST", "/orders?token=t&page=2", &headers, br#"{"password":"p","key":"sk_live_1"}"#);
        let line = front.said(&[r#""function_request_id""#, r#""correlation_id":"c-7""#]);
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{platform:?}: {error} in {line}"));
        // Where the platform wraps a line, the line is the message of its own.
        let level = if platform == Platform::Google { "severity" } else { "level" };
        assert_eq!((&line[level], &line["service"]), (&"INFO".into(), &"shop".into()), "{platform:?}: {line}");
        assert_eq!(
            (&line["http"]["query"], &line["http"]["status"]),
            (&"token=*****&page=2".into(), &200.into()),
            "{line}"
        );
        assert_eq!(line["http"]["body"].to_string(), r#"{"key":"*****","password":"*****"}"#, "{platform:?}: {line}");
        assert_eq!(line["cold_start"], true, "{platform:?}");

        front.get("/?do=panic", &[]);
        front.said(&[r#""function_request_id""#, r#""outcome":"panic""#, r#""error":"Panic""#, r#"ERROR""#]);
        let lines = front.output().lines().filter(|line| line.contains(r#""function_request_id""#)).count();
        assert_eq!(lines, 2, "{platform:?}: one an invocation:\n{}", front.output());
    }
}

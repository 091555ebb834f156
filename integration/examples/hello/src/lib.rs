//! An HTTP greeting: `GET /?name=ada&wait_ms=20`.
#![forbid(unsafe_code)]

use handlers_sdk::{Error, FaasContext, Request, Response, function};
use serde::Serialize;
use std::time::Duration;

#[derive(Serialize)]
struct Greeting<'a> {
    hello: &'a str,
    path: &'a str,
    cold_start: bool,
}

/// Greets, after waiting as long as it is asked to.
#[function(trigger = "http")]
pub async fn hello(ctx: FaasContext, request: Request) -> Result<Response, Error> {
    if let Some(wait) = request.query("wait_ms") {
        let wait = wait.parse().map_err(|error| {
            Error::new("Hello.WaitMs", format!("expected wait_ms in milliseconds, found {wait:?}: {error}"))
                .with_status(400)
        })?;
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
    let name = request.query("name").unwrap_or("world");
    handlers_sdk::info!({ name = name }, "greeting");
    Response::json(&Greeting { hello: name, path: request.path(), cold_start: ctx.is_cold_start() })
}

#[cfg(test)]
mod tests {
    use super::hello;
    use handlers_sdk::testing::{App, Invoke};

    #[test]
    fn it_greets_by_name_at_once_and_after_a_wait() {
        for lends_thread in [false, true] {
            let builder = App::builder().module(hello::MODULE);
            let builder = if lends_thread { builder.lends_thread() } else { builder };
            let app = builder.start().expect("starts");
            assert_eq!(app.invoke(Invoke::http("GET", "/a?name=ada")).json()["hello"], "ada");
            let answer = app.invoke(Invoke::http("GET", "/a?wait_ms=1"));
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.text(), r#"{"hello":"world","path":"/a","cold_start":false}"#);
            app.close();
        }
    }

    #[test]
    fn a_wait_that_is_no_number_is_the_clients_mistake() {
        let answer = Invoke::http("GET", "/?wait_ms=long").run(hello::MODULE);
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.json()["errorType"], "Hello.WaitMs");
    }
}

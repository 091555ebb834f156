//! Test functions that use the services of layers, and reply the result as JSON: `outbound.send` and `outbound.block`
//! send a request that the event describes, `outbound.param` asks for the parameter that it names.
#![forbid(unsafe_code)]

use handlers_sdk::service::http::{Client, ClientReply, ClientRequest};
use handlers_sdk::service::{self, Call};
use handlers_sdk::{Error, FaasContext, Json, function};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// The request that the event describes.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub struct Wanted {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
    limit_ms: Option<u64>,
    most_bytes: u64,
    /// The number of requests at once.
    times: usize,
}

impl Default for Wanted {
    fn default() -> Wanted {
        let (method, url, body) = ("GET".to_owned(), String::new(), String::new());
        Wanted { method, url, headers: Vec::new(), body, limit_ms: None, most_bytes: 0, times: 1 }
    }
}

impl Wanted {
    fn send(&self, client: &Client) -> Call<ClientReply> {
        let mut request =
            ClientRequest::new(&self.method, &self.url).body(self.body.clone()).most_bytes(self.most_bytes);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        client.send(self.limit_ms.into_iter().map(Duration::from_millis).fold(request, ClientRequest::within))
    }
}

fn told(ended: Result<ClientReply, service::ServiceError>) -> Value {
    match ended {
        Ok(reply) => {
            let headers: Vec<(&str, &str)> = reply.headers().collect();
            json!({"status": reply.status(), "headers": headers, "body": reply.text(), "length": reply.body().len()})
        }
        Err(error) => json!({"error": format!("{:?}", error.kind())}),
    }
}

fn client(ctx: &FaasContext) -> Result<Client, Error> {
    ctx.http_client().ok_or_else(|| Error::new("Outbound.NoClient", "no layer offers faas.http"))
}

/// Sends the request as often as it is wanted, all at once. Replies the result of the last one, and the number of those
/// with a reply.
#[function]
pub async fn send(ctx: FaasContext, Json(wanted): Json<Wanted>) -> Result<Json<Value>, Error> {
    let client = client(&ctx)?;
    let calls: Vec<Call<ClientReply>> = (0..wanted.times).map(|_| wanted.send(&client)).collect();
    let (mut last, mut replies) = (Value::Null, 0);
    for call in calls {
        let ended = call.await;
        replies += usize::from(ended.is_ok());
        last = told(ended);
    }
    last["replies"] = replies.into();
    Ok(Json(last))
}

/// Sends the request once, and blocks its thread.
#[function(blocking)]
pub fn block(ctx: FaasContext, Json(wanted): Json<Wanted>) -> Result<Json<Value>, Error> {
    Ok(Json(told(wanted.send(&client(&ctx)?).wait())))
}

/// Asks for a parameter by its name.
#[function]
pub async fn param(ctx: FaasContext, name: String) -> Result<Json<Value>, Error> {
    let params = ctx.params().ok_or_else(|| Error::new("Outbound.NoParams", "no layer offers faas.params"))?;
    Ok(Json(match params.get(&name).await {
        Ok(value) => json!({"value": value.reveal_text(), "version": value.version()}),
        Err(error) => json!({"error": format!("{:?}", error.kind())}),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use handlers_sdk::service::ServiceErrorKind;
    use handlers_sdk::testing::{App, FakeHttp, FakeParams, Invoke};

    fn ask(app: &App, wanted: &Value) -> Value {
        app.invoke(Invoke::event(wanted.to_string())).json()
    }

    #[test]
    fn the_request_goes_out_as_it_is_described_and_the_last_reply_is_told() {
        let shop = FakeHttp::new()
            .reply("POST", "http://shop/", ClientReply::new(201).with_header("x-a", "1").with_body("one"))
            .fail("POST", "http://shop/", ServiceErrorKind::Deadline);
        let app = App::builder().module(send::MODULE).http_client(&shop).start().expect("it starts");
        let wanted =
            json!({"method": "POST", "url": "http://shop/", "headers": [["x-b", "2"]], "body": "tea", "limit_ms": 5});
        let told = json!({"status": 201, "headers": [["x-a", "1"]], "body": "one", "length": 3, "replies": 1});
        assert_eq!(ask(&app, &wanted), told);
        assert_eq!(ask(&app, &wanted), json!({"error": "Deadline", "replies": 0}));
        let sent = &shop.requests()[0];
        assert_eq!(sent.headers().collect::<Vec<_>>(), [("x-b", "2")]);
        assert_eq!((&**sent.content(), sent.limit()), (&b"tea"[..], Some(Duration::from_millis(5))));
    }

    #[test]
    fn all_requests_are_sent_before_any_is_waited_for() {
        let slow = FakeHttp::new().hang("GET", "http://slow/");
        let app = App::builder().module(send::MODULE).http_client(&slow).start().expect("it starts");
        let mut running = app.begin(Invoke::event(json!({"url": "http://slow/", "times": 3}).to_string()));
        assert!(running.is_pending());
        assert_eq!(slow.requests().len(), 3);
        running.cancel(handlers_sdk::abi::CANCEL_PEER_GONE);
        running.wait();
        assert_eq!(slow.cancelled(), 3);
    }

    #[test]
    fn a_parameter_is_told_with_its_version() {
        let params = FakeParams::new().with("greeting", "hello");
        let app = App::builder().module(param::MODULE).params(&params).start().expect("it starts");
        assert_eq!(app.invoke(Invoke::event("greeting")).json(), json!({"value": "hello", "version": 1}));
        assert_eq!(app.invoke(Invoke::event("parting")).json(), json!({"error": "NotFound"}));
    }
}

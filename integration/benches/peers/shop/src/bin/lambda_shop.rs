//! The work of `integration/examples/shop` and its two layers, for AWS Lambda alone and by hand: an HTTP API, a queue
//! and a schedule, with a line for each invocation and the header for pages of other origins. One thread.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

const NAME: &str = "tea";

/// The orders, and the pieces that are left.
struct Shop {
    orders: Vec<Value>,
    left: u64,
}

impl Shop {
    fn report(&self) -> Value {
        json!({"shop": NAME, "orders": self.orders.len(), "left": self.left})
    }

    fn order(&self, id: &str) -> (u16, Value) {
        let Ok(id) = id.parse::<usize>() else { return problem(400, "Shop.Id", "id: expected a number") };
        let missing = || problem(404, "Shop.NoOrder", &format!("there is no order {id}"));
        self.orders.get(id).map_or_else(missing, |order| (200, order.clone()))
    }

    fn buy(&mut self, event: &Value) -> (u16, Value) {
        let Some(customer) = event["headers"]["x-customer"].as_str() else {
            return problem(401, "Shop.Stranger", "expected a header X-Customer");
        };
        let body = serde_json::from_str::<Value>(event["body"].as_str().unwrap_or_default());
        let wish = match body {
            Ok(wish) => wish,
            Err(error) => return problem(400, "Shop.Body", &error.to_string()),
        };
        let Some(pieces) = wish["pieces"].as_u64().filter(|pieces| *pieces > 0) else {
            return problem(400, "Shop.Pieces", &format!("pieces: expected 1 or more, found {}", wish["pieces"]));
        };
        let Some(left) = self.left.checked_sub(pieces) else {
            return problem(409, "Shop.SoldOut", &format!("{NAME} has {} pieces left", self.left));
        };
        self.left = left;
        let order = json!({"id": self.orders.len(), "shop": NAME, "customer": customer, "pieces": pieces});
        self.orders.push(order.clone());
        (201, order)
    }

    /// Returns the records that are to come again.
    fn deliver(&mut self, records: &[Value]) -> Value {
        let mut failed = Vec::new();
        for record in records {
            let body = serde_json::from_str::<Value>(record["body"].as_str().unwrap_or_default());
            match body.ok().and_then(|delivery| delivery["pieces"].as_u64()) {
                Some(pieces) => self.left = self.left.saturating_add(pieces),
                None => failed.push(json!({"itemIdentifier": record["messageId"]})),
            }
        }
        json!({ "batchItemFailures": failed })
    }

    fn serve(&mut self, event: &Value) -> Value {
        let http = &event["requestContext"]["http"];
        let (Some(method), Some(path)) = (http["method"].as_str(), event["rawPath"].as_str()) else {
            return match event["Records"].as_array() {
                Some(records) => self.deliver(records),
                None => self.report(),
            };
        };
        let (status, body) = match (method, path, path.strip_prefix("/orders/")) {
            ("GET", "/report", _) => (200, self.report()),
            ("POST", "/orders", _) => self.buy(event),
            ("GET", _, Some(id)) => self.order(id),
            _ => problem(404, "Shop.NoRoute", "nothing serves this path"),
        };
        json!({
            "statusCode": status, "body": body.to_string(), "isBase64Encoded": false,
            "headers": {"content-type": "application/json", "access-control-allow-origin": "*"},
        })
    }
}

fn problem(status: u16, kind: &str, message: &str) -> (u16, Value) {
    (status, json!({"errorType": kind, "errorMessage": message}))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let shop = Mutex::new(Shop { orders: Vec::new(), left: 5 });
    let serve = |event: LambdaEvent<Value>| {
        let began = Instant::now();
        let reply = shop.lock().unwrap_or_else(PoisonError::into_inner).serve(&event.payload);
        println!("{}", json!({"requestId": event.context.request_id, "us": began.elapsed().as_micros() as u64}));
        async move { Ok::<_, Error>(reply) }
    };
    run(service_fn(serve)).await
}

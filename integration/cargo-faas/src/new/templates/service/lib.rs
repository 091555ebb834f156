//! A service of four functions and two layers in one library. `serverless.yml` has their triggers and deployments;
//! nothing here knows of it.

use handlers_sdk::events::Timer;
use handlers_sdk::{
    Config, Error, FaasContext, Flow, Invocation, Json, Layer, Path, ReplyHead, Response, function, layer,
};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
struct Order {
    id: u64,
    currency: String,
}

/// Returns one order, by its number.
#[function]
async fn order(ctx: FaasContext, Path(id): Path<u64>) -> Json<Order> {
    Json(Order { id, currency: ctx.env("CURRENCY").unwrap_or("EUR").to_owned() })
}

/// Returns all orders.
#[function]
async fn orders() -> Json<Vec<u64>> {
    Json(vec![1, 2, 3])
}

#[derive(Deserialize)]
struct Parcel {
    order: u64,
}

/// Sends a parcel, for one message of the queue.
#[function(record)]
async fn send(ctx: FaasContext, Json(parcel): Json<Parcel>) -> Result<(), Error> {
    ctx.info(format_args!("sending order {}", parcel.order));
    Ok(())
}

/// Returns the night's report.
#[function]
async fn report(timer: Timer) -> String {
    format!("{}: 3 orders", timer.name)
}

/// A layer that writes the name of the service on each reply.
#[derive(Default)]
struct Stamp;

#[layer(name = "stamp")]
impl Layer for Stamp {
    fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {
        head.set_header("x-served-by", "@NAME@")
    }
}

/// A layer that lets in only requests with the key, if there is one: `GUARD_KEY`.
struct Guard {
    key: Option<&'static str>,
}

#[layer(name = "guard", required)]
impl Layer for Guard {
    fn create(config: &Config) -> Result<Self, Error> {
        Ok(Guard { key: config.env("GUARD_KEY") })
    }

    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        let (Some(key), Some(http)) = (self.key, invocation.http()) else { return Ok(Flow::Continue) };
        if http.header("x-key") == Some(key) {
            return Ok(Flow::Continue);
        }
        invocation.respond(Response::text("who are you?").status(401))
    }
}

#[cfg(test)]
mod tests {
    use super::{Guard, Stamp, order, report, send};
    use handlers_sdk::testing::{App, Invoke, sample};

    #[test]
    fn an_order_is_for_those_who_have_the_key() {
        let app = App::builder().module(Stamp::MODULE).module(Guard::MODULE).module(order::MODULE);
        let app = app.route("GET", "/orders/{id}", "order").config("GUARD_KEY", "sesame").start().expect("it starts");
        assert_eq!(app.invoke(Invoke::http("GET", "/orders/7")).status(), 401);
        let answer = app.invoke(Invoke::http("GET", "/orders/7").header("x-key", "sesame"));
        assert_eq!((answer.json()["id"].as_u64(), answer.header("x-served-by")), (Some(7), Some("@NAME@")));
        app.close();
    }

    #[test]
    fn messages_and_timers_of_any_platform_are_understood() {
        assert_eq!(sample("aws/sqs").run(send::MODULE).status(), 200);
        assert_eq!(sample("aliyun/timer").run(report::MODULE).status(), 200);
    }
}

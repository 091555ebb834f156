//! An order service: routes, a queue and a timer around one instance, a stock that a provider makes, and a customer for
//! each request. `serverless.yml` says what calls which function, and what is deployed together.
#![forbid(unsafe_code)]

mod stock;

use handlers_sdk::{Configured, Error, Inject, Json, Path, Request, functions, info, provider};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};
use stock::Stock;

/// The configuration of a shop.
#[derive(Debug, Deserialize)]
pub struct Settings {
    /// The name of the shop.
    name: String,
    /// The number of pieces it begins with.
    #[serde(default)]
    stock: u32,
}

/// The customer that a request comes from.
#[derive(Debug)]
pub struct Customer(String);

#[provider(per_request)]
fn customer(request: Request) -> Result<Customer, Error> {
    let name = request.header("x-customer");
    let name = name.ok_or_else(|| Error::new("Shop.Stranger", "expected a header X-Customer").with_status(401))?;
    Ok(Customer(name.to_owned()))
}

#[derive(Clone, Debug, Serialize)]
struct Order {
    id: usize,
    shop: &'static str,
    customer: String,
    pieces: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    pieces: u32,
}

/// A message of the queue.
#[derive(Debug, Deserialize)]
struct Delivery {
    pieces: u32,
}

#[derive(Debug, Serialize)]
struct Report {
    shop: &'static str,
    orders: usize,
    left: u32,
}

/// One shop. Two configurations are two shops, in one process too.
#[derive(Debug)]
pub struct Shop {
    name: &'static str,
    stock: Inject<Stock>,
    orders: Mutex<Vec<Order>>,
}

impl Shop {
    fn orders(&self) -> MutexGuard<'_, Vec<Order>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[functions]
impl Shop {
    #[init]
    async fn new(Configured(settings): Configured<Settings>, stock: Inject<Stock>) -> Result<Self, Error> {
        if settings.name.is_empty() {
            return Err(Error::new("Shop.Nameless", "a shop has a name"));
        }
        info!("{} opens", settings.name);
        Ok(Shop { name: &settings.name, stock, orders: Mutex::default() })
    }

    #[http(get, "/orders/{id}")]
    async fn order(&self, Path(id): Path<usize>) -> Result<Json<Order>, Error> {
        let missing = || Error::new("Shop.NoOrder", format!("there is no order {id}")).with_status(404);
        self.orders().get(id).cloned().map(Json).ok_or_else(missing)
    }

    #[http(post, "/orders")]
    async fn buy(&self, customer: Inject<Customer>, Json(wish): Json<Wish>) -> Result<(u16, Json<Order>), Error> {
        if wish.pieces == 0 {
            return Err(Error::new("Shop.Pieces", "pieces: expected 1 or more, found 0").with_status(400));
        }
        self.stock.take(wish.pieces).await?;
        let mut orders = self.orders();
        let order = Order { id: orders.len(), shop: self.name, customer: customer.0.clone(), pieces: wish.pieces };
        info!({ customer = order.customer, pieces = order.pieces }, "order {}", order.id);
        orders.push(order.clone());
        Ok((201, Json(order)))
    }

    #[queue("deliveries", record)]
    async fn deliver(&self, Json(delivery): Json<Delivery>) -> Result<(), Error> {
        self.stock.add(delivery.pieces);
        info!({ pieces = delivery.pieces }, "delivered");
        Ok(())
    }

    #[http(get, "/report")]
    #[timer(every = "5m")]
    async fn report(&self) -> Json<Report> {
        Json(Report { shop: self.name, orders: self.orders().len(), left: self.stock.left() })
    }

    #[close]
    async fn close(&self) {
        info!("{} closes after {} orders", self.name, self.orders().len());
    }
}

#[cfg(test)]
mod tests {
    use super::{Shop, stock::Stock};
    use handlers_sdk::testing::{App, Invoke};
    use serde_json::json;

    fn north() -> App {
        App::builder().configured(Shop::MODULE, r#"{"name":"north","stock":3}"#).start().expect("it starts")
    }

    fn buy(body: &str) -> Invoke {
        Invoke::http("POST", "/orders").header("x-customer", "ada").body(body)
    }

    fn report(app: &App) -> serde_json::Value {
        app.invoke(Invoke::http("GET", "/report")).json()
    }

    #[test]
    fn an_order_is_kept_and_told() {
        let app = north();
        let bought = app.invoke(buy(r#"{"pieces":2}"#));
        let order = json!({"id": 0, "shop": "north", "customer": "ada", "pieces": 2});
        assert_eq!((bought.status(), bought.json()), (201, order.clone()));
        assert_eq!(app.invoke(Invoke::http("GET", "/orders/0")).json(), order);
        let missing = app.invoke(Invoke::http("GET", "/orders/9"));
        assert_eq!((missing.status(), &missing.json()["errorMessage"]), (404, &json!("there is no order 9")));
        assert_eq!(app.invoke(buy(r#"{"pieces":2}"#)).status(), 409, "one is left");
        assert_eq!(report(&app), json!({"shop": "north", "orders": 1, "left": 1}));
    }

    #[test]
    fn what_is_wrong_with_an_order_is_said_to_who_sent_it() {
        let app = north();
        for (body, why) in [
            (r#"{"pieces":0}"#, "pieces: expected 1 or more, found 0"),
            (r#"{"pieces":"two"}"#, "pieces: invalid type: string \"two\", expected u32 at line 1 column 15"),
            (r#"{"piece":2}"#, "unknown field `piece`, expected `pieces` at line 1 column 8"),
        ] {
            let answer = app.invoke(buy(body));
            assert_eq!((answer.status(), &answer.json()["errorMessage"]), (400, &json!(why)), "{body}");
        }
        let stranger = app.invoke(Invoke::http("POST", "/orders").body(r#"{"pieces":1}"#));
        assert_eq!(stranger.status(), 401);
        assert_eq!(report(&app)["orders"], 0);
    }

    #[test]
    fn of_a_batch_of_deliveries_what_is_none_is_told_to_the_queue() {
        let app = north();
        let message = |id: &str, body: &str| json!({"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:r:1:deliveries", "messageId": id, "body": body});
        let batch = json!({"Records": [message("1", r#"{"pieces":4}"#), message("2", "four")]});
        let answer = app.invoke(Invoke::event(batch.to_string()));
        assert_eq!(answer.json(), json!({"batchItemFailures": [{"itemIdentifier": "2"}]}));
        assert_eq!(report(&app)["left"], 7);
    }

    #[test]
    fn a_test_gives_the_stock() {
        let app = App::builder().configured(Shop::MODULE, r#"{"name":"north"}"#).provide(Stock::of("north", 1000));
        let app = app.start().expect("it starts");
        assert_eq!(app.invoke(buy(r#"{"pieces":999}"#)).status(), 201);
    }
}

//! A shop: routes, a timer and a queue around one instance, a stock that a provider makes, and a customer for each request.
#![forbid(unsafe_code)]

mod stock;

use handlers_sdk::{Configured, Error, Inject, Json, Path, Request, functions, info, provider};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};
use stock::Stock;

/// The configuration of a shop.
#[derive(Debug, Deserialize)]
pub struct Settings {
    /// What it is called.
    name: String,
    /// How many pieces it begins with.
    #[serde(default)]
    stock: u32,
}

/// Who a request comes from.
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
struct Wish {
    pieces: u32,
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
    async fn order(&self, Path(id): Path<usize>) -> Option<Json<Order>> {
        self.orders().get(id).cloned().map(Json)
    }

    #[http(post, "/orders")]
    async fn buy(&self, customer: Inject<Customer>, Json(wish): Json<Wish>) -> Result<(u16, Json<Order>), Error> {
        self.stock.take(wish.pieces).await?;
        let mut orders = self.orders();
        let order = Order { id: orders.len(), shop: self.name, customer: customer.0.clone(), pieces: wish.pieces };
        orders.push(order.clone());
        Ok((201, Json(order)))
    }

    #[queue("deliveries")]
    fn deliver(&self) -> Result<(), Error> {
        self.stock.add(1);
        Ok(())
    }

    #[timer(every = "5m")]
    fn report(&self) -> String {
        format!("{}: {} orders, {} pieces left", self.name, self.orders().len(), self.stock.left())
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

    const NORTH: &str = r#"{"name":"north","stock":3}"#;

    fn buy(pieces: u32) -> Invoke {
        let wish = format!(r#"{{"pieces":{pieces}}}"#);
        Invoke::http("POST", "/orders").header("x-customer", "ada").body(wish).function("buy")
    }

    #[test]
    fn an_order_is_kept_and_told() {
        let app = App::builder().configured(Shop::MODULE, NORTH).start().expect("starts");
        let bought = app.invoke(buy(2));
        assert_eq!((bought.status(), bought.json()["customer"].as_str()), (201, Some("ada")), "{}", bought.text());
        let order = Invoke::http("GET", "/orders/0").path_param("id", "0").function("order");
        assert_eq!(app.invoke(order).json()["pieces"], 2);
        let other = Invoke::http("GET", "/orders/9").path_param("id", "9").function("order");
        assert_eq!(app.invoke(other).status(), 404);
        assert_eq!(app.invoke(buy(2)).status(), 409, "one is left");
        assert_eq!(app.invoke(Invoke::event("").function("report")).text(), "north: 1 orders, 1 pieces left");
    }

    #[test]
    fn a_stranger_buys_nothing() {
        let app = App::builder().configured(Shop::MODULE, NORTH).start().expect("starts");
        let answer = app.invoke(Invoke::http("POST", "/orders").body(r#"{"pieces":1}"#).function("buy"));
        assert_eq!(answer.status(), 401);
    }

    #[test]
    fn a_test_gives_the_stock() {
        let app = App::builder().configured(Shop::MODULE, NORTH).provide(Stock::of("north", 1000));
        let app = app.start().expect("starts");
        assert_eq!(app.invoke(buy(999)).status(), 201);
    }
}

//! A function that reports numbers of its own. The layer `metrics` gathers them, as any layer that offers
//! `faas.telemetry` would; without one the function does its work all the same.
#![forbid(unsafe_code)]

use handlers_sdk::{FaasContext, Response, function};
use std::time::Instant;

const SHOPS: [&str; 3] = ["vienna", "graz", "linz"];

/// Takes orders in the shop that the body names.
#[function]
pub fn orders(ctx: FaasContext) -> Response {
    let began = Instant::now();
    let body = String::from_utf8_lossy(ctx.body());
    // Labels have few values, so a text that anybody may send is no label.
    let Some(shop) = SHOPS.into_iter().find(|shop| *shop == body) else {
        return Response::text("there is no such shop\n").status(404);
    };
    if let Some(telemetry) = ctx.telemetry() {
        telemetry.counter("orders_total", 1.0, &[("shop", shop)]);
        telemetry.histogram("order_seconds", began.elapsed().as_secs_f64(), &[("shop", shop)]);
    }
    Response::text(format!("ordered in {shop}"))
}

#[cfg(test)]
mod tests {
    use super::orders;
    use handlers_sdk::testing::{App, Invoke};
    use layer_metrics::Metrics;

    #[test]
    fn orders_are_counted_where_a_layer_gathers() {
        let app = App::builder().module(Metrics::MODULE).module(orders::MODULE).on("http").start().expect("starts");
        assert_eq!(app.invoke(Invoke::http("GET", "/").body("graz")).text(), "ordered in graz");
        assert!(app.invoke(Invoke::http("GET", "/metrics")).text().contains("orders_total{shop=\"graz\"} 1\n"));
    }

    #[test]
    fn without_a_gatherer_orders_are_taken() {
        assert_eq!(Invoke::http("POST", "/").body("linz").run(orders::MODULE).text(), "ordered in linz");
        assert_eq!(Invoke::http("POST", "/").body("rome").run(orders::MODULE).status(), 404);
    }
}

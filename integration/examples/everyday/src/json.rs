//! JSON in, JSON out, and an error of one's own: `POST /orders`.

use handlers_sdk::{FaasError, Json, function};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Order {
    item: String,
    count: u32,
}

#[derive(Debug, thiserror::Error, FaasError)]
#[error("{0} is sold out")]
#[faas(status = 409, kind = "Order.SoldOut", public)]
pub struct SoldOut(String);

#[function]
pub fn order(Json(order): Json<Order>) -> Result<(u16, Json<u32>), SoldOut> {
    match order.item.as_str() {
        "tea" => Err(SoldOut(order.item)),
        _ => Ok((201, Json(order.count * 3))),
    }
}

use handlers_sdk::{Json, function};

struct Order;

#[function]
fn order(Json(order): Json<Order>) -> String {
    String::new()
}

fn main() {}

use handlers_sdk::{Json, function};

#[function]
fn order<T: serde::de::DeserializeOwned>(Json(order): Json<T>) -> String {
    String::new()
}

fn main() {}

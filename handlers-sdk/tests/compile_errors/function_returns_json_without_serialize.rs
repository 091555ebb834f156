use handlers_sdk::{Json, function};

struct Receipt;

#[function]
fn order() -> Json<Receipt> {
    Json(Receipt)
}

fn main() {}

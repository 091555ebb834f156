use handlers_sdk::{Json, function};

#[function]
fn order() -> (i32, Json<u32>) {
    (201, Json(7))
}

fn main() {}

use handlers_sdk::{Json, function};

#[function]
fn order() -> Json<u32> {
    7
}

fn main() {}

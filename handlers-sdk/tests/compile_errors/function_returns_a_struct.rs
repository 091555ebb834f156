use handlers_sdk::function;

#[derive(serde::Serialize)]
struct Receipt {
    total: u32,
}

#[function]
async fn order() -> Receipt {
    Receipt { total: 7 }
}

fn main() {}

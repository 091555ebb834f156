use handlers_sdk::function;

#[derive(Debug)]
enum OrderError {
    SoldOut,
}

#[function]
fn order() -> Result<String, OrderError> {
    Err(OrderError::SoldOut)
}

fn main() {}

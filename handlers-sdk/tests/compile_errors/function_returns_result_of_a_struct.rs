use handlers_sdk::{Error, function};

struct Receipt;

#[function]
fn order() -> Result<Receipt, Error> {
    Ok(Receipt)
}

fn main() {}

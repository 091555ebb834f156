use handlers_sdk::function;

struct Receipt;

#[function]
fn order() -> Option<Receipt> {
    None
}

fn main() {}

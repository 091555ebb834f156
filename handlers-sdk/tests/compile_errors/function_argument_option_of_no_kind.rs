use handlers_sdk::function;

struct Basket;

#[function]
fn order(basket: Option<Basket>) -> String {
    String::new()
}

fn main() {}

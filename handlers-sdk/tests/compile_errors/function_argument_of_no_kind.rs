use handlers_sdk::function;

struct Basket;

#[function]
fn order(basket: Basket) -> String {
    String::new()
}

fn main() {}

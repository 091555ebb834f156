use handlers_sdk::function;

struct Basket;

#[function]
async fn order(basket: Basket) -> String {
    String::new()
}

fn main() {}

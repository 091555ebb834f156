use handlers_sdk::function;

#[function]
struct Order;

fn main() {}

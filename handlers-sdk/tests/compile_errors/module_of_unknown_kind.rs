use handlers_sdk::function;

#[function]
fn order() {}

handlers_sdk::module!(handlers: [order]);

fn main() {}

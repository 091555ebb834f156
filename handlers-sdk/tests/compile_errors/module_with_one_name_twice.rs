use handlers_sdk::function;

#[function(name = "order")]
fn place_order() {}

#[function]
fn order() {}

handlers_sdk::module!(functions: [place_order, order]);

fn main() {}

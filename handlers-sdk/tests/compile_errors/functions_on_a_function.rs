use handlers_sdk::functions;

#[functions]
fn shop() {}

fn main() {}

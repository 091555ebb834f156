use handlers_sdk::functions;

#[functions]
struct Shop;

fn main() {}

use handlers_sdk::provider;

#[provider]
fn pool() {}

fn main() {}

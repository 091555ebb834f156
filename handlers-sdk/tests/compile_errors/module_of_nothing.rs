handlers_sdk::module!();

fn main() {}

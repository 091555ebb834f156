fn order() {}

handlers_sdk::module!(functions: [order]);

fn main() {}

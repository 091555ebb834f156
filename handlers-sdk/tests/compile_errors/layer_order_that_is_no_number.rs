use handlers_sdk::{Layer, layer};

#[derive(Default)]
struct Guard;

#[layer(order = "first")]
impl Layer for Guard {}

fn main() {}

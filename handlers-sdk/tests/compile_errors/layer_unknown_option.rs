use handlers_sdk::{Layer, layer};

#[derive(Default)]
struct Guard;

#[layer(optional)]
impl Layer for Guard {}

fn main() {}

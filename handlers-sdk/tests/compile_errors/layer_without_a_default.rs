use handlers_sdk::{Layer, layer};

struct Guard {
    token: String,
}

#[layer]
impl Layer for Guard {}

fn main() {}

use handlers_sdk::{Layer, layer};

struct Guard<T>(T);

#[layer]
impl<T> Layer for Guard<T> {}

fn main() {}

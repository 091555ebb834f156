use handlers_sdk::layer;

struct Guard;

#[layer]
impl Guard {}

fn main() {}

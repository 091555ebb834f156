use handlers_sdk::{Inject, provider};

struct Pool;

#[provider]
fn pool() -> Inject<Pool> {
    Inject::new(Pool)
}

fn main() {}

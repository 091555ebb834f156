use handlers_sdk::{Inject, provider};

struct Pool;

#[provider]
fn pool(_: Inject<Pool>) -> Pool {
    Pool
}

fn main() {}

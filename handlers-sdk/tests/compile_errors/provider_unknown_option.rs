use handlers_sdk::provider;

struct Pool;

#[provider(singleton)]
fn pool() -> Pool {
    Pool
}

fn main() {}

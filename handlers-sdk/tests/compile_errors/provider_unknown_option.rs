use handlers_sdk::provider;

struct Pool;

#[provider(shared)]
fn pool() -> Pool {
    Pool
}

fn main() {}

use handlers_sdk::provider;

struct Pool;

#[provider(close = end)]
fn pool() -> Pool {
    Pool
}

fn end(_: Pool) {}

fn main() {}

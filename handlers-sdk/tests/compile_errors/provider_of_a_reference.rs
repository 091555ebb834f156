use handlers_sdk::provider;

struct Pool;

#[provider]
fn pool() -> &'static Pool {
    &Pool
}

fn main() {}

use handlers_sdk::provider;

struct Pool;

#[provider]
fn pool() -> Result<Pool, u32> {
    Ok(Pool)
}

fn main() {}

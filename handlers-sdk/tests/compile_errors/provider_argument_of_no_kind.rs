use handlers_sdk::provider;

struct Pool;

#[provider]
async fn pool(_size: u32) -> Pool {
    Pool
}

fn main() {}

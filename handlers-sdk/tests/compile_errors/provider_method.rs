use handlers_sdk::provider;

struct Pool;

impl Pool {
    #[provider]
    fn pool(&self) -> Pool {
        Pool
    }
}

fn main() {}

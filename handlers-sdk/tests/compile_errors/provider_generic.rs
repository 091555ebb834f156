use handlers_sdk::provider;

#[provider]
fn pool<T>(value: T) -> Vec<T> {
    vec![value]
}

fn main() {}

use handlers_sdk::provider;

#[provider]
fn names() -> impl Iterator<Item = u8> {
    [1].into_iter()
}

fn main() {}

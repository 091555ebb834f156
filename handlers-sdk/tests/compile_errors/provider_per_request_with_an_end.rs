use handlers_sdk::provider;

struct User;

#[provider(per_request, close = end)]
fn user() -> User {
    User
}

fn main() {}

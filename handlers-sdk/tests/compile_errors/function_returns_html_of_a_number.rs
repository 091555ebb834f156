use handlers_sdk::{Html, function};

#[function]
fn page() -> Html<u32> {
    Html(7)
}

fn main() {}

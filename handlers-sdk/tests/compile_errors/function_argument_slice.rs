use handlers_sdk::function;

#[function]
fn size(body: &[u8]) -> String {
    body.len().to_string()
}

fn main() {}

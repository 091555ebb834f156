use handlers_sdk::function;

#[function]
fn first(names: Vec<u8>) -> &str {
    "x"
}

fn main() {}

use handlers_sdk::function;

#[function]
fn greet(name: &str) -> String {
    name.to_owned()
}

fn main() {}

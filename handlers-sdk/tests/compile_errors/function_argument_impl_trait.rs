use handlers_sdk::function;

#[function]
fn show(value: impl std::fmt::Display) -> String {
    value.to_string()
}

fn main() {}

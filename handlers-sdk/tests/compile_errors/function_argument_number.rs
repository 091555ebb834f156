use handlers_sdk::function;

#[function]
fn double(number: u32) -> String {
    number.to_string()
}

fn main() {}

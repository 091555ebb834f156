use handlers_sdk::function;

#[function]
fn answer() -> u32 {
    42
}

fn main() {}

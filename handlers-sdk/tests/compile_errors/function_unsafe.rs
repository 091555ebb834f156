use handlers_sdk::function;

#[function]
unsafe fn order() -> String {
    String::new()
}

fn main() {}

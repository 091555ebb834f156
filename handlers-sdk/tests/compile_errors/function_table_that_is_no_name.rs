use handlers_sdk::function;

#[function(table = a::b)]
fn order() -> String {
    String::new()
}

fn main() {}

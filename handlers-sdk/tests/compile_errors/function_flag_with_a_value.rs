use handlers_sdk::function;

#[function(blocking = true)]
fn order() -> String {
    String::new()
}

fn main() {}

use handlers_sdk::function;

#[function(blocking, inline)]
fn order() -> String {
    String::new()
}

fn main() {}

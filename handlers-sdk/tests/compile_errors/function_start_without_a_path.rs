use handlers_sdk::function;

#[function(start)]
fn order() -> String {
    String::new()
}

fn main() {}

use handlers_sdk::function;

#[function(name = 7)]
fn order() -> String {
    String::new()
}

fn main() {}

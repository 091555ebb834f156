use handlers_sdk::function;

#[function(crate = 7)]
fn order() -> String {
    String::new()
}

fn main() {}

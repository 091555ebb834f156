use handlers_sdk::function;

#[function(nmae = "order")]
fn order() -> String {
    String::new()
}

fn main() {}

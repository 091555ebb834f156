use handlers_sdk::function;

#[function(name = "shop.order")]
fn order() -> String {
    String::new()
}

fn main() {}

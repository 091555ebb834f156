use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[init]
    #[http(get, "/")]
    fn new() -> Self {
        Shop
    }
}

fn main() {}

use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[init]
    fn new() -> Self {
        Shop
    }

    #[init]
    fn other() -> Self {
        Shop
    }
}

fn main() {}

use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[init]
    fn new() -> Option<Self> {
        Some(Shop)
    }

    #[function]
    fn index(&self) {}
}

fn main() {}

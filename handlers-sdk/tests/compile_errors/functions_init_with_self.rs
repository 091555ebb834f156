use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[init]
    fn start(&self) -> Self {
        Shop
    }

    #[function]
    fn index(&self) {}
}

fn main() {}

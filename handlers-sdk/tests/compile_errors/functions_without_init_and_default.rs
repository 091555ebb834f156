use handlers_sdk::functions;

struct Shop;

#[functions]
impl Shop {
    #[function]
    fn index(&self) {}
}

fn main() {}

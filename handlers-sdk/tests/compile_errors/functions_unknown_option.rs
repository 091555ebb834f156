use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions(group = "shop")]
impl Shop {
    #[function]
    fn index(&self) {}
}

fn main() {}

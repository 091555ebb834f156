use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[http(get, "/orders/no:id")]
    fn order(&self) {}
}

fn main() {}

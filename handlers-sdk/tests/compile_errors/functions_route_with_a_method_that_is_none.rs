use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[http(fetch, "/orders")]
    fn order(&self) {}
}

fn main() {}

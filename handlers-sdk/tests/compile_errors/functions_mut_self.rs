use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[http(get, "/")]
    fn count(&mut self) {}
}

fn main() {}

use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[http(get, "/")]
    async fn index(&self, _number: u32) {}
}

fn main() {}

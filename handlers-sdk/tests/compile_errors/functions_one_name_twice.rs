use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[http(get, "/orders")]
    fn orders(&self) {}

    #[http(post, "/orders", name = "orders")]
    fn buy(&self) {}
}

fn main() {}

use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[http(get, "/orders")]
    fn list(&self) {}

    #[http(get, post, "/orders")]
    fn buy(&self) {}
}

fn main() {}

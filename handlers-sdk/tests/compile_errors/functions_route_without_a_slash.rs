use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[http(get, "orders")]
    fn order(&self) -> String {
        String::new()
    }
}

fn main() {}

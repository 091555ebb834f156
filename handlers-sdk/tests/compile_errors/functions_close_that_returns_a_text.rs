use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[function]
    fn index(&self) {}

    #[close]
    fn end(&self) -> &'static str {
        "closed"
    }
}

fn main() {}

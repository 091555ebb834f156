use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[http(get, "/")]
    fn index(&self) -> Page {
        Page
    }
}

struct Page;

fn main() {}

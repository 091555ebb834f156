use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[http(get, "/total")]
    fn total(&self) -> u32 {
        7
    }
}

fn main() {}

use handlers_sdk::functions;

struct Shop;

#[functions]
impl Shop {
    #[init]
    fn new() -> String {
        String::new()
    }
}

fn main() {}

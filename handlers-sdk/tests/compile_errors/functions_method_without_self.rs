use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[function]
    fn order() -> String {
        String::new()
    }
}

fn main() {}

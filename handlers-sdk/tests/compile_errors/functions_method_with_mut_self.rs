use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[function]
    fn order(&mut self) -> String {
        String::new()
    }
}

fn main() {}

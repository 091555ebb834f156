use handlers_sdk::function;

struct Shop;

impl Shop {
    #[function]
    fn order(&self) -> String {
        String::new()
    }
}

fn main() {}

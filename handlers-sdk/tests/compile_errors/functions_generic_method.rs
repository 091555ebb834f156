use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[function]
    fn index<T>(&self, _: T) {}
}

fn main() {}

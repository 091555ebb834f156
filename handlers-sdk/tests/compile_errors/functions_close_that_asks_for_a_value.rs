use handlers_sdk::{Inject, functions};

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[function]
    fn index(&self) {}

    #[close]
    fn end(&self, _: Inject<String>) {}
}

fn main() {}

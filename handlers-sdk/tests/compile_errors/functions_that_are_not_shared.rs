use handlers_sdk::functions;

#[derive(Default)]
struct Shop {
    _count: std::cell::Cell<u32>,
}

#[functions]
impl Shop {
    #[function]
    fn index(&self) {}
}

fn main() {}

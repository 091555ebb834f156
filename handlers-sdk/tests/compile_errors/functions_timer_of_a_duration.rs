use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[timer("5m")]
    fn tidy(&self) {}
}

fn main() {}

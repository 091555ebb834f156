use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[queue(bucket = "in")]
    fn index(&self) {}
}

fn main() {}

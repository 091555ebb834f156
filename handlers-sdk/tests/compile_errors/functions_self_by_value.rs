use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[queue]
    async fn work(self) {}
}

fn main() {}

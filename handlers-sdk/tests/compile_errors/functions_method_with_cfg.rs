use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[cfg(unix)]
    #[http(get, "/")]
    fn index(&self) {}
}

fn main() {}

use handlers_sdk::functions;

struct Shop;

#[functions]
impl Drop for Shop {
    fn drop(&mut self) {}
}

fn main() {}

use handlers_sdk::functions;

#[derive(Default)]
struct Shop;

#[functions]
impl Shop {
    #[timer("0 5 * * *")]
    fn tidy(&self) {}

    #[timer(every = "5m")]
    fn report(&self) {}
}

fn main() {}

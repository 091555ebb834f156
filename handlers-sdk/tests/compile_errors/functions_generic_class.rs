use handlers_sdk::functions;

struct Shop<T>(T);

#[functions]
impl<T: Send> Shop<T> {
    #[function]
    fn index(&self) {}
}

fn main() {}

use handlers_sdk::function;

#[function]
fn later() -> impl Future<Output = String> {
    async { String::new() }
}

fn main() {}

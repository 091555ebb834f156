use handlers_sdk::function;

#[function]
async fn order() -> Result<String, u16> {
    Err(404)
}

fn main() {}

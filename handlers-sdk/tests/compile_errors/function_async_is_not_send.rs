use handlers_sdk::function;
use std::rc::Rc;

async fn wait() {}

#[function]
async fn order() -> String {
    let shared = Rc::new(7);
    wait().await;
    shared.to_string()
}

fn main() {}

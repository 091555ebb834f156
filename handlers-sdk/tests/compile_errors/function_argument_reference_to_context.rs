use handlers_sdk::{FaasContext, function};

#[function]
fn greet(ctx: &FaasContext) -> String {
    ctx.platform().to_owned()
}

fn main() {}

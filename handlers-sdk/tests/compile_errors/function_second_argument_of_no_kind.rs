use handlers_sdk::{Event, FaasContext, function};

#[function]
fn order(ctx: FaasContext, wait: std::time::Duration, event: Event) -> Event {
    event
}

fn main() {}

use handlers_sdk::{PhaseContext, function};

fn connect(_ctx: PhaseContext) -> String {
    String::new()
}

#[function(start = connect)]
fn order() -> String {
    String::new()
}

fn main() {}

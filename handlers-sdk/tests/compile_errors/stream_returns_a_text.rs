use handlers_sdk::{Sink, function};

#[function(stream)]
fn lines(mut out: Sink) -> String {
    String::new()
}

fn main() {}

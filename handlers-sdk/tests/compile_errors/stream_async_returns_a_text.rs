use handlers_sdk::{AsyncSink, function};

#[function(stream)]
async fn lines(mut out: AsyncSink) -> String {
    String::new()
}

fn main() {}

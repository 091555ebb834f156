//! As lambda_http's README starts it: `#[tokio::main]`.

use lambda_http::{Error, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    run(service_fn(peer_http::greet)).await
}

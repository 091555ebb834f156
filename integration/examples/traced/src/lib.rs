//! A function with spans of its own, by `tracing`. The layer `trace` sends them below the function's span; without it
//! they are never made.
//!
//! `/orders/<id>` prices an order in two steps that wait. `?fail=1` fails in the second. `?at-once=4` goes on when four
//! such requests are in between both steps, for tests.
#![forbid(unsafe_code)]

use handlers_sdk::{Error, FaasContext, Request, function};
use std::sync::LazyLock;
use tokio::sync::Barrier;
use tracing::Instrument;

/// The barrier at which requests wait for one another.
static FOUR: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(4));

/// Answers with the price of an order.
///
/// # Errors
/// The query asks for one.
#[function(start = listen)]
pub async fn traced(request: Request) -> Result<String, Error> {
    let order = request.path().rsplit('/').next().unwrap_or_default().to_owned();
    let pieces = count(&order).await;
    if request.query("at-once").is_some() {
        FOUR.wait().await;
    }
    let price = price(&order, pieces, request.query("fail").is_some()).await?;
    Ok(format!("{order} costs {price}"))
}

#[allow(clippy::unnecessary_wraps, reason = "the form of a start")]
fn listen(_: FaasContext) -> Result<(), Error> {
    handlers_sdk::install_tracing();
    Ok(())
}

#[tracing::instrument]
async fn count(order: &str) -> usize {
    tokio::task::yield_now().await;
    order.len()
}

/// Returns the price of an order. By `err` an error makes the span a failure.
#[tracing::instrument(skip_all, err, fields(order, password = "not to be shown", price = tracing::field::Empty))]
async fn price(order: &str, pieces: usize, fails: bool) -> Result<usize, Error> {
    let span = tracing::Span::current();
    span.record("order", order);
    let ask = tracing::info_span!("ask the shop", pieces);
    // A task of tokio's belongs to a span only if it is told so.
    let asked = tokio::spawn(async move { pieces * 7 }.instrument(ask));
    let price = asked.await.map_err(|_| Error::msg("the shop does not answer"))?;
    if fails {
        return Err(Error::new("Traced.NoPrice", "there is no price"));
    }
    span.record("price", price);
    tracing::info!(price, "priced");
    Ok(price)
}

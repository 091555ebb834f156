//! Server-sent events: `GET /ticks`.

use handlers_sdk::{AsyncSink, SseEvent, StreamError, function};
use std::time::Duration;

#[function(stream)]
pub async fn ticks(mut out: AsyncSink) -> Result<(), StreamError> {
    out.header("content-type", "text/event-stream")?;
    for tick in 0..3 {
        out.send(SseEvent::new(format!("tick {tick}")).id(tick.to_string()).into()).await?;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

use handlers_sdk::{Sse, SseEvent, function};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

struct News;

impl futures_core::Stream for News {
    type Item = Result<SseEvent, Infallible>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(None)
    }
}

#[function]
async fn news() -> Sse<News> {
    Sse::new(News)
}

fn main() {}

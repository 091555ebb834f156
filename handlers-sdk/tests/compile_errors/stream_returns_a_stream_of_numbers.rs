use handlers_sdk::{Sse, function};
use std::pin::Pin;
use std::task::{Context, Poll};

struct Numbers;

impl futures_core::Stream for Numbers {
    type Item = u32;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u32>> {
        Poll::Ready(None)
    }
}

#[function(stream)]
async fn numbers() -> Sse<Numbers> {
    Sse::new(Numbers)
}

fn main() {}

//! A future that is not done at once, for tests of what an executor takes over.

use std::pin::Pin;
use std::task::{Context, Poll};

/// A future that waits once, so that it moves to the executor.
#[derive(Default)]
pub(crate) struct Later(bool);

impl Future for Later {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

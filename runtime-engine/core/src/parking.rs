//! Waiting for a future with nothing but a thread: park until woken, look again.

use std::cell::OnceCell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

thread_local! {
    /// One waker a thread: an invocation that finishes inline never makes one.
    static WAKER: OnceCell<Waker> = const { OnceCell::new() };
}

/// Runs a future to its end on this thread.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return output;
    }
    // The first look was with a waker that wakes nobody, so a second one follows before any waiting.
    let waker = WAKER.with(|waker| waker.get_or_init(|| Waker::from(Arc::new(Unpark(std::thread::current())))).clone());
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_future_woken_by_another_thread_ends() {
        let (sender, receiver) = std::sync::mpsc::channel::<Waker>();
        let other = std::thread::spawn(move || receiver.recv().unwrap().wake());
        let mut sender = Some(sender);
        let mut polls = 0;
        let polled = block_on(std::future::poll_fn(move |context| {
            polls += 1;
            match polls {
                1 => Poll::Pending,
                2 => {
                    sender.take().unwrap().send(context.waker().clone()).unwrap();
                    Poll::Pending
                }
                _ => Poll::Ready(polls),
            }
        }));
        assert!(polled >= 3);
        other.join().unwrap();
    }
}

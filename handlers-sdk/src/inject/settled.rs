//! Author's code within a longer piece of work: it is waited for, and its panic is a failure of that piece alone.

use crate::executor::drive::Call;
use crate::panics::{Panic, authored, catch};
use crate::reply::outcome::Outcome;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Makes a call and waits for its end; `None` if there was no call to make.
pub(super) async fn settled(call: impl FnOnce() -> Option<Call>) -> Option<Outcome> {
    match catch(|| authored(call)) {
        Err(panic) => Some(Outcome::panicked(panic)),
        Ok(None) => None,
        Ok(Some(Call::Ended(outcome))) => Some(outcome),
        Ok(Some(Call::Running(mut future, _))) => {
            let ended = std::future::poll_fn(|context| match catch(|| authored(|| future.as_mut().poll(context))) {
                Ok(poll) => poll,
                Err(panic) => Poll::Ready(Outcome::panicked(panic)),
            })
            .await;
            let dropped: Result<(), Panic> = catch(|| drop(future));
            Some(dropped.map_or_else(Outcome::panicked, |()| ended))
        }
    }
}

/// Returns the output of a future that never waits; `None` if it does wait.
pub(super) fn at_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

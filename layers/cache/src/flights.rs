//! One call at a time for each key that is not kept: others wait for its reply.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

type Waiting = HashMap<String, Vec<Waker>>;

/// The keys that a call fetches now, and the waiters for each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flights(Arc<Mutex<Waiting>>);

/// The duty to fetch a key: others wait until it is dropped.
#[derive(Debug)]
pub(crate) struct Fetch {
    flights: Flights,
    key: String,
}

impl Flights {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the duty, if no call has it. Otherwise waits until the call with the duty is done, and returns `None`.
    pub(crate) async fn fetch_or_wait(&self, key: &str) -> Option<Fetch> {
        let mut has_waited = false;
        poll_fn(|context| {
            let mut waiting = self.lock();
            match waiting.get_mut(key) {
                Some(wakers) => {
                    has_waited = true;
                    if !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                        wakers.push(context.waker().clone());
                    }
                    Poll::Pending
                }
                None if has_waited => Poll::Ready(None),
                None => {
                    waiting.insert(key.to_owned(), Vec::new());
                    Poll::Ready(Some(Fetch { flights: self.clone(), key: key.to_owned() }))
                }
            }
        })
        .await
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        let wakers = self.flights.lock().remove(&self.key).unwrap_or_default();
        wakers.into_iter().for_each(Waker::wake);
    }
}

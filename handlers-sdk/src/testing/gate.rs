//! A place where futures wait until the test lets them on.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// A gate, closed at first, at which functions wait. It is for tests of things that happen while they still run.
///
/// ```
/// use handlers_sdk::function;
/// use handlers_sdk::testing::{App, Gate, Invoke};
///
/// static DELIVERED: Gate = Gate::new();
///
/// #[function]
/// async fn order() -> &'static str {
///     DELIVERED.pass().await;
///     "delivered"
/// }
///
/// let app = App::builder().module(order::MODULE).start().expect("starts");
/// let mut running = app.begin(Invoke::event(""));
/// assert!(running.is_pending());
/// DELIVERED.open();
/// assert_eq!(running.wait().text(), "delivered");
/// ```
#[derive(Debug)]
pub struct Gate(Mutex<State>);

#[derive(Debug)]
struct State {
    is_open: bool,
    waiting: Vec<Waker>,
}

impl Gate {
    /// Returns a gate that is closed.
    #[must_use]
    pub const fn new() -> Gate {
        Gate(Mutex::new(State { is_open: false, waiting: Vec::new() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the gate is open; at once if it is.
    pub async fn pass(&self) {
        poll_fn(|context| {
            let mut state = self.state();
            if state.is_open {
                return Poll::Ready(());
            }
            if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                state.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// Opens the gate for all who wait, and for all who come later.
    pub fn open(&self) {
        let waiting = {
            let mut state = self.state();
            state.is_open = true;
            std::mem::take(&mut state.waiting)
        };
        // Whoever is woken may come back to the gate on this very thread.
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Default for Gate {
    fn default() -> Gate {
        Gate::new()
    }
}

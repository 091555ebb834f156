//! The calls that a provider has to answer: each exactly once, by an answer, a cancel, or the provider's own end.

use crate::service::ServiceErrorKind;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Numbers of calls and watches; no two of the process have the same, since a service has one provider.
static NUMBER: AtomicU64 = AtomicU64::new(1);

pub(super) fn next_number() -> u64 {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// Ends a call: it tells the caller the result.
pub(super) type Deliver<T> = Box<dyn FnOnce(Result<T, ServiceErrorKind>) + Send>;

/// The calls of one provider that have not been answered.
pub(crate) struct Open<T> {
    state: Mutex<State<T>>,
    /// The condition that is notified when the last completion that runs has returned.
    idle: Condvar,
}

struct State<T> {
    is_closed: bool,
    calls: HashMap<u64, Deliver<T>>,
    /// The number of completions that are running.
    delivering: usize,
}

impl<T> Default for Open<T> {
    fn default() -> Open<T> {
        let state = State { is_closed: false, calls: HashMap::new(), delivering: 0 };
        Open { state: Mutex::new(state), idle: Condvar::new() }
    }
}

impl<T> Open<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a call; `None` means that the provider has ended, and the call with it.
    pub(super) fn begin(self: &Arc<Self>, deliver: Deliver<T>) -> Option<Responder<T>> {
        let mut state = self.state();
        if state.is_closed {
            drop(state);
            deliver(Err(ServiceErrorKind::Cancelled));
            return None;
        }
        let number = next_number();
        state.calls.insert(number, deliver);
        Some(Responder { number, open: self.clone() })
    }

    /// Ends a call. Returns `false` if it had ended before.
    pub(super) fn end(&self, number: u64, result: Result<T, ServiceErrorKind>) -> bool {
        let mut state = self.state();
        let Some(deliver) = state.calls.remove(&number) else { return false };
        state.delivering += 1;
        drop(state);
        deliver(result);
        let mut state = self.state();
        state.delivering -= 1;
        if state.delivering == 0 {
            self.idle.notify_all();
        }
        true
    }

    fn is_open(&self, number: u64) -> bool {
        self.state().calls.contains_key(&number)
    }

    /// Ends all calls, and every one that comes from now on. When it returns no completion is running.
    pub(super) fn close(&self) {
        let numbers: Vec<u64> = {
            let mut state = self.state();
            state.is_closed = true;
            state.calls.keys().copied().collect()
        };
        for number in numbers {
            self.end(number, Err(ServiceErrorKind::Cancelled));
        }
        let idle = self.idle.wait_while(self.state(), |state| state.delivering > 0);
        drop(idle.unwrap_or_else(PoisonError::into_inner));
    }
}

/// The answer to one call, which its provider gives from any thread. One that is dropped is a failure of kind
/// [`ServiceErrorKind::Failed`]; one that comes after the call was cancelled is for nobody.
///
/// ```
/// use handlers_sdk::service::{Responder, ServiceErrorKind};
///
/// /// Looks a thing up, unless its caller has left by now.
/// fn look_up<T>(answer: Responder<T>, find: impl FnOnce() -> Option<T>) {
///     if answer.is_wanted() {
///         answer.give(find().ok_or(ServiceErrorKind::NotFound));
///     }
/// }
/// # use handlers_sdk::service::{Offered, params::{Got, Source, Value, Watch}};
/// # use handlers_sdk::testing::{App, Invoke};
/// # use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer};
/// # struct Known;
/// # impl Source for Known {
/// #     fn get(&self, name: &str, answer: Got) { look_up(answer, || (name == "a").then(|| Value::new("1", 1))) }
/// #     fn watch(&self, _: &str, _: Watch) {}
/// # }
/// # struct One(#[allow(dead_code)] Offered);
/// # #[layer(name = "one")]
/// # impl Layer for One {
/// #     fn create(config: &Config) -> Result<Self, Error> { config.offer_params(std::sync::Arc::new(Known)).map(One) }
/// # }
/// # #[function]
/// # async fn get(ctx: FaasContext, name: String) -> Result<Vec<u8>, Error> {
/// #     let params = ctx.params().ok_or_else(|| Error::msg("nobody knows"))?;
/// #     Ok(params.get(&name).await?.reveal().to_vec())
/// # }
/// # let app = App::builder().module(One::MODULE).module(get::MODULE).start().expect("starts");
/// # assert_eq!(app.invoke(Invoke::event("a")).text(), "1");
/// # assert!(app.invoke(Invoke::event("b")).failed.is_some());
/// ```
#[must_use = "an answer that is dropped is a failure"]
pub struct Responder<T> {
    number: u64,
    open: Arc<Open<T>>,
}

impl<T> Responder<T> {
    /// Returns the number by which the call is cancelled; never 0.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns `true` while somebody waits for the answer.
    pub fn is_wanted(&self) -> bool {
        self.open.is_open(self.number)
    }

    /// Gives the answer. The waiter is woken on this thread, and does not block it.
    pub fn give(self, result: Result<T, ServiceErrorKind>) {
        self.open.end(self.number, result);
    }
}

impl<T> Drop for Responder<T> {
    fn drop(&mut self) {
        self.open.end(self.number, Err(ServiceErrorKind::Failed));
    }
}

impl<T> fmt::Debug for Responder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder").field("number", &self.number).finish_non_exhaustive()
    }
}

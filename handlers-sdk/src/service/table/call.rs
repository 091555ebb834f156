//! One call of a service, as its caller sees it: a future that the provider's completion ends, on any thread.

use crate::panics::catch_aside;
use crate::park::Parked;
use crate::service::{ServiceError, ServiceErrorKind};
use core::ffi::c_void;
use std::fmt;
use std::future::Future;
use std::mem::replace;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// The place that the result of a call is put in.
struct Place<T>(Mutex<State<T>>);

enum State<T> {
    /// The call has not ended. The waker is woken when it does.
    Open(Option<Waker>),
    Ended(Result<T, ServiceError>),
    /// The result was taken by the caller.
    Taken,
}

impl<T> Place<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_open(&self) -> bool {
        matches!(*self.state(), State::Open(_))
    }

    fn end(&self, result: Result<T, ServiceError>) {
        let before = replace(&mut *self.state(), State::Ended(result));
        // Wakers run anybody's code, so they are not woken under the lock, and a panic of theirs is not the provider's.
        if let State::Open(Some(waker)) = before {
            catch_aside(|| waker.wake());
        }
    }
}

/// The way to tell the provider that nobody waits any more.
pub(crate) struct Cancel {
    pub(crate) provider: *mut c_void,
    pub(crate) cancel: unsafe extern "C" fn(*mut c_void, u64),
    pub(crate) number: u64,
}

// SAFETY: a service's functions may be called from any thread, and `provider` is only passed back to them (faas.h, S5).
unsafe impl Send for Cancel {}
// SAFETY: as for `Send`.
unsafe impl Sync for Cancel {}

/// A call of a service that is under way. Await it in an `async` function or hook, on any executor, or block a thread
/// with [`wait`](Self::wait).
///
/// **A call that is dropped is cancelled**, where the service knows of that: so a function whose invocation is cancelled
/// takes its calls along.
///
/// ```
/// # use handlers_sdk::service::http::{ClientReply, ClientRequest, Sent, Transport};
/// # use handlers_sdk::testing::{App, Invoke};
/// # use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer};
/// # use std::sync::Arc;
/// use handlers_sdk::service::Call;
/// use std::time::Duration;
/// # use handlers_sdk::service::Offered;
/// # struct Fake(#[allow(dead_code)] Offered);
/// # struct Answers;
/// # impl Transport for Answers {
/// #     fn send(&self, _: ClientRequest, answer: Sent) { answer.give(Ok(ClientReply::new(200).with_body("sunny"))) }
/// # }
/// # #[layer(name = "fake")]
/// # impl Layer for Fake {
/// #     fn create(config: &Config) -> Result<Self, Error> { config.offer_http_client(Arc::new(Answers)).map(Fake) }
/// # }
///
/// /// Waits on its own thread, a second at most: a call that takes longer is cancelled.
/// fn quick(call: Call<ClientReply>) -> Result<String, Error> {
///     match call.wait_for(Duration::from_secs(1)) {
///         Some(reply) => Ok(reply?.text().into_owned()),
///         None => Ok("unknown".to_owned()),
///     }
/// }
///
/// #[function(blocking)]
/// fn weather(ctx: FaasContext) -> Result<String, Error> {
///     let client = ctx.http_client().ok_or_else(|| Error::msg("expected a layer such as http-client"))?;
///     quick(client.send(ClientRequest::get("https://weather.example/vienna")))
/// }
///
/// let app = App::builder().module(Fake::MODULE).module(weather::MODULE).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::event("")).text(), "sunny");
/// ```
#[must_use = "a call that is dropped is cancelled"]
pub struct Call<T> {
    place: Arc<Place<T>>,
    cancel: Option<Cancel>,
}

impl<T> Call<T> {
    /// Makes a call. `start` passes the pointer as the completion's `arg`; the completion gives it to [`complete`].
    pub(crate) fn begin(start: impl FnOnce(*mut c_void) -> Option<Cancel>) -> Call<T> {
        let place = Arc::new(Place(Mutex::new(State::Open(None))));
        let arg = Arc::into_raw(place.clone()).cast_mut().cast();
        Call { place, cancel: start(arg) }
    }

    /// Returns a call that has failed before it began.
    pub(crate) fn failed(error: ServiceError) -> Call<T> {
        Call { place: Arc::new(Place(Mutex::new(State::Ended(Err(error))))), cancel: None }
    }

    /// Blocks this thread until the call has ended: for functions and hooks that may block, and for threads of one's
    /// own.
    ///
    /// # Errors
    /// The error is the one that the call ended with.
    pub fn wait(mut self) -> Result<T, ServiceError> {
        let (parked, waker) = Parked::here();
        loop {
            if let Poll::Ready(result) = Pin::new(&mut self).poll(&mut Context::from_waker(&waker)) {
                return result;
            }
            parked.wait();
        }
    }

    /// Blocks this thread as [`wait`](Self::wait) does, for `limit` at most. `None` means that the call had not ended
    /// by then, and is cancelled.
    pub fn wait_for(mut self, limit: Duration) -> Option<Result<T, ServiceError>> {
        // A limit that is too long to be a moment is a wait without a limit.
        let end = Instant::now().checked_add(limit);
        let (parked, waker) = Parked::here();
        loop {
            if let Poll::Ready(result) = Pin::new(&mut self).poll(&mut Context::from_waker(&waker)) {
                return Some(result);
            }
            if !parked.wait_until(end) {
                return None;
            }
        }
    }
}

impl<T> Future for Call<T> {
    type Output = Result<T, ServiceError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.place.state();
        match &mut *state {
            State::Open(Some(waker)) => waker.clone_from(context.waker()),
            State::Open(place @ None) => *place = Some(context.waker().clone()),
            State::Ended(_) => {
                if let State::Ended(result) = replace(&mut *state, State::Taken) {
                    return Poll::Ready(result);
                }
            }
            // A call that was awaited to its end is awaited again.
            State::Taken => return Poll::Pending,
        }
        Poll::Pending
    }
}

impl<T> Drop for Call<T> {
    fn drop(&mut self) {
        if let Some(Cancel { provider, cancel, number }) = self.cancel.take()
            && self.place.is_open()
        {
            // SAFETY: the provider's own function, with its own pointer. An unknown number means nothing to it.
            unsafe { cancel(provider, number) }
        }
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("is_open", &self.place.is_open()).finish_non_exhaustive()
    }
}

/// Ends a call, as its completion.
///
/// # Safety
/// `arg` must be that of [`Call::begin`] of the same `T`, and is used once.
pub(crate) unsafe fn complete<T>(arg: *mut c_void, result: Result<T, ServiceError>) {
    // SAFETY: `begin` made it of an `Arc`, and this is called once for it (faas.h, S5).
    let place = unsafe { Arc::from_raw(arg.cast_const().cast::<Place<T>>()) };
    place.end(result);
}

/// Makes the error of a completion's status.
pub(crate) fn error(service: &'static str, status: faas_abi::Status) -> ServiceError {
    ServiceError::new(service, ServiceErrorKind::of_status(status))
}

//! Work that outlives a call, and waits for its cancel: `ctx.detached()`, `ctx.after_reply(…)`, `ctx.cancelled()`.

use super::after_reply::AfterReply;
use crate::call::context::FaasContext;
use crate::call::detached::Detached;
use crate::ffi::cancel::Hearing;
use crate::park::Parked;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

impl FaasContext {
    /// Returns a copy of the ids, names and trace of this invocation, for tasks that go on after it. Unlike a context
    /// it does not hold the invocation open, and it cannot read the event.
    ///
    /// ```
    /// use handlers_sdk::{FaasContext, function};
    ///
    /// #[function]
    /// fn order(ctx: FaasContext) -> &'static str {
    ///     let detached = ctx.detached();
    ///     std::thread::spawn(move || detached.info(format_args!("still counting")));
    ///     "taken"
    /// }
    /// # assert_eq!(handlers_sdk::testing::Invoke::event("").run(order::MODULE).text(), "taken");
    /// ```
    pub fn detached(&self) -> Detached {
        Detached::of(self)
    }

    /// Runs a future once the reply is out, for work that the client need not wait for.
    ///
    /// It has ended before the platform freezes the process or sends this instance its next event, and has
    /// `FAAS_REPLIED_TIMEOUT` (5 seconds): then it is dropped, with a line in the log. A failed invocation runs it,
    /// too. Several futures of one invocation run at once. Take a [`detached`](Self::detached) copy along: a context in
    /// the future holds the reply back, so it then runs first, and the reply goes out when it is done. The same happens
    /// on a host that has no time after a reply, such as the test kit. It also happens in a phase and for a record of a
    /// batch, which end when the work has.
    ///
    /// ```
    /// use handlers_sdk::{FaasContext, function};
    ///
    /// async fn count(order: String) {
    ///     handlers_sdk::info!("counted {order}");
    /// }
    ///
    /// #[function]
    /// async fn order(ctx: FaasContext, order: String) -> &'static str {
    ///     ctx.after_reply(count(order));
    ///     "taken"
    /// }
    ///
    /// let answer = handlers_sdk::testing::Invoke::event("ink").run(order::MODULE);
    /// assert_eq!((answer.text().as_str(), answer.logs[0].message.as_str()), ("taken", "counted ink"));
    /// ```
    pub fn after_reply(&self, work: impl Future<Output = ()> + Send + 'static) {
        AfterReply::add(self.held(), &super::RUNTIME, work);
    }

    /// Waits until the runtime cancels this invocation: its deadline is near, its client has gone, or the process
    /// stops.
    ///
    /// It is for tasks beside the function: the function's own future is dropped by a cancel and sees no end of this. A
    /// task that holds a context holds the invocation open, so it should end soon after.
    ///
    /// ```
    /// use handlers_sdk::{FaasContext, function};
    ///
    /// async fn watch(ctx: FaasContext) {
    ///     ctx.cancelled().await;
    ///     ctx.warn(format_args!("given up"));
    /// }
    /// ```
    pub fn cancelled(&self) -> Cancelled<'_> {
        Cancelled { hearing: self.held().hear_cancel(), _ctx: self }
    }

    /// Blocks this thread until the runtime cancels this invocation, at most for `timeout`. Returns `true` if it has
    /// been cancelled. It is for `spawn_blocking` and threads, which nobody can drop: they ask now and then, and leave.
    ///
    /// ```
    /// use handlers_sdk::{FaasContext, function};
    /// use std::time::Duration;
    ///
    /// #[function(blocking)]
    /// fn poll(ctx: FaasContext) -> &'static str {
    ///     for _ in 0..3 {
    ///         if ctx.wait_cancelled(Duration::from_millis(1)) {
    ///             return "given up";
    ///         }
    ///     }
    ///     "nothing came"
    /// }
    /// # assert_eq!(handlers_sdk::testing::Invoke::event("").run(poll::MODULE).text(), "nothing came");
    /// ```
    pub fn wait_cancelled(&self, timeout: Duration) -> bool {
        // A timeout that is too long to be a moment is a wait without a limit.
        let end = Instant::now().checked_add(timeout);
        let hearing = self.held().hear_cancel();
        let (parked, waker) = Parked::here();
        hearing.listen(&waker);
        while !hearing.wanted() {
            if !parked.wait_until(end) {
                return hearing.wanted();
            }
        }
        true
    }
}

/// A future that is ready once the invocation is cancelled; see [`FaasContext::cancelled`].
///
/// ```
/// # use handlers_sdk::{FaasContext, function, testing::Invoke};
/// use handlers_sdk::Cancelled;
/// use std::future::poll_fn;
/// use std::pin::pin;
/// use std::task::Poll;
///
/// /// Ends as `work` does, or with `None` once the invocation is cancelled.
/// async fn unless_cancelled<T>(cancelled: Cancelled<'_>, work: impl Future<Output = T>) -> Option<T> {
///     let (mut cancelled, mut work) = (pin!(cancelled), pin!(work));
///     poll_fn(|context| match work.as_mut().poll(context) {
///         Poll::Ready(value) => Poll::Ready(Some(value)),
///         Poll::Pending => cancelled.as_mut().poll(context).map(|()| None),
///     })
///     .await
/// }
///
/// #[function]
/// async fn greet(ctx: FaasContext) -> Option<&'static str> {
///     unless_cancelled(ctx.cancelled(), async { "hello" }).await
/// }
/// # assert_eq!(Invoke::event("").run(greet::MODULE).text(), "hello");
/// ```
#[must_use = "it does nothing unless it is awaited"]
pub struct Cancelled<'c> {
    hearing: Hearing,
    /// The context keeps the call open for as long as the future is held.
    _ctx: &'c FaasContext,
}

impl Future for Cancelled<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.hearing.listen(context.waker());
        if self.hearing.wanted() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl fmt::Debug for Cancelled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancelled").field("wanted", &self.hearing.wanted()).finish_non_exhaustive()
    }
}

//! `FaasContext`: all that a function knows of the call it serves.

use crate::call::config::Config;
use crate::call::event::Event;
use crate::call::given::Values;
use crate::call::reads::reads;
use crate::call::secret::Secret;
use crate::ffi::{Held, InvBytes, Reader};
use crate::log::Level;
use crate::service::table::{self, Service};
use std::fmt::{self, Arguments, Display};
use std::sync::Arc;

/// The invocation being served, or the lifecycle phase being run. It has the caller, the platform and the deadline.
///
/// It is cheap to clone, and free to move to other threads. **The invocation ends when its last context, event or sink
/// is dropped**: one that is kept in a static or a thread that goes on holds back the reply.
///
/// ```
/// # use handlers_sdk::{function, testing::Invoke};
/// use handlers_sdk::FaasContext;
/// use std::time::Duration;
///
/// #[function]
/// fn report(ctx: FaasContext) -> Result<String, (u16, &'static str)> {
///     if ctx.remaining().is_some_and(|left| left < Duration::from_secs(1)) {
///         return Err((503, "no time left"));
///     }
///     Ok(format!("{} bytes of a {} event, request {}", ctx.event().len(), ctx.trigger(), ctx.request_id()))
/// }
///
/// let answer = Invoke::event("{}").remaining(Duration::from_secs(3)).run(report::MODULE);
/// assert_eq!(answer.text(), "2 bytes of a raw event, request test-request");
/// let answer = Invoke::http("GET", "/").remaining(Duration::from_millis(500)).run(report::MODULE);
/// assert_eq!(answer.status(), 503);
/// ```
#[derive(Clone)]
pub struct FaasContext {
    held: Held,
    /// The values made for this invocation, or for the provider that the context goes to; `None` if nothing is given.
    given: Option<Arc<Values>>,
}

/// The context of a lifecycle phase; what belongs to a request is empty in it.
///
/// ```
/// # use handlers_sdk::{Error, function, testing::App};
/// use handlers_sdk::PhaseContext;
///
/// /// Ends the start of a process that has nowhere to write to.
/// fn check(ctx: PhaseContext) -> Result<(), Error> {
///     ctx.env("TABLE").map(|_| ()).ok_or_else(|| Error::new("Orders.Config", "expected TABLE to be set"))
/// }
///
/// #[function(start = check)]
/// fn order() {}
///
/// assert!(App::builder().module(order::MODULE).config("TABLE", "orders").start().is_ok());
/// let why = App::builder().module(order::MODULE).start().expect_err("it is not set");
/// assert!(why.contains("expected TABLE to be set"), "{why}");
/// ```
pub type PhaseContext = FaasContext;

impl FaasContext {
    pub(crate) fn new(held: Held) -> FaasContext {
        FaasContext { held, given: None }
    }

    /// Returns a context of the same call, to which these values are given and no others.
    pub(crate) fn with_given(&self, values: Values) -> FaasContext {
        FaasContext { held: self.held.clone(), given: Some(Arc::new(values)) }
    }

    pub(crate) fn given(&self) -> Option<&Values> {
        self.given.as_deref()
    }

    pub(crate) fn into_held(self) -> Held {
        self.held
    }

    pub(crate) fn held(&self) -> &Held {
        &self.held
    }

    fn reader(&self) -> Reader<'_> {
        self.held.reader()
    }

    reads!();

    /// Returns `true` if the function should stop. A future is dropped without asking; code that runs on asks this.
    pub fn is_cancelled(&self) -> bool {
        self.reader().cancelled() != 0
    }

    /// Returns a configured or environment value as it was at start, for instance `ctx.env("TABLE")`.
    pub fn env(&self, key: &str) -> Option<&'static str> {
        self.config().env(key)
    }

    /// Returns the value of [`env`](Self::env) as a secret, which is not shown by accident.
    pub fn secret(&self, key: &str) -> Option<Secret> {
        self.config().secret(key)
    }

    /// Returns the function's configuration: its own part as JSON, and the values that all entries see.
    pub fn config(&self) -> Config {
        Config::of(self.held.entry())
    }

    /// Returns the event as a value of its own, to keep or to return.
    pub fn to_event(&self) -> Event {
        Event(InvBytes::event(&self.held))
    }

    /// Returns a copy of the table of a service that some library offers; `None` if no library does.
    pub fn service<S: Service>(&self) -> Option<S> {
        table::find(self.held.entry())
    }

    /// Returns `true` if a line of this level would be written. Ask before costly work for one.
    pub fn log_enabled(&self, level: Level) -> bool {
        crate::log::is_enabled(self.held.entry(), level)
    }

    /// Writes a log line with fields. The host adds time, request id and function.
    ///
    /// ```
    /// # use handlers_sdk::{FaasContext, Level, function, testing::Invoke};
    /// #[function]
    /// fn order(ctx: FaasContext, pieces: String) {
    ///     ctx.log(Level::Info, format_args!("ordered"), &[("pieces", &pieces), ("shop", &"tea")]);
    /// }
    ///
    /// let answer = Invoke::event("3").run(order::MODULE);
    /// assert_eq!((answer.logs[0].message.as_str(), answer.logs[0].field("pieces")), ("ordered", Some("3")));
    /// ```
    pub fn log(&self, level: Level, message: Arguments<'_>, fields: &[(&str, &dyn Display)]) {
        crate::log::write_within(self.reader(), level, message, fields);
    }

    crate::log::one_method_a_level!();
}

impl fmt::Debug for FaasContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaasContext").field("request_id", &self.request_id()).finish_non_exhaustive()
    }
}

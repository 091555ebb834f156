//! `Detached`, a copy of an invocation's ids, names and trace for a task that outlives it.

use crate::call::context::FaasContext;
use crate::ffi::Entry;
use crate::log::{self, Level};
use std::fmt::{self, Arguments, Display};
use std::time::{Duration, SystemTime};

/// A copy of an invocation's ids, names and trace, and a way to the log. [`FaasContext::detached`] makes it.
///
/// It is free to live as long as the process: the invocation ends without it.
///
/// ```
/// # use handlers_sdk::{FaasContext, function, testing::Invoke};
/// use handlers_sdk::Detached;
///
/// /// Counts aside. The line names the request all the same.
/// fn count_aside(detached: Detached, order: String) {
///     detached.info(format_args!("counted {order} for {}", detached.request_id()));
/// }
///
/// #[function]
/// fn order(ctx: FaasContext, order: String) -> &'static str {
///     let detached = ctx.detached();
///     std::thread::spawn(move || count_aside(detached, order));
///     "taken"
/// }
///
/// // The reply does not wait for the count.
/// assert_eq!(Invoke::event("ink").run(order::MODULE).text(), "taken");
/// ```
#[derive(Clone)]
pub struct Detached {
    entry: &'static Entry,
    request_id: String,
    function: String,
    version: String,
    service: String,
    stage: String,
    platform: String,
    region: String,
    trigger: String,
    source: String,
    tenant: Option<String>,
    traceparent: Option<String>,
    tracestate: Option<String>,
    trace: Option<String>,
    deadline_epoch_ms: Option<u64>,
}

impl Detached {
    pub(crate) fn of(ctx: &FaasContext) -> Detached {
        let some = |text: Option<&str>| text.map(str::to_owned);
        Detached {
            entry: ctx.held().entry(),
            request_id: ctx.request_id().to_owned(),
            function: ctx.function().to_owned(),
            version: ctx.version().to_owned(),
            service: ctx.service_name().to_owned(),
            stage: ctx.stage().to_owned(),
            platform: ctx.platform().to_owned(),
            region: ctx.region().to_owned(),
            trigger: ctx.trigger().to_owned(),
            source: ctx.source().to_owned(),
            tenant: some(ctx.tenant()),
            traceparent: some(ctx.traceparent()),
            tracestate: some(ctx.tracestate()),
            trace: some(ctx.trace()),
            deadline_epoch_ms: ctx.deadline_epoch_ms(),
        }
    }

    /// Returns the platform's id of the invocation.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Returns the function's name, as the platform or the configuration has it.
    pub fn function(&self) -> &str {
        &self.function
    }

    /// Returns the function's version. It is empty where the platform has no versions.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the service the function belongs to.
    pub fn service_name(&self) -> &str {
        &self.service
    }

    /// Returns the stage, such as `dev` or `prod`.
    pub fn stage(&self) -> &str {
        &self.stage
    }

    /// Returns the platform's name, such as `aws-lambda` or `http`.
    pub fn platform(&self) -> &str {
        &self.platform
    }

    /// Returns the platform's region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Returns the kind of the event: `http`, `timer`, `queue`, …; `raw` if nothing is known of it.
    pub fn trigger(&self) -> &str {
        &self.trigger
    }

    /// Returns the source of the event, such as `aws:sqs` or `aws:apigateway:v2`.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the tenant of the invocation; `None` where the platform does not isolate tenants.
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// Returns the W3C `traceparent`; `None` if neither the client nor the platform traces.
    pub fn traceparent(&self) -> Option<&str> {
        self.traceparent.as_deref()
    }

    /// Returns the W3C `tracestate`; `None` without one.
    pub fn tracestate(&self) -> Option<&str> {
        self.tracestate.as_deref()
    }

    /// Returns the platform's own trace text; `None` without one.
    pub fn trace(&self) -> Option<&str> {
        self.trace.as_deref()
    }

    /// Returns the moment at which the platform gives up waiting for the invocation; `None` without a deadline.
    pub fn deadline(&self) -> Option<SystemTime> {
        self.deadline_epoch_ms.map(|ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms))
    }

    /// Returns a configured or environment value as it was at start; `None` if there is none of that name, or it is no
    /// text.
    pub fn config(&self, key: &str) -> Option<&'static str> {
        self.entry.config(key).and_then(|value| core::str::from_utf8(value).ok())
    }

    /// Returns `true` if a line of this level would be written. Ask before costly work for one.
    pub fn log_enabled(&self, level: Level) -> bool {
        log::is_enabled(self.entry, level)
    }

    /// Writes a log line with fields. The invocation may be long over, so its id is a field, `request_id`.
    pub fn log(&self, level: Level, message: Arguments<'_>, fields: &[(&str, &dyn Display)]) {
        let id: [(&str, &dyn Display); 1] = [("request_id", &self.request_id)];
        let fields: Vec<_> = id.iter().chain(fields).copied().collect();
        log::write(None, self.entry, level, self.entry.name(), message, &fields);
    }

    crate::log::one_method_a_level!();
}

impl fmt::Debug for Detached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detached").field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

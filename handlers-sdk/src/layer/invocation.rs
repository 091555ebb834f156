//! An invocation, as a layer's hook sees and changes it.

#[cfg(feature = "json")]
use crate::call::claims;
use crate::call::pairs::Pairs;
use crate::call::reads::reads;
use crate::error::Error;
use crate::ffi::{Reader, Writer};
use crate::host::values;
use crate::layer::{Flow, Recovery};
use crate::log::Level;
use crate::reply::IntoReply;
use faas_abi::*;
use std::any::Any;
use std::fmt::{self, Arguments, Display};

/// A list of the request that layers may change.
///
/// ```
/// # use handlers_sdk::{Error, Flow, Invocation, Layer, Request, function, layer};
/// # use handlers_sdk::testing::{App, Invoke};
/// use handlers_sdk::List;
///
/// /// Takes away the members of a query by which advertisers count.
/// #[derive(Default)]
/// struct NoTracking;
///
/// #[layer]
/// impl Layer for NoTracking {
///     fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
///         // The host refuses to remove a member that is not there.
///         if invocation.http().is_some_and(|http| http.query("utm_source").is_some()) {
///             invocation.remove(List::Query, "utm_source")?;
///         }
///         Ok(Flow::Continue)
///     }
/// }
///
/// #[function]
/// fn seen(request: Request) -> String {
///     format!("{:?} {:?}", request.query("page"), request.query("utm_source"))
/// }
///
/// let app = App::builder().module(NoTracking::MODULE).module(seen::MODULE).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::http("GET", "/?page=2&utm_source=x")).text(), r#"Some("2") None"#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// The request headers, whose names compare without case.
    Header,
    /// The decoded query parameters.
    Query,
    /// The cookies of the request.
    Cookie,
    /// The path parameters of the route.
    PathParam,
    /// Values for everything that comes after: other layers, and the function through `FaasContext::extension`.
    Extension,
}

impl List {
    fn number(self) -> u32 {
        match self {
            List::Header => LIST_HEADER,
            List::Query => LIST_QUERY,
            List::Cookie => LIST_COOKIE,
            List::PathParam => LIST_PATH_PARAM,
            List::Extension => LIST_EXTENSION,
        }
    }
}

/// The invocation a hook is called for, or one record of a batch. Hooks of a phase get a [`Phase`](crate::Phase).
///
/// ```
/// # use handlers_sdk::{Error, FaasContext, Flow, Layer, function, layer};
/// # use handlers_sdk::testing::{App, Invoke};
/// use handlers_sdk::Invocation;
///
/// /// Finds the tenant by the host, tells everything further in, and marks the reply.
/// #[derive(Default)]
/// struct Tenants;
///
/// #[layer]
/// impl Layer for Tenants {
///     fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
///         let host = invocation.http().map_or("", |http| http.host());
///         let tenant = host.split('.').next().unwrap_or_default().to_owned();
///         invocation.set_extension("tenant", &tenant)?;
///         invocation.set_reply_header("x-tenant", &tenant)?;
///         Ok(Flow::Continue)
///     }
/// }
///
/// #[function]
/// fn greet(ctx: FaasContext) -> String {
///     format!("hello, {}", ctx.extension("tenant").unwrap_or("nobody"))
/// }
///
/// let app = App::builder().module(Tenants::MODULE).module(greet::MODULE).start().expect("starts");
/// let answer = app.invoke(Invoke::http("GET", "/").header("Host", "acme.example.com"));
/// assert_eq!((answer.text().as_str(), answer.header("x-tenant")), ("hello, acme", Some("acme")));
/// ```
pub struct Invocation<'a> {
    writer: Writer<'a>,
}

pub(crate) fn accepted(what: &str, status: Status) -> Result<(), Error> {
    if status < 0 {
        return Err(Error::new("Runtime.Refused", format!("the host refuses {what}: status {status}")));
    }
    Ok(())
}

impl<'a> Invocation<'a> {
    pub(crate) fn new(writer: Writer<'a>) -> Invocation<'a> {
        Invocation { writer }
    }

    fn reader(&self) -> Reader<'_> {
        self.writer.reader()
    }

    reads!();

    /// Sets all values of that name to this one.
    ///
    /// # Errors
    /// The host refuses the change; this holds for every method that changes something.
    pub fn set(&mut self, list: List, name: &str, value: &str) -> Result<(), Error> {
        accepted(name, self.writer.set(list.number(), name, value))
    }

    /// Adds one more value.
    ///
    /// # Errors
    /// It fails as [`set`](Self::set) does.
    pub fn add(&mut self, list: List, name: &str, value: &str) -> Result<(), Error> {
        accepted(name, self.writer.add(list.number(), name, value))
    }

    /// Removes all values of that name, if there are any.
    ///
    /// # Errors
    /// It fails as [`set`](Self::set) does.
    pub fn remove(&mut self, list: List, name: &str) -> Result<(), Error> {
        accepted(name, self.writer.remove(list.number(), name))
    }

    /// Sets a request header.
    ///
    /// # Errors
    /// It fails as [`set`](Self::set) does.
    pub fn set_header(&mut self, name: &str, value: &str) -> Result<(), Error> {
        self.set(List::Header, name, value)
    }

    /// Leaves a text for the layers further in and for the function.
    ///
    /// # Errors
    /// It fails as [`set`](Self::set) does.
    pub fn set_extension(&mut self, name: &str, value: &str) -> Result<(), Error> {
        self.set(List::Extension, name, value)
    }

    /// Leaves the claims of the caller, an object of JSON, for arguments of type [`Claims`](crate::Claims).
    ///
    /// # Errors
    /// The host refuses, as for [`set`](Self::set).
    #[cfg(feature = "json")]
    pub fn set_claims(&mut self, json: &str) -> Result<(), Error> {
        self.set_extension(claims::EXTENSION, json)
    }

    /// Sets one of the contract's texts (`handlers_sdk::abi::META_…`), for instance a recognised trigger.
    ///
    /// # Errors
    /// It fails as [`set`](Self::set) does; most of the names are the host's own.
    pub fn set_meta(&mut self, key: u32, value: &str) -> Result<(), Error> {
        accepted("that text", self.writer.set_meta(key, value))
    }

    /// Replaces the body that [`body`](Self::body) returns from now on.
    ///
    /// # Errors
    /// It fails as [`set`](Self::set) does.
    pub fn set_body(&mut self, body: Vec<u8>) -> Result<(), Error> {
        accepted("the body", self.writer.set_body(body))
    }

    /// Leaves a typed value for hooks and functions of this same library; one for each type.
    ///
    /// ```
    /// # use handlers_sdk::{Error, FaasContext, Flow, Invocation, Layer, function, layer};
    /// # use handlers_sdk::testing::{App, Invoke};
    /// struct Spent(u32);
    ///
    /// #[derive(Default)]
    /// struct Budget;
    ///
    /// #[layer]
    /// impl Layer for Budget {
    ///     fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
    ///         invocation.set_value(Spent(3)).map(|()| Flow::Continue)
    ///     }
    /// }
    ///
    /// #[function]
    /// fn spend(ctx: FaasContext) -> Option<String> {
    ///     ctx.value::<Spent>().map(|spent| format!("{} spent", spent.0))
    /// }
    ///
    /// let app = App::builder().module(Budget::MODULE).module(spend::MODULE).start().expect("starts");
    /// assert_eq!(app.invoke(Invoke::event("")).text(), "3 spent");
    /// ```
    ///
    /// # Errors
    /// It fails as [`set`](Self::set) does.
    pub fn set_value<T: Any + Send + Sync>(&mut self, value: T) -> Result<(), Error> {
        accepted("a value", values::set(&mut self.writer, value))
    }

    /// Returns the typed value, to change it; `None` if there is none of this type.
    pub fn value_mut<T: Any + Send + Sync>(&mut self) -> Option<&mut T> {
        values::get_mut(&mut self.writer)
    }

    /// Returns the HTTP status of the reply; `None` until one is set.
    pub fn reply_status(&self) -> Option<u16> {
        u16::try_from(self.reader().num(NUM_REPLY_STATUS)).ok().filter(|status| *status != 0)
    }

    /// Returns `true` if the reply is in the platform's own form, which is handed on untouched. Its body is no HTTP
    /// body, and a reply that takes its place would have another form.
    pub fn is_reply_raw(&self) -> bool {
        self.reader().num(NUM_REPLY_CODE) == u64::from(REPLY_RAW)
    }

    /// Returns `true` if the reply is a value, whose content type the platform chooses unless a header says it.
    pub fn is_reply_value(&self) -> bool {
        self.reader().num(NUM_REPLY_CODE) == u64::from(REPLY_VALUE)
    }

    /// Sets another status for the reply, 200 to 599.
    ///
    /// # Errors
    /// It fails as [`set`](Self::set) does, and if the reply is a stream whose head is out already.
    pub fn set_reply_status(&mut self, status: u16) -> Result<(), Error> {
        accepted("the status", self.writer.set_num(NUM_REPLY_CODE, u64::from(status)))
    }

    /// Sets an earlier deadline, in nanoseconds on the clock of [`now_ns`](Self::now_ns).
    ///
    /// # Errors
    /// It fails as [`set`](Self::set) does, and refuses a later moment.
    pub fn set_deadline_ns(&mut self, deadline: u64) -> Result<(), Error> {
        accepted("the deadline", self.writer.set_num(NUM_DEADLINE_NS, deadline))
    }

    /// Has the host note when the calls of this invocation begin and end, from here on. [`calls`](Self::calls) returns
    /// these notes.
    ///
    /// # Errors
    /// The host does not do that, or this is a record.
    pub fn time_calls(&mut self) -> Result<(), Error> {
        accepted("the timing of calls", self.writer.set_num(NUM_TIMED, 1))
    }

    /// Returns the calls that have ended since [`time_calls`](Self::time_calls), in that order. In `after_invoke` they
    /// are the layer's own `before_invoke` and all further in. In `replied` they are those of all layers and the
    /// writing of the reply.
    pub fn calls(&self) -> impl Iterator<Item = TimedCall<'_>> {
        Pairs::new(self.reader(), LIST_CALL).filter_map(|(name, value)| {
            let mut words = value.split(' ');
            let (hook, begin, end) = (words.next()?, words.next()?, words.next()?);
            Some(TimedCall { name, hook, begin_ns: begin.parse().ok()?, end_ns: end.parse().ok()? })
        })
    }

    /// Returns the records of a batch that have failed, by id and reason: complete in `after_invoke` and
    /// `invoke_failed`.
    ///
    /// ```
    /// # use handlers_sdk::{Error, Invocation, Layer, function, layer};
    /// # use handlers_sdk::testing::{App, Invoke};
    /// #[derive(Default)]
    /// struct Reports;
    ///
    /// #[layer]
    /// impl Layer for Reports {
    ///     fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
    ///         for (id, reason) in invocation.failed_records() {
    ///             handlers_sdk::warn!("{id} comes again: {reason}");
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// #[function(record)]
    /// fn work(job: String) -> Result<(), (u16, &'static str)> {
    ///     if job.is_empty() { Err((400, "there is nothing in it")) } else { Ok(()) }
    /// }
    ///
    /// let app = App::builder().module(Reports::MODULE).module(work::MODULE).start().expect("starts");
    /// let answer = app.invoke(Invoke::records([("m1", "7"), ("m2", "")]));
    /// let warning = answer.logs.iter().find(|line| line.message.starts_with("m2 comes again"));
    /// assert!(warning.is_some_and(|line| line.level == 2));
    /// ```
    pub fn failed_records(&self) -> Pairs<'_> {
        Pairs::new(self.reader(), LIST_FAILED_RECORD)
    }

    /// Returns the size of the reply's body in bytes, so far.
    pub fn reply_bytes(&self) -> u64 {
        self.reader().num(NUM_REPLY_BYTES)
    }

    /// Returns `true` if the reply is a stream whose head is out. Then only its outcome matters any more.
    pub fn is_streamed(&self) -> bool {
        self.reader().num(NUM_STREAMED) != 0
    }

    /// Returns the reply's body; empty for a stream.
    pub fn reply_body(&self) -> &[u8] {
        self.reader().reply_body()
    }

    /// Returns the first reply header of that name; `None` without one.
    pub fn reply_header(&self, name: &str) -> Option<&str> {
        self.reader().get(LIST_REPLY_HEADER, name).and_then(|value| core::str::from_utf8(value).ok())
    }

    /// Returns all reply headers, in order and with repeats.
    pub fn reply_headers(&self) -> Pairs<'_> {
        Pairs::new(self.reader(), LIST_REPLY_HEADER)
    }

    /// Returns the `Set-Cookie` texts of the reply, each the value of a pair without a name.
    pub fn reply_cookies(&self) -> Pairs<'_> {
        Pairs::new(self.reader(), LIST_REPLY_COOKIE)
    }

    /// Sets a reply header; also before there is a reply.
    ///
    /// # Errors
    /// It fails as [`set`](Self::set) does.
    pub fn set_reply_header(&mut self, name: &str, value: &str) -> Result<(), Error> {
        accepted(name, self.writer.set(LIST_REPLY_HEADER, name, value))
    }

    /// Adds a reply header.
    ///
    /// # Errors
    /// It fails as [`set`](Self::set) does.
    pub fn add_reply_header(&mut self, name: &str, value: &str) -> Result<(), Error> {
        accepted(name, self.writer.add(LIST_REPLY_HEADER, name, value))
    }

    /// Removes a reply header, if it is there.
    ///
    /// # Errors
    /// It fails as [`set`](Self::set) does.
    pub fn remove_reply_header(&mut self, name: &str) -> Result<(), Error> {
        accepted(name, self.writer.remove(LIST_REPLY_HEADER, name))
    }

    /// Adds a `Set-Cookie`, as its whole text.
    ///
    /// # Errors
    /// It fails as [`set`](Self::set) does.
    pub fn add_reply_cookie(&mut self, text: &str) -> Result<(), Error> {
        accepted("a cookie", self.writer.add(LIST_REPLY_COOKIE, "", text))
    }

    /// Sets the reply.
    ///
    /// # Errors
    /// The reply cannot be made, or the host refuses it.
    pub fn set_reply<M>(&mut self, reply: impl IntoReply<M>) -> Result<(), Error> {
        let mut reply = reply.into_reply()?;
        let body = std::mem::take(&mut reply.body).into_given();
        accepted("the reply", reply.write(body, &mut self.writer))
    }

    /// Answers in the place of the function: `return invocation.respond(Response::new(401));`
    ///
    /// # Errors
    /// It fails as [`set_reply`](Self::set_reply) does.
    pub fn respond<M>(&mut self, reply: impl IntoReply<M>) -> Result<Flow, Error> {
        self.set_reply(reply).map(|()| Flow::Respond)
    }

    /// Answers in the place of a failure: `return invocation.recover(Response::new(503));`
    ///
    /// # Errors
    /// It fails as [`set_reply`](Self::set_reply) does.
    pub fn recover<M>(&mut self, reply: impl IntoReply<M>) -> Result<Recovery, Error> {
        self.set_reply(reply).map(|()| Recovery::Recovered)
    }

    /// Returns `true` if the runtime wishes the invocation to end: its deadline has come, or its client is gone. The
    /// future of an `async` hook is dropped without asking; a blocking hook that runs on asks this.
    pub fn is_cancelled(&self) -> bool {
        self.reader().cancelled() != 0
    }

    /// Returns `true` if a line of this level would be written.
    pub fn log_enabled(&self, level: Level) -> bool {
        crate::log::is_enabled(self.reader().entry(), level)
    }

    /// Writes a log line with fields. The host adds time, request id and layer.
    pub fn log(&self, level: Level, message: Arguments<'_>, fields: &[(&str, &dyn Display)]) {
        crate::log::write_within(self.reader(), level, message, fields);
    }

    /// Returns the moment at which the event was whole, on the clock of [`now_ns`](Self::now_ns).
    pub fn received_ns(&self) -> u64 {
        self.reader().num(NUM_RECEIVED_NS)
    }

    /// Returns the host's monotonic clock in nanoseconds.
    pub fn now_ns(&self) -> u64 {
        self.reader().entry().now_ns()
    }

    /// Returns the number of invocations that run in this process now.
    pub fn in_flight(&self) -> u64 {
        self.reader().num(NUM_IN_FLIGHT)
    }
}

/// A call of an invocation that has ended.
///
/// ```
/// # use handlers_sdk::{Error, Flow, Invocation, Layer, function, layer};
/// # use handlers_sdk::testing::{App, Invoke};
/// use handlers_sdk::TimedCall;
///
/// fn described(call: TimedCall<'_>) -> String {
///     let name = if call.name.is_empty() { "function" } else { call.name };
///     format!("{name}.{}", call.hook)
/// }
///
/// #[derive(Default)]
/// struct Times;
///
/// #[layer]
/// impl Layer for Times {
///     fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
///         invocation.time_calls().map(|()| Flow::Continue)
///     }
///
///     fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
///         let calls: Vec<String> = invocation.calls().map(described).collect();
///         invocation.set_reply_header("x-calls", &calls.join(" "))
///     }
/// }
/// # #[function]
/// # fn hello() -> &'static str { "hello" }
///
/// let app = App::builder().module(Times::MODULE).module(hello::MODULE).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::http("GET", "/")).header("x-calls"), Some("times.before function.invoke"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedCall<'a> {
    /// The layer's name; empty for the function and for the writing of the reply.
    pub name: &'a str,
    /// The hook that was called: `before`, `head`, `after`, `on_error`, `invoke` of the function, `reply`, `replied`.
    pub hook: &'a str,
    /// The moment it began, on the clock of [`Invocation::now_ns`]: the moment at which the call before it ended.
    pub begin_ns: u64,
    /// The moment it ended, on the same clock.
    pub end_ns: u64,
}

impl fmt::Debug for Invocation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocation").field("request_id", &self.request_id()).finish_non_exhaustive()
    }
}

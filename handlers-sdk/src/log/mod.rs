//! Log lines into the host, with and without a context.
//!
//! The host stamps time, request id and function; a line that is not wanted is never formatted.

pub(crate) mod line;
#[cfg(feature = "json")]
pub(crate) mod redact;
#[cfg(feature = "json")]
pub(crate) mod share;

use crate::ffi::current::{Place, place};
use crate::ffi::{Entry, Reader};
use std::fmt::{Arguments, Display};

/// The importance of a line.
///
/// ```
/// # use handlers_sdk::{FaasContext, function, testing::Invoke};
/// use handlers_sdk::Level;
///
/// #[function]
/// fn order(ctx: FaasContext, stock: String) {
///     let level = if stock == "0" { Level::Warn } else { Level::Debug };
///     ctx.log(level, format_args!("{stock} left"), &[]);
/// }
///
/// assert_eq!(Invoke::event("0").run(order::MODULE).logs[0].level, 2);
/// assert!(Level::Error < Level::Warn, "what is more important comes first");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something has failed.
    Error,
    /// Something is not as it should be.
    Warn,
    /// Something has happened.
    Info,
    /// Something that helps to find a fault.
    Debug,
    /// Every single step of the program.
    Trace,
}

impl Level {
    pub(crate) fn number(self) -> u32 {
        match self {
            Level::Error => 1,
            Level::Warn => 2,
            Level::Info => 3,
            Level::Debug => 4,
            Level::Trace => 5,
        }
    }
}

/// Adds the methods that write a line of one level to a type with a method `log`.
macro_rules! one_method_a_level {
    () => {
        /// Logs an error.
        pub fn error(&self, message: Arguments<'_>) {
            self.log(Level::Error, message, &[]);
        }

        /// Logs a warning.
        pub fn warn(&self, message: Arguments<'_>) {
            self.log(Level::Warn, message, &[]);
        }

        /// Logs what happened.
        pub fn info(&self, message: Arguments<'_>) {
            self.log(Level::Info, message, &[]);
        }

        /// Logs what helps to find a fault.
        pub fn debug(&self, message: Arguments<'_>) {
            self.log(Level::Debug, message, &[]);
        }
    };
}

pub(crate) use one_method_a_level;

/// Returns `true` if a line of this level would be written for an entry.
pub(crate) fn is_enabled(entry: &Entry, level: Level) -> bool {
    entry.log_enabled(level.number(), entry.name())
}

/// Writes a line within a call, under the name of its entry.
pub(crate) fn write_within(call: Reader<'_>, level: Level, message: Arguments<'_>, fields: &[(&str, &dyn Display)]) {
    let entry = call.entry();
    write(Some(call), entry, level, entry.name(), message, fields);
}

pub(crate) fn write(
    call: Option<Reader<'_>>,
    entry: &Entry,
    level: Level,
    target: &str,
    message: Arguments<'_>,
    fields: &[(&str, &dyn Display)],
) {
    let level = level.number();
    if !entry.log_enabled(level, target) {
        return;
    }
    let made;
    let message = match message.as_str() {
        Some(message) => message,
        None => {
            made = message.to_string();
            &made
        }
    };
    let values: Vec<String> = fields.iter().map(|(_, value)| value.to_string()).collect();
    let fields: Vec<(&str, &str)> =
        fields.iter().zip(&values).map(|((name, _), value)| (*name, value.as_str())).collect();
    match call {
        Some(reader) => reader.log(level, target, message, &fields),
        None => entry.log_alone(level, target, message, &fields),
    }
}

/// Returns `true` if a line of this level and target would be written.
///
/// ```
/// # use handlers_sdk::{function, testing::Invoke};
/// use handlers_sdk::log::{self, Level};
///
/// #[function]
/// fn costly() -> &'static str {
///     // The runtime of a test writes lines down to level DEBUG.
///     if log::enabled(Level::Trace, module_path!()) { "asked" } else { "spared" }
/// }
///
/// assert_eq!(Invoke::event("").run(costly::MODULE).text(), "spared");
/// ```
pub fn enabled(level: Level, target: &str) -> bool {
    place(|place| match place {
        Some(Place::Call(reader)) => reader.entry().log_enabled(level.number(), target),
        Some(Place::Host(entry)) => entry.log_enabled(level.number(), target),
        None => false,
    })
}

/// Writes a line: for the call this thread is in, if it is in one. Before any `create` there is no host to write to,
/// and the line is lost.
///
/// ```
/// # use handlers_sdk::{function, testing::Invoke};
/// use handlers_sdk::log::{Level, log};
///
/// /// Writes a line whose target is no module, as a macro does not.
/// fn audit(user: &str) {
///     log(Level::Info, "audit", format_args!("signed in"), &[("user", &user)]);
/// }
///
/// #[function]
/// fn sign_in(user: String) {
///     audit(&user);
/// }
///
/// let line = &Invoke::event("ada").run(sign_in::MODULE).logs[0];
/// assert_eq!((line.target.as_str(), line.field("user")), ("audit", Some("ada")));
/// ```
pub fn log(level: Level, target: &str, message: Arguments<'_>, fields: &[(&str, &dyn Display)]) {
    place(|place| match place {
        Some(Place::Call(reader)) => write(Some(reader), reader.entry(), level, target, message, fields),
        Some(Place::Host(entry)) => write(None, entry, level, target, message, fields),
        None => {}
    });
}

/// Writes a line of a given [`Level`]: `log!(Level::Info, {order = id}, "taken after {elapsed:?}")`. The fields may be
/// left out. It belongs to the invocation whose function or hook this thread is running; elsewhere use the context's
/// methods.
///
/// ```
/// # use handlers_sdk::{Level, function, testing::Invoke};
/// #[function]
/// fn order(pieces: String) {
///     let level = if pieces.len() > 3 { Level::Warn } else { Level::Info };
///     handlers_sdk::log!(level, { pieces = pieces }, "an order");
/// }
///
/// let line = &Invoke::event("9000").run(order::MODULE).logs[0];
/// assert_eq!((line.level, line.field("pieces")), (2, Some("9000")));
/// ```
#[macro_export]
macro_rules! log {
    ($level:expr, {$($name:ident = $value:expr),* $(,)?}, $($message:tt)+) => {
        $crate::log::log($level, ::core::module_path!(), ::core::format_args!($($message)+), &[
            $((::core::stringify!($name), &$value as &dyn ::core::fmt::Display)),*
        ])
    };
    ($level:expr, $($message:tt)+) => {
        $crate::log::log($level, ::core::module_path!(), ::core::format_args!($($message)+), &[])
    };
}

/// Logs a failure, at level ERROR; see [`log!`].
///
/// ```
/// # use handlers_sdk::{function, testing::Invoke};
/// #[function]
/// fn pay(card: String) -> &'static str {
///     handlers_sdk::error!({ card = card }, "the bank is closed");
///     "later"
/// }
///
/// let line = &Invoke::event("17").run(pay::MODULE).logs[0];
/// assert_eq!((line.level, line.message.as_str(), line.field("card")), (1, "the bank is closed", Some("17")));
/// ```
#[macro_export]
macro_rules! error {
    ($($line:tt)+) => { $crate::log!($crate::log::Level::Error, $($line)+) };
}

/// Logs something that is not as it should be, at level WARN; see [`log!`].
///
/// ```
/// # use handlers_sdk::{function, testing::Invoke};
/// #[function]
/// fn sell() {
///     let left = 2;
///     handlers_sdk::warn!("only {left} left");
/// }
///
/// let line = &Invoke::event("").run(sell::MODULE).logs[0];
/// assert_eq!((line.level, line.message.as_str()), (2, "only 2 left"));
/// ```
#[macro_export]
macro_rules! warn {
    ($($line:tt)+) => { $crate::log!($crate::log::Level::Warn, $($line)+) };
}

/// Logs an ordinary event, at level INFO; see [`log!`].
///
/// ```
/// # use handlers_sdk::{function, testing::Invoke};
/// #[function]
/// fn sell(item: String) {
///     handlers_sdk::info!({ item = item, pieces = 3 }, "sold for {:.2}", 4.5);
/// }
///
/// let line = &Invoke::event("tea").run(sell::MODULE).logs[0];
/// assert_eq!((line.level, line.message.as_str(), line.field("pieces")), (3, "sold for 4.50", Some("3")));
/// ```
#[macro_export]
macro_rules! info {
    ($($line:tt)+) => { $crate::log!($crate::log::Level::Info, $($line)+) };
}

/// Logs something that helps to find a fault, at level DEBUG; see [`log!`].
///
/// ```
/// # use handlers_sdk::{function, testing::Invoke};
/// #[function]
/// fn route(path: String) {
///     handlers_sdk::debug!("looked up {path:?}");
/// }
///
/// let line = &Invoke::event("/tea").run(route::MODULE).logs[0];
/// assert_eq!((line.level, line.message.as_str()), (4, r#"looked up "/tea""#));
/// ```
#[macro_export]
macro_rules! debug {
    ($($line:tt)+) => { $crate::log!($crate::log::Level::Debug, $($line)+) };
}

/// Logs a single step, at level TRACE; see [`log!`].
///
/// ```
/// # use handlers_sdk::{function, testing::Invoke};
/// #[function]
/// fn step() {
///     handlers_sdk::trace!("one more step");
/// }
///
/// // The runtime of a test writes lines down to level DEBUG, and this one is never formatted.
/// assert!(Invoke::event("").run(step::MODULE).logs.is_empty());
/// ```
#[macro_export]
macro_rules! trace {
    ($($line:tt)+) => { $crate::log!($crate::log::Level::Trace, $($line)+) };
}

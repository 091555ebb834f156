//! Numbers of one's own, through the service `faas.telemetry`: one layer gathers and sends, all others report.
//!
//! ```
//! use handlers_sdk::telemetry::{Gather, Labels};
//! use handlers_sdk::testing::{App, Invoke};
//! use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer};
//! use std::sync::{Arc, Mutex};
//!
//! /// A layer that gathers: here, it only keeps the sum of every counter.
//! struct Sums(Arc<Kept>);
//!
//! #[derive(Default)]
//! struct Kept(Mutex<f64>);
//!
//! impl Gather for Kept {
//!     fn counter(&self, _name: &str, value: f64, _labels: Labels<'_>) {
//!         *self.0.lock().unwrap() += value;
//!     }
//!     fn gauge(&self, _name: &str, _value: f64, _labels: Labels<'_>) {}
//!     fn histogram(&self, _name: &str, _value: f64, _labels: Labels<'_>) {}
//! }
//!
//! #[layer(name = "sums")]
//! impl Layer for Sums {
//!     fn create(config: &Config) -> Result<Self, Error> {
//!         let kept = Arc::<Kept>::default();
//!         config.offer_telemetry(kept.clone())?;
//!         Ok(Sums(kept))
//!     }
//!
//!     fn health(&self) -> Result<(), Error> {
//!         if *self.0.0.lock().unwrap() > 100.0 { Err(Error::msg("too many orders")) } else { Ok(()) }
//!     }
//! }
//!
//! /// A function that reports. Without a provider it does its work all the same.
//! #[function]
//! fn order(ctx: FaasContext) -> &'static str {
//!     if let Some(telemetry) = ctx.telemetry() {
//!         telemetry.counter("orders_total", 1.0, &[("shop", "vienna")]);
//!     }
//!     "ordered"
//! }
//!
//! let app = App::builder().module(Sums::MODULE).module(order::MODULE).start().expect("starts");
//! assert_eq!(app.invoke(Invoke::event("")).text(), "ordered");
//! ```

pub(crate) mod table;

pub use table::{Labels, Telemetry};

/// A gatherer of the numbers. No method blocks for long or panics: each is called in the middle of other work, from any
/// thread.
///
/// A name consists of letters, digits, `_` and `.`, with its unit at the end: `payment_seconds`, `orders_total`.
///
/// ```
/// # use handlers_sdk::testing::{App, Invoke};
/// # use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer};
/// # use std::sync::Arc;
/// use handlers_sdk::telemetry::{Gather, Labels};
///
/// /// Writes each number to the log, which is enough for a test.
/// struct Prints;
///
/// impl Gather for Prints {
///     fn counter(&self, name: &str, value: f64, _: Labels<'_>) {
///         handlers_sdk::info!("{name} +{value}");
///     }
///
///     fn gauge(&self, name: &str, value: f64, _: Labels<'_>) {
///         handlers_sdk::info!("{name} ={value}");
///     }
///
///     fn histogram(&self, name: &str, value: f64, _: Labels<'_>) {
///         handlers_sdk::info!("{name} {value}");
///     }
/// }
/// # struct Numbers;
/// # #[layer(name = "numbers")]
/// # impl Layer for Numbers {
/// #     fn create(config: &Config) -> Result<Self, Error> {
/// #         config.offer_telemetry(Arc::new(Prints)).map(|()| Numbers)
/// #     }
/// # }
///
/// #[function]
/// fn order(ctx: FaasContext) {
///     if let Some(telemetry) = ctx.telemetry() {
///         telemetry.counter("orders_total", 1.0, &[]);
///     }
/// }
///
/// let app = App::builder().module(Numbers::MODULE).module(order::MODULE).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::event("")).logs[0].message, "orders_total +1");
/// ```
pub trait Gather: Send + Sync + 'static {
    /// Adds to a sum that never falls. A negative value is to be dropped.
    fn counter(&self, name: &str, value: f64, labels: Labels<'_>);

    /// Notes the present value of a number that rises and falls.
    fn gauge(&self, name: &str, value: f64, labels: Labels<'_>);

    /// Notes one more observation of a distribution.
    fn histogram(&self, name: &str, value: f64, labels: Labels<'_>);
}

/// The way in which a span ended.
///
/// ```
/// use handlers_sdk::telemetry::SpanEnd;
///
/// let word = |end| if end == SpanEnd::Failed { "error" } else { "" };
/// assert_eq!(word(SpanEnd::Failed), "error");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanEnd {
    /// The span ended without a word about how.
    Unsaid,
    /// The span ended well.
    Well,
    /// The span ended in failure.
    Failed,
}

/// A taker of the spans that functions and layers begin themselves, by `tracing` or through the contract. The same
/// holds as for [`Gather`]. A span that is never ended is to be dropped after a while.
///
/// ```
/// # use handlers_sdk::testing::{App, Invoke};
/// # use handlers_sdk::{Config, Error, Layer, function, layer};
/// # use std::sync::Arc;
/// use handlers_sdk::telemetry::{GatherSpans, Labels, SpanEnd};
///
/// /// Writes the name of each span to the log, and follows none.
/// struct Prints;
///
/// impl GatherSpans for Prints {
///     fn begin(&self, parent: &str, name: &str, _: Labels<'_>) -> u64 {
///         handlers_sdk::info!("{name} below {parent}");
///         0
///     }
///
///     fn context(&self, _: u64) -> Option<String> {
///         None
///     }
///
///     fn event(&self, _: u64, _: &str, _: Labels<'_>) {}
///
///     fn end(&self, _: u64, _: SpanEnd, _: Labels<'_>) {}
/// }
///
/// struct Spans;
///
/// #[layer(name = "spans")]
/// impl Layer for Spans {
///     fn create(config: &Config) -> Result<Self, Error> {
///         config.offer_spans(Arc::new(Prints)).map(|()| Spans)
///     }
/// }
/// # #[function]
/// # fn order() {}
/// # App::builder().module(Spans::MODULE).module(order::MODULE).start().expect("starts").invoke(Invoke::event(""));
/// ```
pub trait GatherSpans: Send + Sync + 'static {
    /// Begins a span. `parent` is a `traceparent`; any other text, or an empty one, begins a trace. Returns its number,
    /// which is 0 if it is not sampled or there is no room.
    fn begin(&self, parent: &str, name: &str, attributes: Labels<'_>) -> u64;

    /// Returns the `traceparent` of a span, for its children; `None` if there is no such span.
    fn context(&self, span: u64) -> Option<String>;

    /// Notes what happens within a span, now.
    fn event(&self, span: u64, name: &str, attributes: Labels<'_>);

    /// Ends a span, now. The attributes come beside those of its beginning.
    fn end(&self, span: u64, end: SpanEnd, attributes: Labels<'_>);
}

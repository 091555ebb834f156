//! The table of `faas.telemetry`, from both sides: a safe trait behind it, and safe calls in front of it. That of
//! `faas.spans`, which is the same, is in [`spans`].
#![allow(unsafe_code, reason = "a service is a table of pointers, whoever built its two sides")]

pub(crate) mod spans;

use crate::error::Error;
use crate::ffi::Entry;
use crate::panics::catch_aside;
use crate::telemetry::Gather;
use core::ffi::c_void;
use faas_abi::services::{NumberFn, TELEMETRY, TELEMETRY_MAJOR, Telemetry as Table};
use faas_abi::tables::read_table;
use faas_abi::{Bytes, E_NOT_FOUND, OK, Pair, Status};
use std::fmt;
use std::sync::Arc;

/// The labels of a number, as they were reported.
///
/// ```
/// # use handlers_sdk::testing::{App, Invoke};
/// # use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer, telemetry::Gather};
/// # use std::sync::Arc;
/// use handlers_sdk::telemetry::Labels;
///
/// /// Makes the key under which a number is gathered.
/// fn key(name: &str, labels: Labels<'_>) -> String {
///     let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
///     format!("{name}{{{}}}", labels.join(","))
/// }
/// # struct Prints;
/// # impl Gather for Prints {
/// #     fn counter(&self, name: &str, _: f64, labels: Labels<'_>) { handlers_sdk::info!("{}", key(name, labels)); }
/// #     fn gauge(&self, _: &str, _: f64, _: Labels<'_>) {}
/// #     fn histogram(&self, _: &str, _: f64, _: Labels<'_>) {}
/// # }
/// # struct Numbers;
/// # #[layer(name = "numbers")]
/// # impl Layer for Numbers {
/// #     fn create(config: &Config) -> Result<Self, Error> {
/// #         config.offer_telemetry(Arc::new(Prints)).map(|()| Numbers)
/// #     }
/// # }
/// # #[function]
/// # fn order(ctx: FaasContext) {
/// #     ctx.telemetry().unwrap().counter("orders_total", 1.0, &[("shop", "tea"), ("by", "card")]);
/// # }
/// # let app = App::builder().module(Numbers::MODULE).module(order::MODULE).start().expect("starts");
/// # assert_eq!(app.invoke(Invoke::event("")).logs[0].message, "orders_total{shop=tea,by=card}");
/// ```
#[derive(Clone, Copy)]
pub struct Labels<'a>(&'a [Pair]);

impl<'a> Labels<'a> {
    /// Makes the labels of the pairs that a host lends.
    ///
    /// # Safety
    /// `labels` must be `count` pairs that stay readable during `'a`.
    pub(crate) unsafe fn lent(labels: *const Pair, count: usize) -> Labels<'a> {
        if count == 0 {
            return Labels(&[]);
        }
        // SAFETY: the caller's promise.
        Labels(unsafe { core::slice::from_raw_parts(labels, count) })
    }

    /// Returns name and value of each label; a label that is not UTF-8 is left out.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.0.iter().filter_map(|pair| {
            // SAFETY: lent for the call that reports them, which `'a` does not outlive.
            let name = unsafe { pair.name.as_slice() };
            // SAFETY: as above.
            let value = unsafe { pair.value.as_slice() };
            Some((core::str::from_utf8(name).ok()?, core::str::from_utf8(value).ok()?))
        })
    }
}

impl fmt::Debug for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Takes one report to the gatherer.
///
/// # Safety
/// `provider` must come from `offer::<G>`. The texts are lent for the call.
unsafe fn report<G: Gather>(
    provider: *mut c_void,
    name: Bytes,
    labels: *const Pair,
    count: usize,
    to: impl FnOnce(&G, &str, Labels<'_>),
) {
    // SAFETY: `offer` made it of a shared value that is never freed.
    let gather = unsafe { &*provider.cast::<G>() };
    // SAFETY: lent for the call.
    let Ok(name) = core::str::from_utf8(unsafe { name.as_slice() }) else { return };
    // SAFETY: `count` pairs, lent for the call.
    let labels = unsafe { Labels::lent(labels, count) };
    // A number that could not be noted fails nobody's call.
    catch_aside(|| to(gather, name, labels));
}

unsafe extern "C" fn counter<G: Gather>(provider: *mut c_void, name: Bytes, value: f64, labels: *const Pair, n: usize) {
    // SAFETY: the consumer passes what the table says.
    unsafe { report::<G>(provider, name, labels, n, |gather, name, labels| gather.counter(name, value, labels)) }
}

unsafe extern "C" fn gauge<G: Gather>(provider: *mut c_void, name: Bytes, value: f64, labels: *const Pair, n: usize) {
    // SAFETY: as in `counter`.
    unsafe { report::<G>(provider, name, labels, n, |gather, name, labels| gather.gauge(name, value, labels)) }
}

unsafe extern "C" fn histogram<G: Gather>(
    provider: *mut c_void,
    name: Bytes,
    value: f64,
    labels: *const Pair,
    n: usize,
) {
    // SAFETY: as in `counter`.
    unsafe { report::<G>(provider, name, labels, n, |gather, name, labels| gather.histogram(name, value, labels)) }
}

/// Begins no span. This gatherer takes no spans, which have a service of their own, so every span is as if it were not
/// sampled.
unsafe extern "C" fn span_begin(_: *mut c_void, _: Bytes, _: Bytes, _: *const Pair, _: usize) -> u64 {
    0
}

unsafe extern "C" fn span_context(_: *mut c_void, _: u64, _: *mut u8) -> Status {
    E_NOT_FOUND
}

unsafe extern "C" fn span_event(_: *mut c_void, _: u64, _: Bytes, _: *const Pair, _: usize) {}

unsafe extern "C" fn span_end(_: *mut c_void, _: u64, _: u32, _: *const Pair, _: usize) {}

/// Offers a gatherer. Table and gatherer live as long as the process, since a consumer may keep them.
pub(crate) fn offer<G: Gather>(entry: &Entry, gather: Arc<G>) -> Result<(), Error> {
    offer_table(entry, (TELEMETRY, TELEMETRY_MAJOR), gather, |provider| Table {
        size: size_of::<Table>(),
        provider,
        counter: Some(counter::<G>),
        gauge: Some(gauge::<G>),
        histogram: Some(histogram::<G>),
        span_begin: Some(span_begin),
        span_context: Some(span_context),
        span_event: Some(span_event),
        span_end: Some(span_end),
    })
}

/// Offers the table that `fill` makes around a provider.
pub(crate) fn offer_table<G>(
    entry: &Entry,
    (name, major): (&str, u32),
    provider: Arc<G>,
    fill: impl FnOnce(*mut c_void) -> Table,
) -> Result<(), Error> {
    let provider = Arc::into_raw(provider);
    let table = Box::into_raw(Box::new(fill(provider.cast_mut().cast())));
    let status = entry.offer(name, major, table.cast());
    if status == OK {
        return Ok(());
    }
    // SAFETY: the host did not take it.
    drop(unsafe { Box::from_raw(table) });
    // SAFETY: as above.
    drop(unsafe { Arc::from_raw(provider) });
    Err(Error::new(
        "Runtime.ServiceRefused",
        format!("the host does not take the service {name} (major {major}): status {status}"),
    ))
}

pub(crate) fn find(entry: &Entry) -> Option<Telemetry> {
    let table = entry.service(TELEMETRY, TELEMETRY_MAJOR).cast::<Table>();
    if table.is_null() {
        return None;
    }
    // SAFETY: not null, and the table of that service; it lives as long as the process.
    let table = unsafe { read_table(table) };
    Some(Telemetry { provider: table.provider, counter: table.counter, gauge: table.gauge, histogram: table.histogram })
}

/// The way to report numbers: the provider of `faas.telemetry`. It is small, `Copy`, and good for the life of the
/// process.
///
/// No call blocks or fails. Labels are few and have few values, so the id of a user is no label.
///
/// ```
/// # use handlers_sdk::{FaasContext, function, testing::Invoke};
/// use handlers_sdk::telemetry::Telemetry;
/// use std::time::Instant;
///
/// fn paid(telemetry: Telemetry, began: Instant, open: u32) {
///     telemetry.histogram("payment_seconds", began.elapsed().as_secs_f64(), &[("by", "card")]);
///     telemetry.gauge("orders_open", open.into(), &[]);
/// }
///
/// #[function]
/// fn pay(ctx: FaasContext) -> &'static str {
///     let began = Instant::now();
///     if let Some(telemetry) = ctx.telemetry() {
///         paid(telemetry, began, 3);
///     }
///     "paid"
/// }
///
/// assert_eq!(Invoke::event("").run(pay::MODULE).text(), "paid", "it works without a provider, too");
/// ```
#[derive(Clone, Copy)]
pub struct Telemetry {
    provider: *mut c_void,
    counter: Option<NumberFn>,
    gauge: Option<NumberFn>,
    histogram: Option<NumberFn>,
}

// SAFETY: the provider's functions may be called from any thread, and `provider` is only passed back to them.
unsafe impl Send for Telemetry {}
// SAFETY: as for `Send`.
unsafe impl Sync for Telemetry {}

/// The most labels that are told of one number; more are left out.
const MOST_LABELS: usize = 16;

/// Returns the first `MOST` labels as pairs of the contract, and the number of pairs that are set.
pub(crate) fn pairs<const MOST: usize>(labels: &[(&str, &str)]) -> ([Pair; MOST], usize) {
    let mut pairs = [Pair::EMPTY; MOST];
    for (pair, (name, value)) in pairs.iter_mut().zip(labels) {
        *pair = Pair { name: Bytes::of(name.as_bytes()), value: Bytes::of(value.as_bytes()) };
    }
    (pairs, labels.len().min(MOST))
}

impl Telemetry {
    fn tell(&self, how: Option<NumberFn>, name: &str, value: f64, labels: &[(&str, &str)]) {
        let Some(how) = how else { return };
        let (pairs, count) = pairs::<MOST_LABELS>(labels);
        // SAFETY: the provider's own pointer; the texts are lent for the call.
        unsafe { how(self.provider, Bytes::of(name.as_bytes()), value, pairs.as_ptr(), count) }
    }

    /// Adds to a sum that never falls; a negative value is dropped.
    pub fn counter(&self, name: &str, value: f64, labels: &[(&str, &str)]) {
        self.tell(self.counter, name, value, labels);
    }

    /// Sets the present value of a number that rises and falls.
    pub fn gauge(&self, name: &str, value: f64, labels: &[(&str, &str)]) {
        self.tell(self.gauge, name, value, labels);
    }

    /// Notes one more observation, such as how long a payment took in seconds. The provider's configuration has the
    /// buckets.
    pub fn histogram(&self, name: &str, value: f64, labels: &[(&str, &str)]) {
        self.tell(self.histogram, name, value, labels);
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
    }
}

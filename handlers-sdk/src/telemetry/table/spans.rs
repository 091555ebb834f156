//! The table of `faas.spans`, from both sides: a safe trait behind it, and safe calls in front of it.

use super::{Labels, offer_table};
use crate::error::Error;
use crate::ffi::Entry;
use crate::panics::catch_aside;
use crate::telemetry::{GatherSpans, SpanEnd};
use core::ffi::c_void;
use faas_abi::services::{SPAN_ERROR, SPAN_OK, SPANS, SPANS_MAJOR, TRACEPARENT_BYTES, Telemetry as Table};
use faas_abi::{Bytes, E_NOT_FOUND, OK, Pair, Status};
use std::sync::Arc;

/// Drops a number. This provider takes no numbers, which have a service of their own.
unsafe extern "C" fn number(_: *mut c_void, _: Bytes, _: f64, _: *const Pair, _: usize) {}

/// Calls the gatherer. Returns `None` if it panics: a span fails nobody's call.
///
/// # Safety
/// `provider` must come from `offer::<G>`.
unsafe fn told<G: GatherSpans, T>(provider: *mut c_void, to: impl FnOnce(&G) -> T) -> Option<T> {
    // SAFETY: `offer` made it of a shared value that is never freed.
    let gather = unsafe { &*provider.cast::<G>() };
    catch_aside(|| to(gather))
}

unsafe extern "C" fn begin<G: GatherSpans>(
    provider: *mut c_void,
    parent: Bytes,
    name: Bytes,
    attributes: *const Pair,
    count: usize,
) -> u64 {
    // SAFETY: lent for the call.
    let parent = core::str::from_utf8(unsafe { parent.as_slice() }).unwrap_or_default();
    // SAFETY: as above.
    let Ok(name) = core::str::from_utf8(unsafe { name.as_slice() }) else { return 0 };
    // SAFETY: `attributes` points to `count` pairs, which are lent for the call.
    let attributes = unsafe { Labels::lent(attributes, count) };
    // SAFETY: the consumer passes what the table says.
    unsafe { told(provider, |gather: &G| gather.begin(parent, name, attributes)) }.unwrap_or(0)
}

unsafe extern "C" fn context<G: GatherSpans>(provider: *mut c_void, span: u64, out: *mut u8) -> Status {
    // SAFETY: the consumer passes what the table says.
    let found = unsafe { told(provider, |gather: &G| gather.context(span)) };
    let Some(text) = found.flatten().filter(|text| text.len() == TRACEPARENT_BYTES as usize) else {
        return E_NOT_FOUND;
    };
    // SAFETY: the consumer's room is that long, and its own.
    unsafe { core::ptr::copy_nonoverlapping(text.as_ptr(), out, text.len()) };
    OK
}

unsafe extern "C" fn event<G: GatherSpans>(
    provider: *mut c_void,
    span: u64,
    name: Bytes,
    attributes: *const Pair,
    count: usize,
) {
    // SAFETY: lent for the call.
    let Ok(name) = core::str::from_utf8(unsafe { name.as_slice() }) else { return };
    // SAFETY: `attributes` points to `count` pairs, which are lent for the call.
    let attributes = unsafe { Labels::lent(attributes, count) };
    // SAFETY: the consumer passes what the table says.
    unsafe { told(provider, |gather: &G| gather.event(span, name, attributes)) };
}

unsafe extern "C" fn end<G: GatherSpans>(
    provider: *mut c_void,
    span: u64,
    result: u32,
    attributes: *const Pair,
    count: usize,
) {
    let result = match result {
        SPAN_OK => SpanEnd::Well,
        SPAN_ERROR => SpanEnd::Failed,
        _ => SpanEnd::Unsaid,
    };
    // SAFETY: `attributes` points to `count` pairs, which are lent for the call.
    let attributes = unsafe { Labels::lent(attributes, count) };
    // SAFETY: the consumer passes what the table says.
    unsafe { told(provider, |gather: &G| gather.end(span, result, attributes)) };
}

/// Offers a gatherer of spans, which lives as long as the process.
pub(crate) fn offer<G: GatherSpans>(entry: &Entry, gather: Arc<G>) -> Result<(), Error> {
    offer_table(entry, (SPANS, SPANS_MAJOR), gather, |provider| Table {
        size: size_of::<Table>(),
        provider,
        counter: Some(number),
        gauge: Some(number),
        histogram: Some(number),
        span_begin: Some(begin::<G>),
        span_context: Some(context::<G>),
        span_event: Some(event::<G>),
        span_end: Some(end::<G>),
    })
}

#[cfg(feature = "tracing")]
pub(crate) use taker::Taker;

#[cfg(feature = "tracing")]
mod taker {
    use super::*;
    use crate::telemetry::table::pairs;
    use faas_abi::services::SPAN_UNSET;
    use faas_abi::tables::read_table;

    /// The most attributes that are told at once; further ones are left out. A span of `tracing` has no more.
    const MOST: usize = 32;

    /// The provider of `faas.spans`. Good for the life of the process.
    #[derive(Clone, Copy)]
    pub(crate) struct Taker {
        provider: *mut c_void,
        begin: unsafe extern "C" fn(*mut c_void, Bytes, Bytes, *const Pair, usize) -> u64,
        context: unsafe extern "C" fn(*mut c_void, u64, *mut u8) -> Status,
        event: unsafe extern "C" fn(*mut c_void, u64, Bytes, *const Pair, usize),
        end: unsafe extern "C" fn(*mut c_void, u64, u32, *const Pair, usize),
    }

    // SAFETY: the provider's functions may be called from any thread, and `provider` is only passed back to them.
    unsafe impl Send for Taker {}
    // SAFETY: as for `Send`.
    unsafe impl Sync for Taker {}

    impl Taker {
        /// Returns `None` if nobody takes spans.
        pub(crate) fn find(entry: &Entry) -> Option<Taker> {
            let table = entry.service(SPANS, SPANS_MAJOR).cast::<Table>();
            if table.is_null() {
                return None;
            }
            // SAFETY: not null, and the table of that service; it lives as long as the process.
            let table = unsafe { read_table(table) };
            Some(Taker {
                provider: table.provider,
                begin: table.span_begin?,
                context: table.span_context?,
                event: table.span_event?,
                end: table.span_end?,
            })
        }

        /// Returns `None` if the span is not taken.
        pub(crate) fn begin(self, parent: &str, name: &str, attributes: &[(&str, &str)]) -> Option<u64> {
            let (pairs, count) = pairs::<MOST>(attributes);
            let (parent, name) = (Bytes::of(parent.as_bytes()), Bytes::of(name.as_bytes()));
            // SAFETY: the provider's own pointer; the texts are lent for the call.
            let span = unsafe { (self.begin)(self.provider, parent, name, pairs.as_ptr(), count) };
            (span != 0).then_some(span)
        }

        /// Returns the `traceparent` of a span, or `None` if the provider has forgotten it.
        pub(crate) fn context(self, span: u64) -> Option<String> {
            let mut out = [0; TRACEPARENT_BYTES as usize];
            // SAFETY: the provider's own pointer; `out` is as long as the provider may write.
            let status = unsafe { (self.context)(self.provider, span, out.as_mut_ptr()) };
            if status == OK { String::from_utf8(out.to_vec()).ok() } else { None }
        }

        pub(crate) fn event(self, span: u64, name: &str, attributes: &[(&str, &str)]) {
            let (pairs, count) = pairs::<MOST>(attributes);
            // SAFETY: the provider's own pointer; the texts are lent for the call.
            unsafe { (self.event)(self.provider, span, Bytes::of(name.as_bytes()), pairs.as_ptr(), count) }
        }

        pub(crate) fn end(self, span: u64, failed: bool, attributes: &[(&str, &str)]) {
            let (pairs, count) = pairs::<MOST>(attributes);
            let result = if failed { SPAN_ERROR } else { SPAN_UNSET };
            // SAFETY: the provider's own pointer; the texts are lent for the call.
            unsafe { (self.end)(self.provider, span, result, pairs.as_ptr(), count) }
        }
    }
}

//! `tracing` spans as spans of the layer that takes them, below the span of the function. Nothing is formatted or kept
//! where no layer takes spans, or the invocation is not sampled.

use super::lines::{Line, level};
use crate::ffi::Reader;
use crate::ffi::current::{Place, is_in_hook, place};
use crate::log::enabled;
use crate::telemetry::table::spans::Taker;
use faas_abi::services::FUNCTION_SPAN;
use faas_abi::{LIST_EXTENSION, META_TRACEPARENT};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// Hands spans to the layer that takes them, such as `trace`. [`install_tracing`](crate::install_tracing) sets it up.
/// In a registry of your own it disables the spans that nobody takes, for the layers beside it too.
///
/// A span stands below the one it was entered in, and otherwise below that of the function whose call this thread is
/// in. One that is in neither is not taken. An event within a span is an event of it; one of level `ERROR` makes it a
/// failure.
///
/// ```standalone_crate
/// # use handlers_sdk::{function, testing::Invoke};
/// use handlers_sdk::{Error, HostLog, HostSpans, PhaseContext};
/// use tracing_subscriber::layer::SubscriberExt;
///
/// fn start(_: PhaseContext) -> Result<(), Error> {
///     let subscriber = tracing_subscriber::registry().with(HostLog).with(HostSpans);
///     Ok(tracing::subscriber::set_global_default(subscriber)?)
/// }
///
/// #[function(start = start)]
/// fn order() -> String {
///     // Nobody takes spans in this test, so this one is never made.
///     tracing::info_span!("order").is_disabled().to_string()
/// }
///
/// assert_eq!(Invoke::event("").run(order::MODULE).text(), "true");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct HostSpans;

/// A span that is taken.
struct Taken {
    taker: Taker,
    number: u64,
    /// The fields that were recorded after its beginning.
    more: Vec<(&'static str, String)>,
    has_failed: bool,
}

/// Returns the `traceparent` of this thread's call; empty if there is none.
fn traceparent(call: Reader<'_>) -> &str {
    let own = if is_in_hook() { None } else { call.get(LIST_EXTENSION, FUNCTION_SPAN) };
    own.and_then(|own| core::str::from_utf8(own).ok()).unwrap_or_else(|| call.text(META_TRACEPARENT))
}

fn is_sampled(traceparent: &str) -> bool {
    let flags = traceparent.rsplit('-').next().and_then(|flags| u8::from_str_radix(flags, 16).ok());
    flags.is_some_and(|flags| flags & 1 == 1)
}

/// Returns `true` if a span that begins here and now may be taken.
fn may_be_taken() -> bool {
    place(|place| match place {
        Some(Place::Call(call)) => Taker::find(call.entry()).is_some() && is_sampled(traceparent(call)),
        // A task or thread of its own: its parent decides.
        Some(Place::Host(entry)) => Taker::find(entry).is_some(),
        None => false,
    })
}

fn fields<'l>(line: &'l [(&'static str, String)]) -> Vec<(&'l str, &'l str)> {
    line.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// Returns `true` if the span is taken. It is asked before anything is formatted: an author's `Debug` may log within
/// the same span, whose data would be locked then.
fn is_taken<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> bool {
    span.extensions().get::<Taken>().is_some()
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for HostSpans {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        // Libraries begin spans at DEBUG and TRACE for whoever looks for a fault.
        let is_wanted = || *metadata.level() <= Level::INFO || enabled(level(metadata.level()), metadata.target());
        !metadata.is_span() || is_wanted() && may_be_taken()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let of_parent = span.parent().and_then(|parent| {
            let extensions = parent.extensions();
            let taken = extensions.get::<Taken>()?;
            Some((taken.taker, taken.taker.context(taken.number)?))
        });
        let of_call = || {
            place(|place| match place {
                Some(Place::Call(call)) => {
                    let parent = traceparent(call);
                    is_sampled(parent).then_some(())?;
                    Some((Taker::find(call.entry())?, parent.to_owned()))
                }
                _ => None,
            })
        };
        let Some((taker, parent)) = of_parent.or_else(of_call) else { return };
        let mut line = Line::default();
        attributes.record(&mut line);
        let Some(number) = taker.begin(&parent, span.name(), &fields(&line.fields)) else { return };
        span.extensions_mut().insert(Taken { taker, number, more: Vec::new(), has_failed: false });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id).filter(is_taken) else { return };
        let mut line = Line::default();
        values.record(&mut line);
        if let Some(taken) = span.extensions_mut().get_mut::<Taken>() {
            taken.more.append(&mut line.fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(span) = context.event_span(event).filter(is_taken) else { return };
        let mut line = Line::default();
        event.record(&mut line);
        let name = if line.message.is_empty() { event.metadata().name() } else { &line.message };
        if let Some(taken) = span.extensions_mut().get_mut::<Taken>() {
            taken.taker.event(taken.number, name, &fields(&line.fields));
            taken.has_failed |= *event.metadata().level() == Level::ERROR;
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let taken = context.span(&id).and_then(|span| span.extensions_mut().remove::<Taken>());
        if let Some(Taken { taker, number, more, has_failed }) = taken {
            taker.end(number, has_failed, &fields(&more));
        }
    }
}

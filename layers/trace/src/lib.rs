//! Traces invocations: takes a caller's context or begins a trace, hands the context on to those further in, and sends
//! a span for each invocation, each record, each phase of the start, and each that functions begin themselves to a
//! collector, over OTLP/HTTP, after the reply.
//!
//! The README has the table of its configuration.
#![forbid(unsafe_code)]

mod clock;
mod own;
mod sampler;
mod settings;
mod span;

use clock::{Clock, wall_ns};
use faas_otlp::{Attribute, Context, Exporter, Ids, Resource, Value, faas_trigger, text};
use handlers_sdk::abi::services::FUNCTION_SPAN;
use handlers_sdk::{Config, Error, Failure, Flow, Invocation, Layer, Phase, Recovery, ReplyHead, abi, layer};
use own::Own;
use sampler::Sampler;
use settings::{Propagator, Settings};
use span::{Event, Kind, Outcome, Span, Spans};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The layer, with its exporter.
#[derive(Debug)]
pub struct Trace {
    config: Config,
    settings: Settings,
    exporter: Exporter<Spans>,
    ids: Arc<Ids>,
    clock: Arc<Clock>,
    sampler: Sampler,
    /// The phases of the start, until an invocation takes them into its trace.
    phases: Mutex<Vec<Began>>,
}

/// A phase of the start: name, function, beginning and end, and the failure.
#[derive(Clone, Debug)]
struct Began {
    name: &'static str,
    function: String,
    start: u64,
    end: u64,
    error: Option<String>,
}

/// The span of an invocation or a record that is being served.
struct Active {
    context: Context,
    parent: Option<[u8; 8]>,
    state: String,
    /// The id of the function's span, which is told of after the reply.
    function: [u8; 8],
    /// The beginning of the span, in nanoseconds on the host's clock.
    start_ns: u64,
    /// The nanoseconds that are added to a moment of the host's clock, to make it one since 1970.
    distance: u64,
    /// The time at which the reply's head was fixed, in nanoseconds on the host's clock; 0 before that.
    head_ns: AtomicU64,
}

impl Active {
    /// Returns a moment of the host's clock, in nanoseconds since 1970.
    fn wall(&self, ns: u64) -> u64 {
        ns.max(self.start_ns).wrapping_add(self.distance)
    }
}

/// The span of a record, beside that of its batch.
struct OfRecord(Active);

/// The most phases that are told of. Those of further functions are left out.
const MOST_PHASES: usize = 64;

/// The name and version of the sender, as its messages have them.
const SCOPE: (&str, &str) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));

impl Trace {
    fn is_sampled(&self, parent: Option<&Context>, trace: &[u8; 16]) -> bool {
        if let Some(parent) = parent.filter(|_| self.settings.parent_based) {
            return parent.sampled;
        }
        self.sampler.takes(trace)
    }

    fn begin(&self, parent: Option<Context>, state: &str, since_ns: u64, now_ns: u64) -> Active {
        let trace = parent.as_ref().map_or_else(|| self.ids.trace(), |parent| parent.trace);
        let sampled = self.is_sampled(parent.as_ref(), &trace);
        let context = Context { trace, span: self.ids.span(), sampled };
        Active {
            context,
            parent: parent.map(|parent| parent.span),
            state: state.to_owned(),
            function: self.ids.span(),
            start_ns: since_ns,
            distance: self.clock.look(now_ns),
            head_ns: AtomicU64::new(0),
        }
    }

    /// Ends a span; it takes the phases of the start with it, if it is the first.
    fn end(&self, active: &Active, name: String, kind: Kind, attributes: Vec<Attribute>, error: Option<String>) {
        if !active.context.sampled {
            return;
        }
        let Context { trace, span: id, .. } = active.context;
        let head = active.head_ns.load(Ordering::Relaxed);
        let events = if head == 0 {
            Vec::new()
        } else {
            vec![Event { time: active.wall(head), name: "reply.head".into(), attributes: Vec::new() }]
        };
        let end = active.wall(self.config.now_ns());
        let phases = std::mem::take(&mut *self.phases.lock().unwrap_or_else(PoisonError::into_inner));
        for phase in phases {
            self.exporter.add(Span {
                trace,
                id: self.ids.span(),
                parent: Some(id),
                state: active.state.clone(),
                name: phase.name.to_owned(),
                kind: Kind::Internal,
                start: phase.start,
                end: phase.end,
                attributes: text("faas.name", &phase.function).into_iter().collect(),
                events: Vec::new(),
                lost_events: 0,
                outcome: Outcome::of(phase.error),
            });
        }
        let (parent, state, start) = (active.parent, active.state.clone(), active.wall(active.start_ns));
        let (lost_events, outcome) = (0, Outcome::of(error));
        self.exporter.add(Span {
            trace,
            id,
            parent,
            state,
            name,
            kind,
            start,
            end,
            attributes,
            events,
            lost_events,
            outcome,
        });
    }

    fn end_invocation(&self, invocation: &Invocation<'_>, failure: Option<&Failure<'_>>) {
        let Some(active) = invocation.value::<Active>().filter(|active| active.context.sampled) else { return };
        let status = invocation.reply_status().filter(|_| failure.is_none());
        let trigger = invocation.trigger();
        let http = invocation.http();
        let mut attributes: Vec<Attribute> = [
            text("faas.name", invocation.function()),
            text("faas.invocation_id", invocation.request_id()),
            text("faas.trigger", faas_trigger(trigger)),
            text("error.type", failure.map_or("", |failure| failure.kind)),
        ]
        .into_iter()
        .flatten()
        .collect();
        attributes.push(("faas.coldstart".into(), Value::Bool(invocation.is_cold_start())));
        let (mut name, mut kind) = (invocation.function().to_owned(), kind_of(trigger));
        if let Some(http) = http {
            kind = Kind::Server;
            // A gateway's `$default` is no pattern of paths.
            let route = http.route().filter(|route| route.starts_with('/'));
            name = route.map_or_else(|| http.method().to_owned(), |route| format!("{} {route}", http.method()));
            attributes.extend(
                [
                    text("http.request.method", http.method()),
                    text("url.path", http.path()),
                    text("url.scheme", http.scheme()),
                    text("http.route", route.unwrap_or_default()),
                    text("server.address", http.host()),
                    text("client.address", http.client_ip()),
                    text("user_agent.original", http.header("user-agent").unwrap_or_default()),
                ]
                .into_iter()
                .flatten(),
            );
            if let Some(status) = status {
                attributes.push(("http.response.status_code".into(), Value::Int(status.into())));
            }
        }
        let error = match (failure, status) {
            (Some(failure), _) => Some(failure.kind.to_owned()),
            (None, Some(status @ 500..)) => Some(format!("status {status}")),
            _ => None,
        };
        self.end(active, name, kind, attributes, error);
    }

    /// Adds a span for each call that the host has timed, below that of the invocation.
    fn add_calls(&self, invocation: &Invocation<'_>) {
        let Some(active) = invocation.value::<Active>().filter(|active| active.context.sampled) else { return };
        for call in invocation.calls() {
            let name = match (call.hook, call.name) {
                ("invoke", _) => invocation.function().to_owned(),
                (hook, "") => hook.to_owned(),
                (hook, layer) => format!("{layer} {hook}"),
            };
            self.exporter.add(Span {
                trace: active.context.trace,
                id: if call.hook == "invoke" { active.function } else { self.ids.span() },
                parent: Some(active.context.span),
                state: active.state.clone(),
                name,
                kind: Kind::Internal,
                start: active.wall(call.begin_ns),
                end: active.wall(call.end_ns),
                attributes: [text("faas.layer", call.name), text("faas.hook", call.hook)]
                    .into_iter()
                    .flatten()
                    .collect(),
                events: Vec::new(),
                lost_events: 0,
                outcome: Outcome::Unset,
            });
        }
    }

    fn end_phase(&self, phase: &Phase<'_>, error: Option<&str>) {
        let Some(start) = phase.value::<u64>().copied() else { return };
        let mut phases = self.phases.lock().unwrap_or_else(PoisonError::into_inner);
        if phases.len() < MOST_PHASES {
            let (name, function) = (phase.name(), phase.function().to_owned());
            phases.push(Began { name, function, start, end: wall_ns(), error: error.map(str::to_owned) });
        }
    }

    /// Hands the context on: to layers and function as the invocation's, and in the headers of a request.
    fn hand_on(&self, invocation: &mut Invocation<'_>, context: &Context) -> Result<(), Error> {
        let traceparent = context.w3c();
        invocation.set_meta(abi::META_TRACEPARENT, &traceparent)?;
        if invocation.http().is_some() {
            for form in &self.settings.propagators {
                match form {
                    Propagator::W3c => invocation.set_header("traceparent", &traceparent)?,
                    Propagator::B3 => invocation.set_header("b3", &context.b3())?,
                    Propagator::Xray => invocation.set_header("x-amzn-trace-id", &context.xray())?,
                }
            }
        }
        Ok(())
    }
}

fn kind_of(trigger: &str) -> Kind {
    if matches!(trigger, "queue" | "topic" | "stream") { Kind::Consumer } else { Kind::Server }
}

fn begin_phase(phase: &mut Phase<'_>) -> Result<(), Error> {
    phase.set_value(wall_ns())
}

#[layer(name = "trace")]
impl Layer for Trace {
    fn create(config: &Config) -> Result<Self, Error> {
        let settings = Settings::read(config)?;
        let exporter = Exporter::new(Spans, settings.export.clone());
        let (ids, clock) = (Arc::new(Ids::new()), Arc::new(Clock::new(config.now_ns())));
        let sampler = Sampler(settings.rate);
        let own = Own::new(config, exporter.clone(), ids.clone(), clock.clone(), sampler);
        // Where another instance of this layer, or another layer, has been first, it takes them.
        let _ = config.offer_spans(Arc::new(own));
        Ok(Trace { config: *config, settings, exporter, ids, clock, sampler, phases: Mutex::default() })
    }

    fn before_runtime_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        begin_phase(phase)
    }

    fn after_runtime_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        self.end_phase(phase, None);
        Ok(())
    }

    fn before_function_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        begin_phase(phase)
    }

    fn after_function_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        self.end_phase(phase, None);
        Ok(())
    }

    fn function_start_failed(&self, phase: &mut Phase<'_>, failure: &Failure<'_>) -> Result<(), Error> {
        self.end_phase(phase, Some(failure.kind));
        Ok(())
    }

    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        let of_request = invocation.http().and_then(Context::of_request);
        let parent = of_request.or_else(|| invocation.traceparent().and_then(Context::of_w3c));
        let of_header = invocation.http().and_then(|http| http.header("tracestate"));
        let state = if parent.is_some() { of_header.or(invocation.tracestate()).unwrap_or_default() } else { "" };
        let active = self.begin(parent, state, invocation.received_ns(), invocation.now_ns());
        self.hand_on(invocation, &active.context)?;
        if active.context.sampled {
            self.exporter.of(|export| Resource::of(invocation, export, SCOPE));
            // A host that does not time calls has no such spans.
            if self.settings.layers && invocation.time_calls().is_ok() {
                invocation.set_extension(FUNCTION_SPAN, &active.context.beside(active.function).w3c())?;
            }
        }
        invocation.set_value(active)?;
        Ok(Flow::Continue)
    }

    fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {
        if let Some(active) = head.value::<Active>() {
            active.head_ns.store(self.config.now_ns(), Ordering::Relaxed);
        }
        Ok(())
    }

    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        self.end_invocation(invocation, None);
        Ok(())
    }

    fn invoke_failed(&self, invocation: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        self.end_invocation(invocation, Some(failure));
        Ok(Recovery::Pass)
    }

    fn before_record(&self, record: &mut Invocation<'_>) -> Result<Flow, Error> {
        let now = record.now_ns();
        let parent = record.traceparent().and_then(Context::of_w3c);
        let active = OfRecord(self.begin(parent, "", now, now));
        if active.0.context.sampled {
            record.set_extension(FUNCTION_SPAN, &active.0.context.w3c())?;
        }
        record.set_value(active)?;
        Ok(Flow::Continue)
    }

    fn after_record(&self, record: &mut Invocation<'_>) -> Result<(), Error> {
        self.end_record(record, None);
        Ok(())
    }

    fn record_failed(&self, record: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        self.end_record(record, Some(failure));
        Ok(Recovery::Pass)
    }

    async fn replied(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        self.add_calls(invocation);
        self.exporter.replied(invocation.platform()).await;
        Ok(())
    }

    fn suspend(&self, _: &mut Phase<'_>) -> Result<(), Error> {
        self.exporter.flush_here();
        Ok(())
    }

    fn resume(&self, _: &mut Phase<'_>) -> Result<(), Error> {
        self.ids.renew();
        Ok(())
    }

    fn after_close(&self, _: &mut Phase<'_>) -> Result<(), Error> {
        self.exporter.close();
        Ok(())
    }
}

impl Trace {
    fn end_record(&self, record: &Invocation<'_>, failure: Option<&Failure<'_>>) {
        let Some(OfRecord(active)) = record.value::<OfRecord>() else { return };
        let id = record.record().map_or("", |record| record.id());
        let attributes =
            [text("messaging.message.id", id), text("error.type", failure.map_or("", |failure| failure.kind))];
        let name = format!("{} record", record.function());
        let error = failure.map(|failure| failure.kind.to_owned());
        self.end(active, name, Kind::Consumer, attributes.into_iter().flatten().collect(), error);
    }
}

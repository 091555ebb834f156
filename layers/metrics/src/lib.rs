//! Counts invocations, failures and time, and gathers the numbers that functions report: CloudWatch documents where
//! logs are CloudWatch's, Prometheus text elsewhere, and everywhere OTLP to a collector, if it is switched on.
//!
//! On AWS Lambda each invocation writes one line in the Embedded Metric Format, from which CloudWatch makes metrics. On
//! platforms that send HTTP requests, `GET /metrics` answers in Prometheus' text format, in the function's place; with
//! `FAAS_METRICS_LISTEN` a port of its own does, and every path is the function's. With `OTEL_METRICS_EXPORTER=otlp` a
//! collector is sent all of it, after replies. The layer offers `faas.telemetry`.
//!
//! The README has the table of its configuration.
#![forbid(unsafe_code)]

mod emf;
mod histogram;
mod invocations;
mod labels;
mod listener;
mod own;
mod points;
mod settings;

use faas_otlp::{Context, Exporter, Ids, Resource};
use handlers_sdk::{Config, Error, Failure, Flow, Invocation, Layer, Level, Phase, Recovery, Response, layer};
use invocations::{Example, Invocations, head};
use labels::{Labels, Outcome};
use listener::Listener;
use own::Own;
use points::{Changed, Points, wall_ns};
use settings::Settings;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The content type of Prometheus' text format.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The platform whose logs are CloudWatch's.
const AWS_LAMBDA: &str = "aws-lambda";

/// The layer, with its numbers.
#[derive(Debug)]
pub struct Metrics {
    config: Config,
    gathered: Arc<Gathered>,
    /// The directive of its documents.
    directive: String,
    /// The reason why another layer gathers the numbers of functions; `None` if this one does.
    elsewhere: Option<Error>,
    listener: Option<Listener>,
    exporter: Option<Exporter<Points>>,
}

/// The name and version of the sender, as its messages have them.
const SCOPE: (&str, &str) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));

/// The numbers that the page for Prometheus and the reports to a collector are made of.
#[derive(Debug)]
struct Gathered {
    settings: Arc<Settings>,
    invocations: Invocations,
    in_flight: AtomicU64,
    own: Arc<Own>,
    /// The time at which it began, in nanoseconds since 1970.
    start: u64,
}

impl Gathered {
    fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    fn page(&self) -> String {
        let mut out = String::with_capacity(4096);
        self.invocations.write(&mut out, &self.settings.buckets);
        head(&mut out, "faas_invocations_in_flight", "gauge", "Invocations in progress.");
        let _ = writeln!(out, "faas_invocations_in_flight {}", self.in_flight());
        self.own.write(&mut out);
        out
    }
}

impl Metrics {
    fn count(&self, invocation: &Invocation<'_>, outcome: Outcome) {
        let gathered = &*self.gathered;
        gathered.in_flight.fetch_sub(1, Ordering::Relaxed);
        let took_ns = invocation.now_ns().saturating_sub(invocation.received_ns());
        let documents = invocation.platform() == AWS_LAMBDA;
        gathered.own.goes_to_documents(documents);
        if documents {
            emf::document(&gathered.settings, &self.directive, invocation, outcome, took_ns).emit(&self.config);
            gathered.own.flush(&self.config);
        }
        if documents && self.exporter.is_none() {
            return;
        }
        let (labels, seconds) =
            (Labels::of(invocation, outcome), std::time::Duration::from_nanos(took_ns).as_secs_f64());
        if invocation.is_cold_start() {
            gathered.invocations.add_cold();
        }
        let example = self.exporter.as_ref().and_then(|_| example(invocation.traceparent()?, seconds));
        if gathered.invocations.add(&gathered.settings.buckets, labels, seconds, example) {
            handlers_sdk::warn!(
                "more than {} series of invocations: further ones are counted as \"other\"",
                gathered.settings.series
            );
        }
        if let Some(exporter) = &self.exporter {
            exporter.of(|export| {
                let mut resource = Resource::of(invocation, export, SCOPE);
                // Sums of two processes are two series.
                let instance = u128::from_be_bytes(Ids::new().trace());
                resource.set("service.instance.id", &format!("{instance:032x}"));
                resource
            });
            exporter.mark(Changed);
        }
    }

    /// Returns `true` if this request asks for the page. Only requests of a server of ours have a path that is all
    /// ours; an event's path belongs to the function, and asking for it would read the event.
    fn is_scrape(&self, invocation: &Invocation<'_>) -> bool {
        self.listener.is_none()
            && invocation.platform() != AWS_LAMBDA
            && invocation.source() == "http"
            && invocation.http().is_some_and(|http| {
                http.path() == self.gathered.settings.path && matches!(http.method(), "GET" | "HEAD")
            })
    }
}

/// Returns the example of an invocation, by its place among the traces; `None` if its trace is not kept.
fn example(traceparent: &str, seconds: f64) -> Option<Example> {
    let Context { trace, span, sampled } = Context::of_w3c(traceparent)?;
    sampled.then(|| Example { trace, span, seconds, time: wall_ns() })
}

#[layer(name = "metrics")]
impl Layer for Metrics {
    fn create(config: &Config) -> Result<Self, Error> {
        let settings = Arc::new(Settings::read(config)?);
        let own = Arc::new(Own::new(settings.clone()));
        // Where another instance of this layer, or another gatherer, has been first, invocations are counted all the
        // same.
        let elsewhere = config.offer_telemetry(own.clone()).err();
        let gathered = Arc::new(Gathered {
            invocations: Invocations::new(settings.series),
            in_flight: AtomicU64::new(0),
            own,
            settings: settings.clone(),
            start: wall_ns(),
        });
        let exporter = settings.otlp.clone().map(|export| Exporter::new(Points(gathered.clone()), export));
        let directive = emf::of_invocations(&settings);
        let listener = settings.listen.map(|address| {
            let shown = gathered.clone();
            Listener::open(address, settings.path, move || shown.page()).map_err(|error| {
                Error::new("Metrics.Listen", format!("FAAS_METRICS_LISTEN: cannot listen on {address}: {error}"))
            })
        });
        Ok(Metrics { config: *config, gathered, directive, elsewhere, listener: listener.transpose()?, exporter })
    }

    fn before_runtime_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        if !phase.platform().is_empty() {
            self.gathered.own.goes_to_documents(phase.platform() == AWS_LAMBDA);
        }
        if let Some(why) = &self.elsewhere {
            let message = why.message();
            phase.log(Level::Warn, format_args!("own metrics are gathered elsewhere: {message}"), &[]);
        }
        if let Some(listener) = &self.listener {
            handlers_sdk::info!("metrics on http://{}{}", listener.address(), self.gathered.settings.path);
        }
        Ok(())
    }

    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        if self.is_scrape(invocation) {
            let page = Response::new(200).set_header("content-type", PROMETHEUS).body(self.gathered.page());
            return invocation.respond(page);
        }
        self.gathered.in_flight.fetch_add(1, Ordering::Relaxed);
        Ok(Flow::Continue)
    }

    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        self.count(invocation, Outcome::of_status(invocation.reply_status()));
        Ok(())
    }

    fn invoke_failed(&self, invocation: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        self.count(invocation, Outcome::of_failure(failure));
        Ok(Recovery::Pass)
    }

    async fn replied(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        if let Some(exporter) = &self.exporter {
            exporter.replied(invocation.platform()).await;
        }
        Ok(())
    }

    fn suspend(&self, _: &mut Phase<'_>) -> Result<(), Error> {
        if let Some(exporter) = &self.exporter {
            exporter.flush_here();
        }
        Ok(())
    }

    fn resume(&self, _: &mut Phase<'_>) -> Result<(), Error> {
        if let Some(exporter) = &self.exporter {
            exporter.forget_resource();
        }
        Ok(())
    }

    fn after_close(&self, _: &mut Phase<'_>) -> Result<(), Error> {
        self.gathered.own.flush(&self.config);
        if let Some(exporter) = &self.exporter {
            exporter.close();
        }
        Ok(())
    }
}

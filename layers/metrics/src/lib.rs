//! Counts invocations, failures and time: CloudWatch documents where logs are CloudWatch's, Prometheus text elsewhere.
//!
//! On AWS Lambda each invocation writes one line in the Embedded Metric Format, from which CloudWatch makes metrics. On
//! platforms that send HTTP requests, `GET /metrics` answers in Prometheus' text format, in the function's place;
//! `FAAS_METRICS_PATH` gives it another path.
//!
//! Configuration: `FAAS_METRICS_NAMESPACE` (EMF namespace, default `runtime-engine`).
#![forbid(unsafe_code)]

mod counters;
mod emf;

use counters::{Counters, Outcome};
use handlers_sdk::{Config, Error, Failure, Flow, Invocation, Layer, Recovery, Response, layer};

/// The content type of Prometheus' text format.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The platform whose logs are CloudWatch's.
const AWS_LAMBDA: &str = "aws-lambda";

/// The layer.
#[derive(Debug)]
pub struct Metrics {
    config: Config,
    namespace: &'static str,
    path: &'static str,
    counters: Counters,
}

impl Metrics {
    fn count(&self, invocation: &Invocation<'_>, outcome: Outcome) {
        let took_ns = invocation.now_ns().saturating_sub(invocation.received_ns());
        let cold = invocation.is_cold_start();
        self.counters.add(outcome, took_ns, cold);
        if invocation.platform() == AWS_LAMBDA {
            emf::document(self.namespace, invocation, outcome, took_ns, cold).emit(&self.config);
        }
    }
}

#[layer(name = "metrics")]
impl Layer for Metrics {
    fn create(config: &Config) -> Result<Self, Error> {
        Ok(Metrics {
            config: *config,
            namespace: config.str("FAAS_METRICS_NAMESPACE").unwrap_or("runtime-engine"),
            path: config.str("FAAS_METRICS_PATH").unwrap_or("/metrics"),
            counters: Counters::default(),
        })
    }

    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        // Only requests of a server of ours have a path that is all ours; an event's path belongs to the function, and
        // asking for it would read the event.
        let scrape = invocation.platform() != AWS_LAMBDA
            && invocation.source() == "http"
            && invocation.http().is_some_and(|http| http.path() == self.path && http.method() == "GET");
        if !scrape {
            return Ok(Flow::Continue);
        }
        let text = self.counters.prometheus(invocation.in_flight().saturating_sub(1));
        invocation.respond(Response::new(200).set_header("content-type", PROMETHEUS).body(text))
    }

    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        self.count(invocation, Outcome::Ok);
        Ok(())
    }

    fn invoke_failed(&self, invocation: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        let outcome = match failure {
            failure if failure.is_panic() => Outcome::Panic,
            failure if failure.is_cancelled() => Outcome::Cancelled,
            _ => Outcome::Error,
        };
        self.count(invocation, outcome);
        Ok(Recovery::Pass)
    }
}

//! A runtime in a pod of Knative's.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::wait::limit;
use platform_emulators::cloudevents::Request;
use platform_emulators::knative::{Options, Pod};
use platform_emulators::ports::free_port;
use platform_emulators::process::Process;
use platform_emulators::wire::Answer;

/// The attributes of an event that is complete, in the order in which a sender names them.
pub(crate) const REQUIRED: [(&str, &str); 4] =
    [("specversion", "1.0"), ("id", "a1"), ("source", "/pots/3"), ("type", "org.example.pot.boiled")];

/// A pod and its code.
pub(crate) struct OnKnative {
    pub(crate) pod: Pod,
    pub(crate) deployment: Deployment,
}

impl OnKnative {
    /// Starts the runtime and does not wait for anything.
    pub(crate) fn launch(runtime: &Runtime, deployment: Deployment, handler: &str, options: Options) -> OnKnative {
        let deployment = deployment.env("FAAS_HANDLER", handler);
        let pod = Pod::spawn(deployment.command(runtime), options).expect("the runtime starts");
        OnKnative { pod, deployment }
    }

    /// Starts the runtime and probes until it is ready.
    pub(crate) fn start(runtime: &Runtime, deployment: Deployment, handler: &str, options: Options) -> OnKnative {
        let run = OnKnative::launch(runtime, deployment, handler, options);
        run.pod.ready().unwrap_or_else(|why| panic!("{why}"));
        run
    }

    /// Returns a function of an example module: `module` or `module.function`.
    pub(crate) fn of(runtime: &Runtime, handler: &str) -> OnKnative {
        OnKnative::start(runtime, Deployment::of(module(handler)), handler, function())
    }

    /// Starts a function of an example module, for events alone.
    pub(crate) fn of_events(runtime: &Runtime, handler: &str) -> OnKnative {
        let deployment = Deployment::of(module(handler)).env("FAAS_SIGNATURE", "cloudevent");
        OnKnative::start(runtime, deployment, handler, function())
    }

    /// Sends a request and waits for the client's answer.
    pub(crate) fn call(&self, request: &Request) -> Answer {
        let answer = self.pod.call(request);
        answer.unwrap_or_else(|error| panic!("{request:?}: {error}; output:\n{}", self.process().output()))
    }

    /// Sends a request to `inspect`.
    pub(crate) fn inspect(&self, request: &Request) -> Inspected {
        Inspected::read(&self.call(request).body)
    }

    /// Returns how often the function of `probe.phases` was called.
    pub(crate) fn calls(&self) -> usize {
        self.process().lines().iter().filter(|line| line.text == "function in Invoke").count()
    }

    pub(crate) fn process(&self) -> &Process {
        self.pod.process()
    }
}

fn module(handler: &str) -> &str {
    handler.split('.').next().unwrap_or_default()
}

/// Returns a function on a port of its own.
pub(crate) fn function() -> Options {
    Options::function(free_port(), limit())
}

/// Returns a service on a port of its own.
pub(crate) fn service() -> Options {
    Options::service(free_port(), limit())
}

/// Returns an event in binary mode with more attributes than it needs.
pub(crate) fn binary(more: &[(&str, &str)], data: impl Into<Vec<u8>>) -> Request {
    Request::binary(&[&REQUIRED[..], more].concat(), data)
}

/// Returns an event in structured mode: `more` are members in JSON, each with a comma before it.
pub(crate) fn structured(more: &str) -> Request {
    let required: Vec<String> = REQUIRED.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
    let headers = [("Content-Type", "application/cloudevents+json")];
    Request::new("POST", "/", &headers, format!("{{{}{more}}}", required.join(",")))
}

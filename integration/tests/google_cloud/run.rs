//! A runtime in an instance of Cloud Run.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::wait::limit;
use platform_emulators::cloudevents::Request;
use platform_emulators::google_cloud::{Instance, Options, Signature};
use platform_emulators::ports::free_port;
use platform_emulators::process::Process;
use platform_emulators::wire::Answer;

/// The name of the project, as a user sets it.
pub(crate) const PROJECT: &str = "kitchen";

/// An instance and its code.
pub(crate) struct OnGoogle {
    pub(crate) instance: Instance,
    pub(crate) deployment: Deployment,
}

impl OnGoogle {
    /// Starts the runtime and does not wait for anything.
    pub(crate) fn launch(runtime: &Runtime, deployment: Deployment, handler: &str, options: Options) -> OnGoogle {
        let deployment = deployment.env("FAAS_HANDLER", handler).env("GOOGLE_CLOUD_PROJECT", PROJECT);
        let instance = Instance::spawn(deployment.command(runtime), options).expect("the runtime starts");
        OnGoogle { instance, deployment }
    }

    /// Starts the runtime and waits for the startup probe.
    pub(crate) fn start(runtime: &Runtime, deployment: Deployment, handler: &str, options: Options) -> OnGoogle {
        let run = OnGoogle::launch(runtime, deployment, handler, options);
        run.instance.listens().unwrap_or_else(|why| panic!("{why}"));
        run
    }

    /// Returns a service of an example function.
    pub(crate) fn service(runtime: &Runtime, function: &str) -> OnGoogle {
        OnGoogle::start(runtime, Deployment::of(function), function, service())
    }

    /// Returns a function of an example module: `module` or `module.function`.
    pub(crate) fn function(runtime: &Runtime, handler: &str, signature: Signature) -> OnGoogle {
        let module = handler.split('.').next().unwrap_or_default();
        OnGoogle::start(runtime, Deployment::of(module), handler, function(signature))
    }

    /// Sends a request and waits for the client's answer.
    pub(crate) fn call(&self, request: &Request) -> Answer {
        let answer = self.instance.call(request);
        answer.unwrap_or_else(|error| panic!("{request:?}: {error}; output:\n{}", self.process().output()))
    }

    /// Sends a request to `inspect`.
    pub(crate) fn inspect(&self, request: &Request) -> Inspected {
        Inspected::read(&self.call(request).body)
    }

    pub(crate) fn process(&self) -> &Process {
        self.instance.process()
    }

    /// Asserts that every answer kept to the contract.
    pub(crate) fn assert_clean(&self) {
        let breaches = self.instance.breaches();
        assert!(breaches.is_empty(), "{breaches:#?}");
    }
}

/// Returns a service on a port of its own.
pub(crate) fn service() -> Options {
    Options::service(free_port(), limit())
}

/// Returns a function on a port of its own.
pub(crate) fn function(signature: Signature) -> Options {
    Options::function(free_port(), limit(), signature)
}

/// Returns an event of the older form about an unknown resource.
pub(crate) fn legacy(event_type: &str, resource: &str, data: &str, more: &str) -> Request {
    Request::json(format!(
        r#"{{"eventId":"9","timestamp":"2026-01-02T03:04:05Z","eventType":"{event_type}","resource":"{resource}","data":{data}{more}}}"#
    ))
}

/// Returns a CloudEvent with data in JSON.
pub(crate) fn event(event_type: &str, source: &str, data: &str) -> Request {
    let attributes = [
        ("specversion", "1.0"),
        ("id", "77"),
        ("source", source),
        ("type", event_type),
        ("time", "2026-01-02T03:04:05.006Z"),
        ("datacontenttype", "application/json"),
    ];
    Request::binary(&attributes, data)
}

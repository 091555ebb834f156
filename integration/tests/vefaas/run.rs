//! A runtime in an instance of veFaaS.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::wait::limit;
use platform_emulators::ports::free_port;
use platform_emulators::process::Process;
use platform_emulators::vefaas::{Options, Request, Vefaas};
use platform_emulators::wire::Answer;

/// An instance and its code.
pub(crate) struct OnVefaas {
    pub(crate) instance: Vefaas,
    pub(crate) deployment: Deployment,
}

impl OnVefaas {
    /// Starts the runtime and does not wait for anything; `timeout` is the function's, in seconds.
    pub(crate) fn launch(runtime: &Runtime, deployment: Deployment, handler: &str, timeout: Option<u32>) -> OnVefaas {
        let deployment = deployment.env("FAAS_HANDLER", handler).env("FAAS_HOST", "127.0.0.1");
        let options = Options { port: free_port(), timeout, patience: limit() };
        let instance = Vefaas::spawn(deployment.command(runtime), options).expect("the runtime starts");
        OnVefaas { instance, deployment }
    }

    /// Starts the runtime and waits until it accepts connections.
    pub(crate) fn start(runtime: &Runtime, deployment: Deployment, handler: &str, timeout: Option<u32>) -> OnVefaas {
        let run = OnVefaas::launch(runtime, deployment, handler, timeout);
        run.instance.dial().unwrap_or_else(|why| panic!("{why}"));
        run
    }

    /// Starts an example function, and waits until it accepts connections.
    pub(crate) fn of(runtime: &Runtime, function: &str) -> OnVefaas {
        OnVefaas::start(runtime, Deployment::of(function), function, None)
    }

    /// Sends a request and waits for the answer.
    pub(crate) fn call(&self, request: &Request) -> Answer {
        let answer = self.instance.invoke(request);
        answer.unwrap_or_else(|error| panic!("{request:?}: {error}; output:\n{}", self.process().output()))
    }

    /// Sends a POST of these bytes.
    pub(crate) fn post(&self, body: impl Into<Vec<u8>>) -> Answer {
        self.call(&Request::http("POST", "/", &[("Content-Type", "application/json")], body))
    }

    /// Sends a request to `inspect`.
    pub(crate) fn inspect(&self, request: &Request) -> Inspected {
        Inspected::read(&self.call(request).body)
    }

    pub(crate) fn process(&self) -> &Process {
        self.instance.process()
    }
}

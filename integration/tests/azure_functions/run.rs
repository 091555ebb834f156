//! A runtime as the custom handler of a function app.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::wait::limit;
use platform_emulators::azure_functions::{Call, Done, Ended, Host, Mode, Options, Reply, Request};
use platform_emulators::ports::free_port;
use platform_emulators::process::Process;
use std::process::Command;
use std::sync::Arc;

/// An app with its host and its code.
pub(crate) struct OnAzure {
    pub(crate) host: Host,
    pub(crate) deployment: Deployment,
    /// The folder of the function: the name that the host calls.
    pub(crate) name: String,
}

impl OnAzure {
    /// Starts the runtime and does not wait for anything.
    pub(crate) fn launch(runtime: &Runtime, deployment: Deployment, handler: &str, mode: Mode) -> OnAzure {
        OnAzure::with(runtime, deployment, handler, |options| options.mode = mode)
    }

    /// Starts the runtime with other properties of the app, and does not wait for anything. Without a handler the manifest
    /// has it.
    pub(crate) fn with(
        runtime: &Runtime,
        deployment: Deployment,
        handler: &str,
        change: impl FnOnce(&mut Options),
    ) -> OnAzure {
        let deployment = if handler.is_empty() { deployment } else { deployment.env("FAAS_HANDLER", handler) };
        let mut options = Options {
            port: free_port(),
            is_old: false,
            app_root: deployment.root().to_owned(),
            mode: Mode::Envelope,
            patience: limit(),
        };
        change(&mut options);
        let (program, variables) = (runtime.path.clone(), deployment.variables());
        let make = move || {
            let mut command = Command::new(&program);
            command.envs(variables.iter().cloned()).current_dir("/");
            command
        };
        let host = Host::spawn(make, options).expect("the runtime starts");
        let name = handler.rsplit('.').next().unwrap_or_default().to_owned();
        OnAzure { host, deployment, name }
    }

    /// Starts the runtime and waits until it listens.
    pub(crate) fn start(runtime: &Runtime, deployment: Deployment, handler: &str, mode: Mode) -> OnAzure {
        let run = OnAzure::launch(runtime, deployment, handler, mode);
        run.ready();
        run
    }

    /// Starts an example function that is called in envelopes, and waits until it listens.
    pub(crate) fn of(runtime: &Runtime, function: &str) -> OnAzure {
        OnAzure::start(runtime, Deployment::of(function), function, Mode::Envelope)
    }

    /// Waits until the process listens.
    pub(crate) fn ready(&self) {
        self.host.ready().unwrap_or_else(|why| panic!("{why}"));
    }

    /// Calls the function, and returns the outcome.
    pub(crate) fn call(&self, call: &Call) -> Ended {
        self.host.call(call).unwrap_or_else(|error| panic!("{call:?}: {error}; output:\n{}", self.process().output()))
    }

    /// Calls the function, which must end well.
    pub(crate) fn done(&self, call: &Call) -> Done {
        match self.call(call) {
            Ended::Done(done) => done,
            other => panic!("{other:?}; output:\n{}", self.process().output()),
        }
    }

    /// Returns the text that a message of a queue makes the function return.
    pub(crate) fn returned(&self, message: &str) -> String {
        let done = self.done(&Call::queue(&self.name, message).output("$return"));
        done.output("$return").unwrap_or_default()
    }

    /// Calls the function, which must fail, and returns the reason.
    pub(crate) fn fails(&self, message: &str) -> String {
        match self.call(&Call::queue(&self.name, message)) {
            Ended::Failed(why) => why,
            other => panic!("{other:?}; output:\n{}", self.process().output()),
        }
    }

    /// Sends a client's request.
    pub(crate) fn request(&self, request: Request) -> Reply {
        self.done(&Call::http(&self.name, request)).reply.expect("a reply")
    }

    /// Returns the findings of `inspect` in a call by something other than a request.
    pub(crate) fn inspect(&self, call: &Call) -> Inspected {
        Inspected(self.done(call).raw["ReturnValue"].clone())
    }

    /// Returns the findings of `inspect` in a request.
    pub(crate) fn inspect_request(&self, request: Request) -> Inspected {
        Inspected::read(&self.request(request).body)
    }

    pub(crate) fn process(&self) -> Arc<Process> {
        self.host.process()
    }

    /// Asserts that the host found nothing that a handler should not do.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.host.breaches(), Vec::<String>::new(), "output:\n{}", self.process().output());
    }
}

//! An app as it is deployed: its host, its settings and the folders that are called are those of its own files.

use super::matrix;
use super::run::OnAzure;
use crate::rig::{Answer, Header, Platform, View};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use platform_emulators::azure_functions::{App, Call, Request};

/// An app with its host, and its files as the host has read them.
pub(crate) struct OnApp {
    run: OnAzure,
    app: App,
}

impl OnApp {
    /// Starts the runtime in the folder of an app, and waits until it listens.
    pub(crate) fn start(runtime: &Runtime, deployment: Deployment) -> OnApp {
        let app = App::read(deployment.root()).unwrap_or_else(|why| panic!("{why}"));
        let settings = app.settings.iter();
        let deployment = settings.fold(deployment, |deployment, (name, value)| deployment.env(name, value));
        OnApp { run: OnAzure::start(runtime, deployment, "", app.mode), app }
    }
}

impl Platform for OnApp {
    fn request_with(&mut self, method: &str, path: &str, headers: &[Header<'_>], body: &str) -> Answer {
        match self.app.routed(method, path) {
            Some(function) => {
                let call = function.request(Request::new(method, path, headers, body));
                matrix::to_client(&self.run, &call)
            }
            None => Answer::Reply { status: 404, headers: Vec::new(), body: Vec::new() },
        }
    }

    fn event(&mut self, _: &str, event: &str) -> Answer {
        let (kind, call) = match event {
            matrix::TIMER => ("timerTrigger", Call::timer("")),
            message => ("queueTrigger", Call::queue("", message)),
        };
        let function = self.app.triggered(kind).unwrap_or_else(|| panic!("no folder has a {kind}: {:?}", self.app));
        Answer::value(self.run.done(&function.bound(call)).raw["ReturnValue"].to_string())
    }

    fn view(&self) -> View<'_> {
        self.run.view()
    }
}

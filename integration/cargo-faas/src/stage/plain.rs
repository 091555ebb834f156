//! Platforms whose container gets requests as they are: plain HTTP, Kubernetes and Azure Container Apps.

use super::serving::{local, of_answer, request, words};
use super::{Call, Reply, Setting, Stage, Started, port};
use platform_emulators::plain_http::{CONTAINER_APPS, Container, KUBERNETES};
use platform_emulators::process::Process;

/// The readiness probe's path, unless a variable says another.
const READY: &str = "/readyz";

struct Plain(Container);

/// Starts a runtime where nothing marks a platform.
pub(super) fn http(setting: &Setting) -> Result<Box<dyn Stage>, String> {
    start(setting, &[])
}

/// Starts a runtime in a pod.
pub(super) fn kubernetes(setting: &Setting) -> Result<Box<dyn Stage>, String> {
    start(setting, KUBERNETES)
}

/// Starts a runtime in a replica of a container app.
pub(super) fn azure_container_apps(setting: &Setting) -> Result<Box<dyn Stage>, String> {
    start(setting, CONTAINER_APPS)
}

fn start(setting: &Setting, variables: &[(&str, &str)]) -> Result<Box<dyn Stage>, String> {
    let port = port()?;
    let container = Container::spawn(local(setting), variables, port, setting.patience()).map_err(words)?;
    let path = setting.environment.iter().find(|(name, _)| name == "FAAS_READINESS_PATH");
    container.ready(path.map_or(READY, |(_, path)| path))?;
    Ok(Box::new(Plain(container)))
}

impl Stage for Plain {
    fn send(&self, call: &Call, _: Started<'_>) -> Option<Reply> {
        Some(of_answer(self.0.call(&request(call))))
    }

    fn with_process(&self, look: &mut dyn FnMut(&Process)) {
        look(self.0.process());
    }
}

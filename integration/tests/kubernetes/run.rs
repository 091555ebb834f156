//! A runtime in a pod: the variables that every container of a cluster finds, and a name.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use integration::wait::scale;
use platform_emulators::plain_http::KUBERNETES;
pub(crate) use platform_emulators::plain_http::POD;
use std::path::PathBuf;

/// Returns a function's folder in a pod.
pub(crate) fn pod(deployment: Deployment) -> Deployment {
    KUBERNETES.iter().fold(deployment, |deployment, (name, value)| deployment.env(name, value))
}

/// Starts the runtime and waits until it is ready.
pub(crate) fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
    OnHttp::start(runtime, pod(deployment), handler)
}

/// Adds times that leave room for a slow machine: a stop of a minute, of which the first five seconds are as before.
pub(crate) fn unhurried(deployment: Deployment) -> Deployment {
    let seconds = |seconds: u32| format!("{}s", seconds * scale());
    deployment.env("FAAS_GRACE", &seconds(60)).env("FAAS_LAME_DUCK", &seconds(5))
}

/// Returns the file that lets `probe.hold` go.
pub(crate) fn gate(run: &OnHttp, name: &str) -> (PathBuf, Vec<u8>) {
    let path = run.deployment.path(name);
    let event = path.display().to_string().into_bytes();
    (path, event)
}

//! A runtime in a pod: the variables that every container of a cluster finds, and a name.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use integration::wait::scale;
use std::path::PathBuf;

/// The name of the pod.
pub(crate) const POD: &str = "shop-5d8f7c-x2k7q";

/// Returns a function's folder in a pod.
pub(crate) fn pod(deployment: Deployment) -> Deployment {
    [
        ("KUBERNETES_SERVICE_HOST", "10.96.0.1"),
        ("KUBERNETES_SERVICE_PORT", "443"),
        ("KUBERNETES_SERVICE_PORT_HTTPS", "443"),
        ("KUBERNETES_PORT", "tcp://10.96.0.1:443"),
        ("HOSTNAME", POD),
    ]
    .into_iter()
    .fold(deployment, |deployment, (name, value)| deployment.env(name, value))
}

/// Starts it and waits until it is ready.
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

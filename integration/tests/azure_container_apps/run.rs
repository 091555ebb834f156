//! A runtime in a replica of a container app: the variables that every such container finds.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use platform_emulators::plain_http::CONTAINER_APPS;

/// Returns a function's folder in a replica.
pub(crate) fn replica(deployment: Deployment) -> Deployment {
    CONTAINER_APPS.iter().fold(deployment, |deployment, (name, value)| deployment.env(name, value))
}

/// Starts the runtime and waits until it is ready.
pub(crate) fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
    OnHttp::start(runtime, replica(deployment), handler)
}

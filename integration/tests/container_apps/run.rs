//! A runtime in a replica of a container app: the variables that every such container finds.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_http::OnHttp;

/// Returns a function's folder in a replica. The cluster below shows through.
pub(crate) fn replica(deployment: Deployment) -> Deployment {
    [
        ("CONTAINER_APP_NAME", "shop"),
        ("CONTAINER_APP_REVISION", "shop--20mh1s9"),
        ("CONTAINER_APP_REPLICA_NAME", "shop--20mh1s9-86c8c4b497-zx9bq"),
        ("CONTAINER_APP_HOSTNAME", "shop--20mh1s9.calm-sea-1.westeurope.azurecontainerapps.io"),
        ("CONTAINER_APP_ENV_DNS_SUFFIX", "calm-sea-1.westeurope.azurecontainerapps.io"),
        ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
        ("HOSTNAME", "shop--20mh1s9-86c8c4b497-zx9bq"),
    ]
    .into_iter()
    .fold(deployment, |deployment, (name, value)| deployment.env(name, value))
}

/// Starts it and waits until it is ready.
pub(crate) fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
    OnHttp::start(runtime, replica(deployment), handler)
}

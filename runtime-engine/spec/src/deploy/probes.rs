//! The parts that containers of clusters have in common: image, variables, secrets, memory, probes.

use super::deployment::Deployment;
use super::document::Mapping;
use super::image;
use super::names::label;
use super::site::Site;

/// Makes a container as Kubernetes, Knative and Cloud Run have it, without probes. `key` is the key that a secret's
/// value has; `own` are variables of the platform's.
pub(super) fn container(site: &Site<'_>, deployment: &Deployment<'_>, key: &str, own: &[(&str, &str)]) -> Mapping {
    let mut container = Mapping::new();
    container.put("name", "function");
    container.put("image", image::name(site, deployment));
    container.put("ports", vec![Mapping::new().with("containerPort", 8_080)]);
    let variables = deployment.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let all = own.iter().copied().chain(variables);
    let mut env: Vec<Mapping> =
        all.map(|(name, value)| Mapping::new().with("name", name).with("value", value)).collect();
    for (name, secret) in &deployment.secrets {
        let reference = Mapping::new().with("name", label(secret)).with("key", key);
        let from = Mapping::new().with("secretKeyRef", reference);
        env.push(Mapping::new().with("name", name.as_str()).with("valueFrom", from));
    }
    if !env.is_empty() {
        container.put("env", env);
    }
    if let Some(memory) = deployment.memory {
        let memory = format!("{}Mi", memory.value);
        container.put("resources", Mapping::new().with("limits", Mapping::new().with("memory", memory)));
    }
    container
}

/// Makes a probe by a GET of this path at port 8080, where the container listens.
pub(super) fn http(path: &str) -> Mapping {
    Mapping::new().with("httpGet", Mapping::new().with("path", path).with("port", 8_080))
}

/// Makes the probe of a start, which asks every second. The start may take as long as the yml says, or 60 s.
pub(super) fn start(deployment: &Deployment<'_>, path: &str) -> Mapping {
    let seconds = deployment.init_timeout.map_or(60, |limit| limit.value.max(1));
    http(path).with("periodSeconds", 1).with("failureThreshold", seconds)
}

/// Makes a map of labels.
pub(super) fn labels(pairs: &[(&str, &str)]) -> Mapping {
    pairs.iter().fold(Mapping::new(), |map, (name, value)| map.with(*name, *value))
}

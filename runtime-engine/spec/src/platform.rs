//! Which platform a yml is for, by the names that ymls have for platforms.

use crate::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::source::Sources;
use crate::tree::Node;

/// The platforms, by their names in this project, and what else ymls call them.
const PLATFORMS: &[(&str, &[&str])] = &[
    ("aliyun-fc", &["aliyun", "fc", "fc3"]),
    ("aws-lambda", &["aws", "lambda"]),
    ("azure-container-apps", &["container-apps"]),
    ("azure-functions", &["azure"]),
    ("fn", &["fnproject"]),
    ("google-cloud", &["google", "gcp", "cloud-run"]),
    ("http", &[]),
    ("huawei-functiongraph", &["huawei", "functiongraph"]),
    ("knative", &[]),
    ("kubernetes", &["k8s"]),
    ("openfaas", &[]),
    ("openwhisk", &[]),
    ("tencent-scf", &["tencent", "scf"]),
    ("vefaas", &["volcengine"]),
    ("yandex", &["yandex-cloud"]),
];

/// The platforms, by their names in this project, in the order of these.
pub fn names() -> impl Iterator<Item = &'static str> {
    PLATFORMS.iter().map(|(platform, _)| *platform)
}

/// The name in this project of the platform that ymls call so, in any case; `None` if there is none.
pub fn platform_named(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let fits = |(platform, others): &&(&str, &[&str])| *platform == lower || others.contains(&lower.as_str());
    PLATFORMS.iter().find(fits).map(|(platform, _)| *platform)
}

/// The platform of a yml: what the caller says, or `provider.name`. A name that is none is an error.
pub(crate) fn of(told: Option<&str>, root: &Node, sources: &Sources, found: &mut Diagnostics) -> Option<&'static str> {
    let written = root.get("provider").and_then(|provider| provider.get("name"));
    let span = written.map_or(root.span, |node| node.span);
    let name = told.or_else(|| written.and_then(|node| node.as_written(sources)))?;
    if name.is_empty() || name.contains("${") {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    if let Some(platform) = platform_named(&lower) {
        return Some(platform);
    }
    let words =
        || PLATFORMS.iter().flat_map(|(platform, others)| std::iter::once(*platform).chain(others.iter().copied()));
    let mut diagnostic = Diagnostic::error("unknown-platform", span, format!("there is no platform `{name}`"));
    diagnostic = match (nearest(&lower, words()), lower.as_str()) {
        (Some(near), _) => diagnostic.help(format!("did you mean `{near}`?")),
        (None, "vercel" | "wechat") => diagnostic.help("it runs programs of its own runtimes alone, and no custom one"),
        (None, _) => diagnostic.help(format!("the platforms are {}", names().collect::<Vec<_>>().join(", "))),
    };
    found.add(diagnostic);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platforms_are_those_of_the_runtime() {
        let ours: Vec<&str> = PLATFORMS.iter().map(|(platform, _)| *platform).collect();
        let mut built_in: Vec<&str> = faas_core::platform::PLATFORMS.iter().map(|entry| entry.name).collect();
        built_in.sort_unstable();
        assert_eq!(ours, built_in);
    }
}

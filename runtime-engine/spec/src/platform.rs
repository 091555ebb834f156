//! The platform that a yml is for, by the names that ymls have for platforms.

use crate::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::source::Sources;
use crate::tree::Node;
use faas_core::platform::{NAMES, named};

/// Returns the names of all platforms in the order of the alphabet, built into the caller or not.
///
/// ```
/// use serverless_spec::platform_names;
///
/// assert!(platform_names().is_sorted() && platform_names().any(|name| name == "knative"));
/// ```
pub fn names() -> impl Iterator<Item = &'static str> {
    let mut words: Vec<&str> = NAMES.iter().map(|names| names.word).collect();
    words.sort_unstable();
    words.into_iter()
}

/// Returns the name in this project of the platform that ymls call so, in any case; `None` if there is none.
///
/// ```
/// use serverless_spec::platform_named;
///
/// assert_eq!(platform_named("aws"), Some("aws-lambda"));
/// assert_eq!(platform_named("the moon"), None);
/// ```
pub fn platform_named(name: &str) -> Option<&'static str> {
    named(name).map(|names| names.word)
}

/// Returns the platform of a yml: the caller's, or `provider.name`. An unknown name is an error.
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
    let words = || names().flat_map(|word| std::iter::once(word).chain(aliases(word)));
    let mut diagnostic = Diagnostic::error("unknown-platform", span, format!("there is no platform `{name}`"));
    diagnostic = match (nearest(&lower, words()), lower.as_str()) {
        (Some(near), _) => diagnostic.help(format!("did you mean `{near}`?")),
        (None, "vercel" | "wechat") => diagnostic.help("it runs programs of its own runtimes alone, and no custom one"),
        (None, _) => diagnostic.help(format!("the platforms are {}", names().collect::<Vec<_>>().join(", "))),
    };
    found.add(diagnostic);
    None
}

/// Returns the other names in ymls of the platform of that name.
fn aliases(word: &str) -> impl Iterator<Item = &'static str> {
    named(word).into_iter().flat_map(|names| names.aliases.iter().copied())
}

//! The logical ids of a template. A template has one resource of an id, and SAM leaves out what it would make under an id
//! that is taken, without a word. So each id is held against all others: a function has its own or there is an error,
//! and what is made beside the functions takes another one.

use super::super::deployment::Deployment;
use super::super::document::Mapping;
use super::super::site::Site;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::tree::{Entry, Node};
use std::collections::{BTreeMap, BTreeSet};

/// The ends of the ids that SAM may make for a function, beside those of its events.
const OF_FUNCTION: [&str; 5] =
    ["Role", "Url", "UrlPublicPermissions", "URLInvokeAllowPublicAccess", "EventInvokeConfig"];
/// The ends of the ids that SAM may make for an event of a function.
const OF_EVENT: [&str; 3] = ["", "Permission", "Role"];
/// The ends of the ids that SAM makes for a gateway.
const OF_API: [&str; 3] = ["", "ApiGatewayDefaultStage", "ApiMapping"];

/// The ids of a template.
#[derive(Default)]
pub(super) struct Ids {
    /// The ids that something of the template has, or may have.
    taken: BTreeSet<String>,
    /// The ids of what is made beside the functions, by what it is.
    made: BTreeMap<String, String>,
}

impl Ids {
    /// Returns the id of what is made beside the functions: the usual one, or else one that no function can have, since
    /// theirs begin with a capital or a digit. `is_laid_over` is `true` if the yml makes the same thing under the usual
    /// id.
    pub(super) fn id(&mut self, of: &str, usual: &str, ends: &[&str], is_laid_over: bool) -> String {
        if let Some(id) = self.made.get(of) {
            return id.clone();
        }
        let is_laid_over = is_laid_over && !self.made.values().any(|id| id == usual);
        let id = match is_laid_over || self.is_free(usual, ends) {
            true => usual.to_owned(),
            false => first_free(&format!("own{usual}"), |id| self.is_free(id, ends)),
        };
        self.take(&id, ends);
        self.made.insert(of.to_owned(), id.clone());
        id
    }

    /// Returns the id of an event of a unit. What SAM makes for it is called like the function and the event.
    pub(super) fn event(&mut self, deployment: &Deployment<'_>, name: &str) -> String {
        let function = logical(&deployment.unit.name);
        let base = Some(logical(name)).filter(|base| !base.is_empty()).unwrap_or_else(|| "Event".to_owned());
        let id = first_free(&base, |id| self.is_free(&format!("{function}{id}"), &OF_EVENT));
        self.take(&format!("{function}{id}"), &OF_EVENT);
        id
    }

    /// Takes the ids of the functions, of what SAM makes for them, and of the yml's own resources. Two that are the same
    /// are reported. Returns the places of functions and resources.
    pub(super) fn take_all(
        &mut self,
        site: &Site<'_>,
        deployments: &[Deployment<'_>],
        own: Option<&Node>,
    ) -> BTreeMap<String, Span> {
        let mut places: BTreeMap<String, Span> = BTreeMap::new();
        for deployment in deployments {
            let (name, id) = (&deployment.unit.name, logical(&deployment.unit.name));
            self.take(&id, &[""]);
            self.take(&id, &OF_FUNCTION);
            if id.is_empty() {
                let message = format!("`{name}` has no letters and digits, of which its name in a template of AWS is");
                site.refuses(deployment.span(), message, "take another name");
            } else if places.insert(id.clone(), deployment.span()).is_some() {
                let message = format!("`{name}` is called like another one in a template of AWS, `{id}`");
                let help = "names differ there by letters and digits alone: take another one";
                site.refuses(deployment.span(), message, help);
            }
        }
        for entry in section(own, "Resources") {
            match places.get(&entry.key) {
                // It is laid over the function.
                Some(_) if is_of(&entry.value, "AWS::Serverless::Function") => {}
                Some(function) => {
                    let message = format!("`{}` is what a function is called in a template of AWS", entry.key);
                    let diagnostic = Diagnostic::error("same-name", entry.key_span, message);
                    site.add(diagnostic.other(*function, "the function").help("call the resource otherwise"));
                }
                None => {
                    places.insert(entry.key.clone(), entry.key_span);
                }
            }
            self.take(&entry.key, &[""]);
        }
        for entry in section(own, "Parameters") {
            self.take(&entry.key, &[""]);
        }
        places
    }

    /// Returns the id of the gateway, which the yml may make itself.
    pub(super) fn of_gateway(&mut self, own: Option<&Node>) -> String {
        let is_laid_over = section(own, "Resources")
            .iter()
            .any(|entry| entry.key == "HttpApi" && is_of(&entry.value, "AWS::Serverless::HttpApi"));
        self.id("the gateway", "HttpApi", &OF_API, is_laid_over)
    }

    fn is_free(&self, id: &str, ends: &[&str]) -> bool {
        ends.iter().all(|end| !self.taken.contains(&format!("{id}{end}")))
    }

    fn take(&mut self, id: &str, ends: &[&str]) {
        self.taken.extend(ends.iter().map(|end| format!("{id}{end}")));
    }
}

/// Returns the first text that is free: this one, or this one with a number from 2 on.
fn first_free(base: &str, is_free: impl Fn(&str) -> bool) -> String {
    if is_free(base) {
        return base.to_owned();
    }
    (2..).map(|number| format!("{base}{number}")).find(|id| is_free(id)).unwrap_or_else(|| base.to_owned())
}

/// Reports functions and resources that are called like what SAM makes for a function.
pub(super) fn check_roles(
    site: &Site<'_>,
    deployments: &[Deployment<'_>],
    own: Option<&Node>,
    outputs: &Mapping,
    places: &BTreeMap<String, Span>,
) {
    for deployment in deployments {
        let id = logical(&deployment.unit.name);
        // What is laid over a function says for itself what SAM makes.
        if section(own, "Resources").iter().any(|entry| entry.key == id) {
            continue;
        }
        let makes = |end: &str| match end {
            "Role" => site.provider("role").is_none(),
            "EventInvokeConfig" => site.provider("asyncConfiguration").is_some(),
            _ => outputs.has(&format!("{id}Url")),
        };
        for end in OF_FUNCTION.into_iter().filter(|end| makes(end)) {
            let Some(place) = places.get(&format!("{id}{end}")) else { continue };
            let message =
                format!("this is called `{id}{end}` in a template of AWS, as is what SAM makes for a function");
            let diagnostic = Diagnostic::error("same-name", *place, message);
            site.add(diagnostic.other(deployment.span(), "the function").help("give one of them another name"));
        }
    }
}

/// Returns the entries of a section of the yml's own template.
pub(super) fn section<'n>(own: Option<&'n Node>, name: &str) -> &'n [Entry] {
    own.and_then(|own| own.get(name)).and_then(Node::as_map).map(|map| map.entries()).unwrap_or_default()
}

/// Returns `true` for a resource of this type.
pub(super) fn is_of(resource: &Node, kind: &str) -> bool {
    resource.get("Type").and_then(Node::as_text) == Some(kind)
}

/// Makes a name in the form of a logical id: `order-list` is `OrderList`.
pub(super) fn logical(name: &str) -> String {
    let words = name.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let is_loud = |word: &str| word.bytes().all(|byte| byte.is_ascii_uppercase());
    words
        .map(|word| {
            let rest = if is_loud(word) { word[1..].to_ascii_lowercase() } else { word[1..].to_owned() };
            word[..1].to_ascii_uppercase() + &rest
        })
        .collect()
}

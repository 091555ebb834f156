//! The order in which values are made: each after those that it needs.

use super::provider::{Lifetime, Need, Needs, Place, short};
use super::registry::{Found, Registry, Source};
use crate::error::Error;
use core::any::TypeId;
use std::fmt::Write;

/// One value to make, and the sources of the values that it needs.
pub(crate) struct Step {
    pub(crate) source: Source,
    pub(crate) needs: Vec<(TypeId, Source)>,
}

/// The values that one function needs.
#[derive(Default)]
pub(crate) struct Plan {
    /// The shared values, each after those that it needs.
    pub(crate) shared: Vec<Step>,
    /// The values per request, each after those that it needs.
    pub(crate) each: Vec<Step>,
    /// The values that its own arguments ask for.
    pub(crate) own: Vec<(TypeId, Source)>,
}

/// A function or provider that needs a value.
struct Asker {
    /// The name and place, as messages have them.
    text: String,
    place: Place,
    source: Option<Source>,
}

struct Walk<'a> {
    registry: &'a Registry,
    plan: Plan,
    /// The path from the function to the provider that is looked at.
    path: Vec<Asker>,
}

/// Returns the values that have to be made for a function, in order.
///
/// # Errors
/// A value has no provider, or several, or needs itself; a shared value needs one per request; a plain `fn` needs one
/// per request that has to be waited for. The message names the way there.
pub(crate) fn plan(needs: &Needs, registry: &Registry) -> Result<Plan, Error> {
    let root = Asker { text: format!("{} ({})", needs.name, needs.place), place: needs.place, source: None };
    let mut walk = Walk { registry, plan: Plan::default(), path: vec![root] };
    walk.plan.own = walk.all(needs.list)?;
    if let Some(step) = walk.plan.each.iter().find(|step| step.source.is_async() && !needs.is_async) {
        let message = format!(
            "{} ({}) is a plain `fn`, and {} is made for each request by an `async fn`: make one of them the other kind",
            needs.name, needs.place, step.source
        );
        return Err(refusal("Runtime.ProviderAsync", message));
    }
    Ok(walk.plan)
}

impl Walk<'_> {
    /// Plans the values that the last of the path needs.
    fn all(&mut self, needs: &[Option<Need>]) -> Result<Vec<(TypeId, Source)>, Error> {
        let mut found = Vec::new();
        for need in needs.iter().flatten() {
            if let Some(source) = self.one(need)? {
                found.push(((need.id)(), source));
            }
        }
        Ok(found)
    }

    fn one(&mut self, need: &Need) -> Result<Option<Source>, Error> {
        let asker = self.path.last().expect("the function stands first");
        let source = match self.registry.find(need, asker.place.krate()) {
            Found::One(source) => source,
            Found::Nobody if need.is_optional => return Ok(None),
            Found::Nobody => return Err(self.missing(need)),
            Found::Several(providers) => {
                let places: Vec<String> = providers.iter().map(|provider| provider.place.to_string()).collect();
                let message = format!(
                    "{} needs {}, which has several providers, and no rule to choose one: {}. Leave one of them, or let \
                     one provide a type of its own",
                    self.way(),
                    short((need.name)()),
                    places.join(", ")
                );
                return Err(refusal("Runtime.ProviderAmbiguous", message));
            }
        };
        if self.path.iter().any(|asker| asker.source.as_ref().is_some_and(|other| other.is(&source))) {
            let message = format!(
                "{} needs {source}, which is a circle: one of them has to do without the next, or get it later",
                self.way()
            );
            return Err(refusal("Runtime.ProviderCycle", message));
        }
        let asker = asker.source.as_ref();
        if source.lifetime() == Lifetime::PerRequest && asker.is_some_and(|asker| asker.lifetime() == Lifetime::Shared)
        {
            let message = format!(
                "{} needs {source}, which is made for each request, while what needs it is made once: make that \
                 `per_request` too, or let the function ask for both",
                self.way()
            );
            return Err(refusal("Runtime.ProviderLifetime", message));
        }
        let is_planned = [&self.plan.shared, &self.plan.each].into_iter().flatten().any(|step| step.source.is(&source));
        if !is_planned {
            let place = source.place().unwrap_or(Place { module: "", file: "", line: 0 });
            self.path.push(Asker { text: source.to_string(), place, source: Some(source.clone()) });
            let needs = self.all(source.needs())?;
            self.path.pop();
            let steps = match source.lifetime() {
                Lifetime::Shared => &mut self.plan.shared,
                Lifetime::PerRequest => &mut self.plan.each,
            };
            steps.push(Step { source: source.clone(), needs });
        }
        Ok(Some(source))
    }

    /// Returns the path as text: `f (src/lib.rs:1) needs A (src/a.rs:2) needs B (src/b.rs:3)`.
    fn way(&self) -> String {
        let texts: Vec<&str> = self.path.iter().map(|asker| asker.text.as_str()).collect();
        texts.join(" needs ")
    }

    fn missing(&self, need: &Need) -> Error {
        let full = (need.name)();
        let name = short(full);
        let mut message =
            format!("{} needs {name}, which nobody provides: write a `#[provider]` that returns `{full}`", self.way());
        let like: Vec<&str> = self.registry.names().filter(|other| is_like(&short(other), &name)).collect();
        if !like.is_empty() {
            let _ = write!(message, "; there are providers of {}", like.join(", "));
        }
        refusal("Runtime.ProviderMissing", message)
    }
}

/// Makes the error of a function that cannot start. Its author is told the places in the message, and not that of this
/// file.
fn refusal(kind: &str, message: String) -> Error {
    Error::internal(kind, message).without_place()
}

/// Returns `true` if one of two types may have been written for the other: `Pool` for `Arc<Pool>`, or one of the same
/// name.
fn is_like(one: &str, other: &str) -> bool {
    one.contains(other) || other.contains(one)
}

//! Values that a test gives in place of those of providers.

use crate::call::context::FaasContext;
use crate::call::given::Value;
use crate::error::Error;
use crate::inject::{Need, Replacement, Scopes};
use std::any::Any;
use std::sync::Arc;

/// The values that a test gives.
#[derive(Clone, Default)]
pub(super) struct Provided(Vec<Replacement>);

impl Provided {
    /// Gives this value in place of a provider's.
    pub(super) fn value<T: Any + Send + Sync>(&mut self, value: T) {
        let value: Value = Arc::new(value);
        self.add(Replacement { provides: Need::of::<T>(), make: Arc::new(move |_| Ok(value.clone())) });
    }

    /// Gives the values that `make` makes, as often as the provider in whose place it stands would.
    pub(super) fn maker<T: Any + Send + Sync>(
        &mut self,
        make: impl Fn(&FaasContext) -> Result<T, Error> + Send + Sync + 'static,
    ) {
        let make = move |ctx: &FaasContext| make(ctx).map(|value| Arc::new(value) as Value);
        self.add(Replacement { provides: Need::of::<T>(), make: Arc::new(make) });
    }

    /// Adds a value. The last one that is given for a type counts.
    fn add(&mut self, replacement: Replacement) {
        self.0.insert(0, replacement);
    }

    /// Adds all values of `other`.
    pub(super) fn add_all(&mut self, other: Provided) {
        self.0.splice(..0, other.0);
    }

    /// Returns the scopes of an app with these values.
    pub(super) fn scopes(self) -> Arc<Scopes> {
        Scopes::replacing(self.0)
    }
}

impl std::fmt::Debug for Provided {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|one| (one.provides.name)())).finish()
    }
}

//! The sources of values: the providers that are linked together with this crate, and the values that a test gives in
//! their place.

use super::provider::{Lifetime, Need, Place, Provider, short};
use super::scope::{Configuration, Scope};
use crate::call::context::FaasContext;
use crate::call::given::Value;
#[cfg(feature = "testing")]
use crate::error::Error;
use crate::executor::drive::Call;
use crate::ffi::Entry;
#[cfg(feature = "testing")]
use crate::reply::outcome::Outcome;
use crate::section::section;
use core::any::TypeId;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

section!(providers, Provider, "faas_providers");

/// Makes a value in a provider's place.
#[cfg(feature = "testing")]
type Replaced = dyn Fn(&FaasContext) -> Result<Value, Error> + Send + Sync;

/// The value that a test gives in place of a provider's.
#[cfg(feature = "testing")]
#[derive(Clone)]
pub(crate) struct Replacement {
    pub(crate) provides: Need,
    pub(crate) make: Arc<Replaced>,
}

/// The source of the values of one type.
#[derive(Clone)]
pub(crate) enum Source {
    /// A provider of the author's.
    Provider(&'static Provider),
    /// A value or function of a test.
    #[cfg(feature = "testing")]
    Replacement(Replacement, Lifetime),
}

impl Source {
    pub(crate) fn provides(&self) -> Need {
        match self {
            Source::Provider(provider) => provider.provides,
            #[cfg(feature = "testing")]
            Source::Replacement(replacement, _) => replacement.provides,
        }
    }

    /// Returns `true` if both are the same source.
    pub(crate) fn is(&self, other: &Source) -> bool {
        match (self, other) {
            (Source::Provider(one), Source::Provider(other)) => std::ptr::eq(*one, *other),
            #[cfg(feature = "testing")]
            (Source::Replacement(one, _), Source::Replacement(other, _)) => Arc::ptr_eq(&one.make, &other.make),
            #[cfg(feature = "testing")]
            _ => false,
        }
    }

    pub(crate) fn needs(&self) -> &'static [Option<Need>] {
        match self {
            Source::Provider(provider) => provider.needs,
            #[cfg(feature = "testing")]
            Source::Replacement(..) => &[],
        }
    }

    pub(crate) fn lifetime(&self) -> Lifetime {
        match self {
            Source::Provider(provider) => provider.lifetime,
            #[cfg(feature = "testing")]
            Source::Replacement(_, lifetime) => *lifetime,
        }
    }

    pub(crate) fn is_async(&self) -> bool {
        match self {
            Source::Provider(provider) => provider.is_async,
            #[cfg(feature = "testing")]
            Source::Replacement(..) => false,
        }
    }

    /// Returns the place of the source in its code; `None` for one of a test.
    pub(crate) fn place(&self) -> Option<Place> {
        match self {
            Source::Provider(provider) => Some(provider.place),
            #[cfg(feature = "testing")]
            Source::Replacement(..) => None,
        }
    }

    pub(crate) fn make(&self, ctx: &FaasContext) -> Call {
        match self {
            Source::Provider(provider) => (provider.make)(ctx),
            #[cfg(feature = "testing")]
            Source::Replacement(replacement, _) => Call::Ended(Outcome::made((replacement.make)(ctx))),
        }
    }

    pub(crate) fn close(&self, value: Value, ctx: &FaasContext) -> Option<Call> {
        match self {
            Source::Provider(provider) => provider.close.map(|close| close(value, ctx)),
            #[cfg(feature = "testing")]
            Source::Replacement(..) => None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&short((self.provides().name)()))?;
        match self.place() {
            Some(place) => write!(f, " ({place})"),
            None => f.write_str(" (given by the test)"),
        }
    }
}

/// The result of a search for a value's source.
pub(crate) enum Found {
    /// Exactly one source fits.
    One(Source),
    /// No source fits.
    Nobody,
    /// More than one provider fits, and no rule chooses among them.
    Several(Vec<&'static Provider>),
}

/// All sources that there are in this process or test.
pub(crate) struct Registry {
    providers: &'static [&'static Provider],
    #[cfg(feature = "testing")]
    replacements: Vec<Replacement>,
}

impl Registry {
    /// Finds the source of the value that `need` asks for in the crate `krate`. A provider of the same crate goes
    /// before those of other crates: two libraries that are linked into one program keep to their own.
    pub(crate) fn find(&self, need: &Need, krate: &str) -> Found {
        let wanted = (need.id)();
        let written = choose(self.providers, wanted, krate);
        #[cfg(feature = "testing")]
        if let Some(replacement) = self.replacements.iter().find(|one| (one.provides.id)() == wanted) {
            let lifetime = if let Found::One(source) = &written { source.lifetime() } else { Lifetime::Shared };
            return Found::One(Source::Replacement(replacement.clone(), lifetime));
        }
        written
    }

    /// Returns the names of all provided types.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.providers.iter().map(|provider| (provider.provides.name)())
    }

    #[cfg(test)]
    pub(crate) fn of(providers: &'static [&'static Provider]) -> Registry {
        Registry {
            providers,
            #[cfg(feature = "testing")]
            replacements: Vec::new(),
        }
    }
}

fn choose(providers: &[&'static Provider], wanted: TypeId, krate: &str) -> Found {
    let all = || providers.iter().copied().filter(move |provider| (provider.provides.id)() == wanted);
    let mut near: Vec<_> = all().filter(|provider| provider.place.krate() == krate).collect();
    if near.is_empty() {
        near = all().collect();
    }
    match *near.as_slice() {
        [] => Found::Nobody,
        [one] => Found::One(Source::Provider(one)),
        _ => Found::Several(near),
    }
}

/// The shared values of this process, or of one test's app: a [`Scope`] for each configuration.
pub(crate) struct Scopes {
    registry: Arc<Registry>,
    scopes: Mutex<Vec<Weak<Scope>>>,
}

impl Scopes {
    fn new(registry: Registry) -> Arc<Scopes> {
        Arc::new(Scopes { registry: Arc::new(registry), scopes: Mutex::default() })
    }

    /// Returns the scopes of a test, with the values that it gives.
    #[cfg(feature = "testing")]
    pub(crate) fn replacing(replacements: Vec<Replacement>) -> Arc<Scopes> {
        Scopes::new(Registry { providers: providers::entries(), replacements })
    }

    /// Returns the scopes of this process.
    fn of_process() -> Arc<Scopes> {
        static PROCESS: LazyLock<Arc<Scopes>> = LazyLock::new(|| {
            Scopes::new(Registry {
                providers: providers::entries(),
                #[cfg(feature = "testing")]
                replacements: Vec::new(),
            })
        });
        PROCESS.clone()
    }

    /// Returns the scopes that the entry belongs to: those of its process, or of the test that has made it.
    fn of(entry: &Entry) -> Arc<Scopes> {
        #[cfg(feature = "testing")]
        if let Some(scopes) = of_test::named_by(entry) {
            return scopes;
        }
        let _ = entry;
        Scopes::of_process()
    }

    /// Returns the scope of an entry. Entries with the same text of configuration and the same variables share one.
    pub(crate) fn scope(entry: &Entry) -> Arc<Scope> {
        let scopes = Scopes::of(entry);
        let environment = entry.config(faas_abi::settings::ENVIRONMENT).unwrap_or_default();
        let of = Configuration { json: entry.config_json().into(), environment };
        let mut known = scopes.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|scope| scope.strong_count() > 0);
        let found = known.iter().filter_map(Weak::upgrade).find(|scope| scope.of == of);
        found.unwrap_or_else(|| {
            let scope = Arc::new(Scope::new(of, scopes.registry.clone()));
            known.push(Arc::downgrade(&scope));
            scope
        })
    }
}

/// The way in which a test's entries find the scopes of their app: by a configured value, since they are created on any
/// thread.
#[cfg(feature = "testing")]
pub(crate) mod of_test {
    use super::Scopes;
    use crate::ffi::Entry;
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

    /// The key of the value. No variable of an environment is called so.
    pub(crate) const KEY: &str = "handlers-sdk.scopes";

    static ALL: Mutex<Vec<(String, Weak<Scopes>)>> = Mutex::new(Vec::new());

    fn all() -> MutexGuard<'static, Vec<(String, Weak<Scopes>)>> {
        ALL.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the scopes known, for as long as somebody holds them. Returns the value under [`KEY`] that leads to them.
    pub(crate) fn announce(scopes: &Arc<Scopes>) -> String {
        let name = format!("{:p}", Arc::as_ptr(scopes));
        let mut all = all();
        all.retain(|(_, scopes)| scopes.strong_count() > 0);
        all.push((name.clone(), Arc::downgrade(scopes)));
        name
    }

    pub(super) fn named_by(entry: &Entry) -> Option<Arc<Scopes>> {
        let name = entry.config(KEY)?;
        all().iter().find(|(other, _)| other.as_bytes() == name).and_then(|(_, scopes)| scopes.upgrade())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::outcome::Outcome;

    const fn provider(module: &'static str) -> Provider {
        Provider {
            provides: Need::of::<u8>(),
            place: Place { module, file: "src/lib.rs", line: 1 },
            lifetime: Lifetime::Shared,
            is_async: false,
            needs: &[],
            make: |_| Call::Ended(Outcome::Done),
            close: None,
        }
    }

    static SHOP: Provider = provider("shop::db");
    static ORDERS: Provider = provider("orders");
    static ONE: [&Provider; 1] = [&SHOP];
    static BOTH: [&Provider; 2] = [&SHOP, &ORDERS];
    static TWICE: [&Provider; 2] = [&SHOP, &SHOP];

    fn found_for(providers: &'static [&'static Provider], krate: &str) -> Option<&'static str> {
        match Registry::of(providers).find(&Need::of::<u8>(), krate) {
            Found::One(source) => source.place().map(|place| place.module),
            Found::Nobody => None,
            Found::Several(several) => Some(if several.len() == 2 { "both" } else { "more" }),
        }
    }

    #[test]
    fn each_library_of_a_program_keeps_to_its_own_provider() {
        assert_eq!(found_for(&BOTH, "shop"), Some("shop::db"));
        assert_eq!(found_for(&BOTH, "orders"), Some("orders"));
        assert_eq!(found_for(&ONE, "orders"), Some("shop::db"), "another crate's serves where there is no own");
        assert_eq!(found_for(&BOTH, "elsewhere"), Some("both"));
        assert_eq!(found_for(&TWICE, "shop"), Some("both"), "two of one crate are one too many");
        assert_eq!(found_for(&[], "shop"), None);
    }
}

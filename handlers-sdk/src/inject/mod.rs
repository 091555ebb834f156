//! Injection: values that functions, classes and one another ask for by type, made by functions marked `#[provider]`.
//!
//! A shared value is made in the phase FunctionStart, in the order in which values need one another, once for each
//! configuration of this process. A value per request is made for each invocation, before the function's arguments.

pub(crate) mod attached;
mod graph;
mod per_request;
mod provider;
mod registry;
mod scope;
mod settled;
mod start;

pub(crate) use per_request::call;
pub use provider::{Lifetime, Need, NeedOf, Needs, NoNeed, Place, Provider};
#[cfg(feature = "testing")]
pub(crate) use registry::{Replacement, Scopes, of_test};
pub(crate) use start::{begin, end};

use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::error::Error;
use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A value that a `#[provider]` has made: a pool, a client, settings, the user of a request.
///
/// It is an argument of functions, of methods and `#[init]` of a class, and of providers. It derefs to the value, and a
/// clone shares it.
///
/// ```
/// use handlers_sdk::{Error, Inject, function, provider};
///
/// struct Greeting(String);
///
/// #[provider]
/// fn greeting() -> Result<Greeting, Error> {
///     Ok(Greeting("hello".to_owned()))
/// }
///
/// #[function]
/// fn greet(greeting: Inject<Greeting>, name: String) -> String {
///     format!("{}, {name}", greeting.0)
/// }
/// # fn main() {}
/// ```
pub struct Inject<T: ?Sized> {
    // The field is private and named, so that `inject.0` is that of a value which is a tuple.
    shared: Arc<T>,
}

impl<T> Inject<T> {
    /// Returns a value for a call that a test makes itself: `greet(Inject::new(Greeting(…)), …)`.
    ///
    /// ```
    /// use handlers_sdk::Inject;
    ///
    /// struct Greeting(&'static str);
    ///
    /// fn greet(greeting: Inject<Greeting>, name: &str) -> String {
    ///     format!("{}, {name}", greeting.0)
    /// }
    ///
    /// assert_eq!(greet(Inject::new(Greeting("hello")), "ada"), "hello, ada");
    /// ```
    pub fn new(value: T) -> Inject<T> {
        Inject { shared: Arc::new(value) }
    }
}

impl<T: ?Sized> Clone for Inject<T> {
    fn clone(&self) -> Self {
        Inject { shared: self.shared.clone() }
    }
}

impl<T: ?Sized> Deref for Inject<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.shared
    }
}

impl<T: ?Sized> AsRef<T> for Inject<T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: ?Sized> From<Inject<T>> for Arc<T> {
    fn from(inject: Inject<T>) -> Arc<T> {
        inject.shared
    }
}

impl<T: ?Sized> From<Arc<T>> for Inject<T> {
    fn from(shared: Arc<T>) -> Inject<T> {
        Inject { shared }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Inject<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Inject").field(&&*self.shared).finish()
    }
}

impl<T: Any + Send + Sync> FromInvocation for Inject<T> {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        instance(ctx).map(Inject::from)
    }
}

/// Returns the value of this type that the function or provider behind `ctx` was given.
///
/// # Errors
/// It has not declared that it needs such a value.
pub(crate) fn instance<T: Any + Send + Sync>(ctx: &FaasContext) -> Result<Arc<T>, Error> {
    let given = ctx.given().and_then(|values| values.get::<T>());
    let found = given.or_else(|| attached::attached(ctx)?.started()?.shared.get::<T>());
    found.ok_or_else(|| unasked(std::any::type_name::<T>()))
}

#[cold]
fn unasked(name: &str) -> Error {
    let message = format!(
        "{name} is injected only where an argument of type `Inject<…>` asks for it: a value that is made before the call \
         has to be known before"
    );
    Error::internal("Runtime.ProviderMissing", message).without_place().into_absent()
}

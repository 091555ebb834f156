//! The arguments that a function may take.

use crate::call::context::FaasContext;
use crate::call::event::Event;
use crate::error::Error;
use crate::ffi::InvBytes;
use crate::host::bytes::{Bytes, Kept};
use crate::marker::{AtOnce, ByWaiting};

/// The kind of functions that may take an argument. One that waits on its thread would hold up all others of an event
/// loop, and one that has to be awaited is of no use elsewhere. An argument that does not fit does not compile:
///
/// ```compile_fail,E0080
/// use handlers_sdk::{Sink, StreamError, function};
///
/// #[function(stream)]
/// async fn wrong(mut out: Sink) -> Result<(), StreamError> {
///     out.write(b"an AsyncSink would do")
/// }
/// # fn main() {}
/// ```
///
/// ```compile_fail,E0080
/// use handlers_sdk::{BodyStream, function};
///
/// #[function]
/// fn wrong(body: BodyStream) -> String {
///     "a BodyReader would do".to_owned()
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallStyle {
    /// Every function may take it.
    Any,
    /// A plain `fn` may take it.
    Blocking,
    /// An `async fn` may take it.
    Async,
}

impl CallStyle {
    /// Ends the compilation of a function that takes an argument which it may not take.
    #[doc(hidden)]
    pub const fn check(self, is_async: bool) {
        match (self, is_async) {
            (CallStyle::Blocking, true) => panic!(
                "this argument waits on its thread, which would hold up everything else: an `async fn` takes an \
                 `AsyncSink` for a `Sink` and a `BodyStream` for a `BodyReader`"
            ),
            (CallStyle::Async, false) => panic!(
                "this argument has to be awaited: a plain `fn` takes a `Sink` for an `AsyncSink` and a `BodyReader` for a \
                 `BodyStream`, or becomes an `async fn`"
            ),
            _ => {}
        }
    }
}

/// Something that is made from an invocation, at once, for an argument of a function.
///
/// ```
/// use handlers_sdk::{Error, FaasContext, FromInvocation, function};
///
/// struct Tenant(String);
///
/// impl FromInvocation for Tenant {
///     fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
///         let name = ctx.http().and_then(|request| request.header("x-tenant"));
///         let name = name.ok_or_else(|| Error::absent("Tenant.Missing", "expected a header X-Tenant"))?;
///         Ok(Tenant(name.to_owned()))
///     }
/// }
///
/// #[function]
/// fn greet(tenant: Option<Tenant>) -> String {
///     tenant.map_or_else(|| "hello".to_owned(), |tenant| format!("hello, {}", tenant.0))
/// }
/// # fn main() {}
/// ```
///
/// What has to be waited for is [`FromInvocationAsync`]. As arguments, `Option<T>` is `None` where the thing was not
/// sent ([`Error::absent`]) and fails where it was sent wrong; `Result<T, Error>` leaves the decision to the function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a function",
    label = "not made from an invocation at once",
    note = "an argument is `FaasContext`, `Event`, `Bytes`, `String`, `Json<T>`, `Path<T>`, `Query<T>`, `Form<T>`, `Request`, \
            `Headers`, a typed event of `handlers_sdk::events`, or `Option<_>` or `Result<_, Error>` of one of them",
    note = "a value of the request is in one of them: `Json<T>` for the body, `Path<T>` for the path, a field of `Query<T>` for \
            the query; for a type of your own implement `FromInvocation`",
    note = "a type that implements `FromInvocationAsync` is an argument of an `async fn` only"
)]
pub trait FromInvocation: Sized {
    /// The features that a function with this argument uses where the host has them: `FAAS_F_*` of `faas.h`.
    #[doc(hidden)]
    const WANTS: u64 = 0;
    /// The functions that may take it.
    const STYLE: CallStyle = CallStyle::Any;

    /// Makes the value for one invocation.
    ///
    /// # Errors
    /// The invocation does not fit. The function is not called, and this is its error: give it a status of 400 to 499
    /// if the caller is to blame ([`Error::with_status`]).
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error>;
}

/// Something that is made from an invocation by waiting, for an argument of an `async fn`: a user that is looked up, a
/// key that is fetched.
///
/// Everything that is [`FromInvocation`] is this too, so an `async fn` takes both kinds. `M` tells the kinds apart for
/// the compiler; implement the trait without it.
///
/// ```
/// use handlers_sdk::{Error, FaasContext, FromInvocationAsync, function};
///
/// struct User { name: String }
/// # async fn look_up(token: &str) -> Result<User, Error> { Ok(User { name: token.to_owned() }) }
///
/// impl FromInvocationAsync for User {
///     async fn from_invocation_async(ctx: &FaasContext) -> Result<Self, Error> {
///         let token = ctx.http().and_then(|request| request.header("authorization"));
///         let absent = || Error::absent("User.Unknown", "expected a header Authorization").with_status(401);
///         look_up(token.ok_or_else(absent)?).await
///     }
/// }
///
/// #[function]
/// async fn whoami(user: User) -> String {
///     user.name
/// }
/// # fn main() {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of an `async` function",
    label = "not made from an invocation",
    note = "an argument is `FaasContext`, `Event`, `Bytes`, `String`, `Json<T>`, `Path<T>`, `Query<T>`, `Form<T>`, `Request`, \
            `Headers`, a typed event of `handlers_sdk::events`, or `Option<_>` or `Result<_, Error>` of one of them",
    note = "a value of the request is in one of them: `Json<T>` for the body, `Path<T>` for the path, a field of `Query<T>` for \
            the query; for a type of your own implement `FromInvocation` \
            or `FromInvocationAsync`"
)]
pub trait FromInvocationAsync<M = ByWaiting>: Sized {
    /// Makes the value for one invocation, and may wait for it.
    ///
    /// # Errors
    /// The invocation does not fit, as for [`FromInvocation::from_invocation`].
    fn from_invocation_async(ctx: &FaasContext) -> impl Future<Output = Result<Self, Error>> + Send;
}

impl<T: FromInvocation> FromInvocationAsync<AtOnce> for T {
    async fn from_invocation_async(ctx: &FaasContext) -> Result<Self, Error> {
        T::from_invocation(ctx)
    }
}

/// Turns the error for a thing that was not sent into `None`.
fn optional<T>(made: Result<T, Error>) -> Result<Option<T>, Error> {
    match made {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The value is `None` where the thing was not sent. A thing that was sent wrong is an error all the same.
impl<T: FromInvocation> FromInvocation for Option<T> {
    const WANTS: u64 = T::WANTS;
    const STYLE: CallStyle = T::STYLE;

    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        optional(T::from_invocation(ctx))
    }
}

/// The value is `None` where the thing was not sent, as for a type that is made at once.
impl<T: FromInvocationAsync> FromInvocationAsync for Option<T> {
    async fn from_invocation_async(ctx: &FaasContext) -> Result<Self, Error> {
        optional(T::from_invocation_async(ctx).await)
    }
}

/// The function is called whether the thing could be made or not.
impl<T: FromInvocation> FromInvocation for Result<T, Error> {
    const WANTS: u64 = T::WANTS;
    const STYLE: CallStyle = T::STYLE;

    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        Ok(T::from_invocation(ctx))
    }
}

/// The function is called whether the thing could be made or not.
impl<T: FromInvocationAsync> FromInvocationAsync for Result<T, Error> {
    async fn from_invocation_async(ctx: &FaasContext) -> Result<Self, Error> {
        Ok(T::from_invocation_async(ctx).await)
    }
}

impl FromInvocation for FaasContext {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        Ok(ctx.clone())
    }
}

impl FromInvocation for Event {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        Ok(ctx.to_event())
    }
}

impl FromInvocation for Bytes {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        Ok(Bytes(Kept::Lent(InvBytes::body(ctx.held()))))
    }
}

/// The vector is a copy of the body.
impl FromInvocation for Vec<u8> {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        Ok(ctx.body().to_vec())
    }
}

/// The text is a copy of the body, which must be UTF-8.
impl FromInvocation for String {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        core::str::from_utf8(ctx.body()).map(str::to_owned).map_err(|error| {
            let message = format!("expected a UTF-8 body, found {error}");
            Error::new("Runtime.UnmarshalError", message).with_status(400)
        })
    }
}

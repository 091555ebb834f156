//! Types that tell the compiler two kinds of types apart, where one trait has an implementation for each kind.
//!
//! They stand in the signatures of [`FromInvocationAsync`](crate::FromInvocationAsync) and
//! [`IntoError`](crate::IntoError), and in what the compiler says of them. The compiler finds them by itself: nobody makes
//! a value of them, and code names one only where it is generic over such a trait.

/// Marks the types that are made from an invocation at once.
///
/// ```
/// use handlers_sdk::{FromInvocationAsync, RequestId, marker::AtOnce};
///
/// fn is_made_at_once<T: FromInvocationAsync<AtOnce>>() {}
/// is_made_at_once::<RequestId>();
/// ```
#[derive(Debug)]
pub enum AtOnce {}

/// Marks the types that are made from an invocation by waiting.
///
/// ```
/// # use handlers_sdk::{Error, FaasContext};
/// use handlers_sdk::{FromInvocationAsync, marker::ByWaiting};
///
/// struct User;
///
/// impl FromInvocationAsync for User {
///     async fn from_invocation_async(_: &FaasContext) -> Result<Self, Error> {
///         Ok(User)
///     }
/// }
///
/// fn is_waited_for<T: FromInvocationAsync<ByWaiting>>() {}
/// is_waited_for::<User>();
/// ```
#[derive(Debug)]
pub enum ByWaiting {}

/// Marks the errors that `?` converts.
///
/// ```
/// use handlers_sdk::{IntoError, marker::Converted};
///
/// fn is_taken_by_the_question_mark<E: IntoError<Converted>>() {}
/// is_taken_by_the_question_mark::<std::io::Error>();
/// ```
#[derive(Debug)]
pub enum Converted {}

/// Marks the types that hold an error of any type.
///
/// ```
/// use handlers_sdk::{IntoError, marker::Holder};
///
/// fn holds_any_error<E: IntoError<Holder>>() {}
/// holds_any_error::<anyhow::Error>();
/// ```
#[derive(Debug)]
pub enum Holder {}

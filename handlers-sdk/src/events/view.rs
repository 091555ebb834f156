//! The declaration of a view, and the way it becomes an argument.

use super::found::Found;
use crate::error::Error;
use serde::de::DeserializeOwned;

/// Declares structs whose members are all lenient: `name: type = "wire name"`, or several names.
macro_rules! members {
    ($(
        $(#[$meta:meta])*
        $name:ident {
            $($(#[$field_meta:meta])* $field:ident: $type:ty = $wire:literal $(| $alias:literal)*,)*
        }
    )+) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
            #[serde(default)]
            #[non_exhaustive]
            pub struct $name {
                $(
                    $(#[$field_meta])*
                    #[serde(rename = $wire, $(alias = $alias,)* deserialize_with = "crate::events::lenient::member")]
                    pub $field: $type,
                )*
            }

            impl crate::events::lenient::Lenient for $name {
                fn read<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    crate::events::lenient::or_default(deserializer)
                }
            }
        )+
    };
}
pub(crate) use members;

/// A view of a whole event.
pub(crate) trait View: DeserializeOwned {
    /// The kind of event that is expected, for errors: `an event of aws:sqs`.
    const EXPECTED: &'static str;

    /// Returns `true` if the members that were read prove that it is such an event.
    fn is_sure(&self) -> bool;

    /// Returns `true` if it may be such an event, by the findings of a second, slower look.
    fn accepts(found: &Found) -> bool;
}

/// Makes a view an argument, and offers its reading of bytes.
macro_rules! argument {
    ($view:ty) => {
        impl $view {
            /// Reads an event.
            ///
            /// # Errors
            /// It is `Runtime.UnmarshalError` if the bytes are no such event, or a member has a shape that does not
            /// fit.
            #[inline]
            pub fn parse(event: &[u8]) -> Result<Self, crate::error::Error> {
                crate::events::view::read(event)
            }
        }

        /// The argument is the event (or the body of an HTTP trigger), which must be one of this service.
        impl crate::call::extract::FromInvocation for $view {
            #[inline]
            fn from_invocation(ctx: &crate::call::context::FaasContext) -> Result<Self, crate::error::Error> {
                crate::events::view::read(ctx.body())
            }
        }
    };
}
pub(crate) use argument;

/// Declares views that are told from other events by their members alone: a second look would find no more.
macro_rules! views {
    ($($view:ident: $expected:literal, $is_sure:expr;)+) => {
        $(
            crate::events::view::argument!($view);

            impl crate::events::view::View for $view {
                const EXPECTED: &'static str = $expected;

                fn is_sure(&self) -> bool {
                    let is_sure: fn(&$view) -> bool = $is_sure;
                    is_sure(self)
                }

                fn accepts(_: &crate::events::found::Found) -> bool {
                    false
                }
            }
        )+
    };
}
pub(crate) use views;

/// Reads a view. The event is looked at a second time only where the view is in doubt.
pub(crate) fn read<V: View>(event: &[u8]) -> Result<V, Error> {
    let why = match serde_json::from_slice::<V>(event) {
        Ok(view) if view.is_sure() => return Ok(view),
        Ok(view) => match Found::of(event) {
            found if V::accepts(&found) => return Ok(view),
            found => format!("found {found}"),
        },
        Err(error) => match Found::of(event) {
            Found::NoJson => format!("found no JSON: {error}"),
            found if V::accepts(&found) => format!("found one that does not fit: {error}"),
            found => format!("found {found}"),
        },
    };
    Err(Error::new("Runtime.UnmarshalError", format!("expected {}, {why}", V::EXPECTED)).with_status(400))
}

/// Returns `true` if a batch has records, and every record that names a source names this one.
pub(crate) fn all_from<'a>(source: &str, named: impl Iterator<Item = &'a str>) -> bool {
    let mut named = named.peekable();
    named.peek().is_some() && named.all(|name| name == source)
}

/// Returns the answer of [`View::accepts`] for those batches.
pub(crate) fn records_of(source: &str, found: &Found) -> bool {
    match found {
        Found::Records => true,
        Found::Source(named) => named == source,
        _ => false,
    }
}

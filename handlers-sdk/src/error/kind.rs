//! The kind of an error that is of another type: the path by which its users know the type.
//!
//! The compiler's own name of a type leads through private modules, `core::num::error::ParseIntError` for one. Those of
//! the standard library may move with any compiler, and alarms depend on kinds. Its types therefore have the names that
//! its documentation promises. This file knows types by their names alone, and makes no error.

use std::any::type_name;
use std::borrow::Cow;

/// The kind of an error whose own type is not known.
const UNKNOWN: &str = "Error";

/// Returns the path of a type without generics: `shop::orders::OrderError` as the compiler has it, or the public name
/// of a type of the standard library: `std::num::ParseIntError`. A boxed error and a text are only `Error`.
pub(crate) fn kind_of<E>() -> Cow<'static, str> {
    let full = type_name::<E>();
    let plain = without_generics(full);
    let is_boxed = plain == without_generics(type_name::<Box<()>>());
    if is_boxed || [type_name::<String>(), type_name::<&str>()].contains(&full) {
        return Cow::Borrowed(UNKNOWN);
    }
    let is_of_std = ["core", "alloc", "std"].contains(&plain.split("::").next().unwrap_or_default());
    if is_of_std { public_name(plain) } else { Cow::Borrowed(plain) }
}

fn without_generics(name: &'static str) -> &'static str {
    name.split('<').next().unwrap_or(name)
}

/// Returns the public name of a type of the standard library. One that is not listed has the library and its own name,
/// `std::NewError`, which do not change when it is moved.
fn public_name(plain: &'static str) -> Cow<'static, str> {
    let found = names().into_iter().find(|(_, compilers)| without_generics(compilers) == plain);
    match found {
        Some((public, _)) => Cow::Borrowed(without_generics(public)),
        None => Cow::Owned(format!("std::{}", plain.rsplit("::").next().unwrap_or(plain))),
    }
}

/// Pairs types as they are written here with the compiler's names of them.
macro_rules! names {
    ($($public:ty,)*) => { [$((stringify!($public), type_name::<$public>()),)*] };
}

/// Returns the error types of the standard library, each with its public name and the compiler's.
fn names() -> impl IntoIterator<Item = (&'static str, &'static str)> {
    names![
        std::alloc::LayoutError,
        std::array::TryFromSliceError,
        std::cell::BorrowError,
        std::cell::BorrowMutError,
        std::char::CharTryFromError,
        std::char::DecodeUtf16Error,
        std::char::ParseCharError,
        std::char::TryFromCharError,
        std::collections::TryReserveError,
        std::convert::Infallible,
        std::env::JoinPathsError,
        std::env::VarError,
        std::ffi::FromBytesUntilNulError,
        std::ffi::FromBytesWithNulError,
        std::ffi::FromVecWithNulError,
        std::ffi::IntoStringError,
        std::ffi::NulError,
        std::fmt::Error,
        std::io::Error,
        std::io::IntoInnerError<()>,
        std::net::AddrParseError,
        std::num::ParseFloatError,
        std::num::ParseIntError,
        std::num::TryFromIntError,
        std::path::StripPrefixError,
        std::slice::GetDisjointMutError,
        std::str::ParseBoolError,
        std::str::Utf8Error,
        std::string::FromUtf16Error,
        std::string::FromUtf8Error,
        std::sync::PoisonError<()>,
        std::sync::TryLockError<()>,
        std::sync::mpsc::RecvError,
        std::sync::mpsc::RecvTimeoutError,
        std::sync::mpsc::SendError<()>,
        std::sync::mpsc::TryRecvError,
        std::sync::mpsc::TrySendError<()>,
        std::thread::AccessError,
        std::time::SystemTimeError,
        std::time::TryFromFloatSecsError,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as StdError;

    #[derive(Debug)]
    struct SoldOut;

    #[test]
    fn a_kind_keeps_its_path_and_loses_its_generics() {
        assert_eq!(kind_of::<SoldOut>(), "handlers_sdk::error::kind::tests::SoldOut");
        assert_eq!(kind_of::<std::sync::mpsc::SendError<SoldOut>>(), "std::sync::mpsc::SendError");
    }

    #[test]
    fn an_error_whose_type_is_not_known_is_only_an_error() {
        assert_eq!(kind_of::<Box<dyn StdError + Send + Sync>>(), "Error");
        assert_eq!([kind_of::<String>(), kind_of::<&str>()], ["Error", "Error"]);
    }

    #[test]
    fn a_type_of_the_standard_library_has_its_public_name_whatever_module_it_is_in() {
        assert_eq!(kind_of::<std::num::ParseIntError>(), "std::num::ParseIntError");
        assert_eq!(kind_of::<std::io::Error>(), "std::io::Error");
        assert_eq!(kind_of::<std::fmt::Error>(), "std::fmt::Error");
        assert_eq!(kind_of::<std::sync::PoisonError<SoldOut>>(), "std::sync::PoisonError");
        assert_eq!(public_name("core::num::new_home::NewError"), "std::NewError");
        for (public, compilers) in names() {
            let (public, compilers) = (without_generics(public), without_generics(compilers));
            assert_eq!(public_name(compilers), public);
            assert!(public.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == ':'), "{public:?}");
        }
    }
}

//! The declarations that `#[provider]`, `#[functions]` and `#[function]` write down: which code makes which value, and
//! which needs which.

use super::Inject;
use crate::call::context::FaasContext;
use crate::call::given::Value;
use crate::executor::drive::Call;
use core::any::{Any, TypeId, type_name};
use std::fmt;
use std::marker::PhantomData;

/// The place of something in the author's code.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The module, from `module_path!()`; its first part is the crate.
    pub module: &'static str,
    /// The file, from `file!()`.
    pub file: &'static str,
    /// The line, from `line!()`.
    pub line: u32,
}

impl Place {
    /// Returns the name of the crate that it stands in.
    pub(crate) fn krate(&self) -> &'static str {
        self.module.split("::").next().unwrap_or_default()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The need for a value of some type.
#[derive(Clone, Copy)]
pub struct Need {
    pub(crate) id: fn() -> TypeId,
    pub(crate) name: fn() -> &'static str,
    /// `true` if the code that needs it does without where no provider makes it.
    pub(crate) is_optional: bool,
}

impl Need {
    /// Returns the need for a value of type `T`.
    pub const fn of<T: Any>() -> Need {
        Need { id: TypeId::of::<T>, name: type_name::<T>, is_optional: false }
    }
}

/// Tells from an argument's type what has to be injected for it: `NeedOf::<Inject<Pool>>::NEED` is a constant of its
/// own, that of every other type comes from the trait [`NoNeed`].
pub struct NeedOf<A>(PhantomData<A>);

/// An argument's type for which nothing is injected.
pub trait NoNeed {
    /// The need of the type, which is nothing.
    const NEED: Option<Need> = None;
}

impl<A> NoNeed for NeedOf<A> {}

impl<T: Any> NeedOf<Inject<T>> {
    /// The need for a value of type `T`.
    pub const NEED: Option<Need> = Some(Need::of::<T>());
}

impl<T: Any> NeedOf<Option<Inject<T>>> {
    /// The need for a value of type `T` that may be absent.
    pub const NEED: Option<Need> = Some(Need { is_optional: true, ..Need::of::<T>() });
}

/// The values that one function needs.
pub struct Needs {
    /// The function's name, for messages.
    pub name: &'static str,
    /// The place of the function in its code.
    pub place: Place,
    /// `true` if it is an `async fn`, so that the values it needs may be waited for on each invocation.
    pub is_async: bool,
    /// The need of each argument, in order; `None` if nothing is injected for it.
    pub list: &'static [Option<Need>],
}

impl Needs {
    /// Returns `true` if one of the functions needs anything.
    pub(crate) const fn any(all: &[Needs]) -> bool {
        let mut one = 0;
        while one < all.len() {
            let list = all[one].list;
            let mut index = 0;
            while index < list.len() {
                if list[index].is_some() {
                    return true;
                }
                index += 1;
            }
            one += 1;
        }
        false
    }
}

/// The time for which a value lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// The value lives from FunctionStart to Close, and is shared by all.
    Shared,
    /// The value lives as long as the invocation that it was made for.
    PerRequest,
}

/// Makes values of one type.
pub struct Provider {
    /// The type of the values.
    pub provides: Need,
    /// The place of the provider in its code.
    pub place: Place,
    /// The time for which its values live.
    pub lifetime: Lifetime,
    /// `true` if making one may have to be waited for.
    pub is_async: bool,
    /// The values that its own arguments need.
    pub needs: &'static [Option<Need>],
    /// Makes one value: the call ends in `Outcome::Made`, or fails.
    pub make: fn(&FaasContext) -> Call,
    /// Ends a shared value; `None` if there is nothing to do.
    pub close: Option<fn(Value, &FaasContext) -> Call>,
}

/// Shortens the paths of a type: `alloc::boxed::Box<dyn shop::db::Repo>` → `Box<dyn Repo>`.
pub(crate) fn short(full: &str) -> String {
    let mut short = String::new();
    let mut rest = full;
    while let Some(at) = rest.find("::") {
        let (before, after) = rest.split_at(at);
        let word = before
            .rfind(|sign: char| !sign.is_alphanumeric() && sign != '_')
            .map_or(0, |last| last + before[last..].chars().next().map_or(0, char::len_utf8));
        short.push_str(&before[..word]);
        rest = &after[2..];
    }
    short + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_has_no_paths() {
        assert_eq!(short("alloc::boxed::Box<dyn shop::db::Repo>"), "Box<dyn Repo>");
        assert_eq!(short("a::B<c::D<e::F>, g::H>"), "B<D<F>, H>");
        assert_eq!(short("(u8, a::B)"), "(u8, B)");
        assert_eq!(short("str"), "str");
    }

    #[test]
    fn the_type_of_an_argument_says_what_is_injected_for_it() {
        assert!(NeedOf::<String>::NEED.is_none());
        let pool = NeedOf::<Inject<u8>>::NEED.expect("it is injected");
        assert_eq!(((pool.id)(), pool.is_optional), (TypeId::of::<u8>(), false));
        let perhaps = NeedOf::<Option<Inject<u8>>>::NEED.expect("it is injected");
        assert_eq!(((perhaps.id)(), perhaps.is_optional), (TypeId::of::<u8>(), true));
    }

    #[test]
    fn somebody_needs_something_or_nobody_does() {
        const PLACE: Place = Place { module: "a::b", file: "f.rs", line: 1 };
        const fn needs(list: &'static [Option<Need>]) -> Needs {
            Needs { name: "f", place: PLACE, is_async: false, list }
        }
        assert!(!Needs::any(&[]));
        assert!(!Needs::any(&[needs(&[]), needs(&[None])]));
        const SOME: &[Option<Need>] = &[None, Some(Need::of::<u8>())];
        assert!(Needs::any(&[needs(&[]), needs(SOME)]));
    }
}

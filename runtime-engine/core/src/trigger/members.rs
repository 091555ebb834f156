//! The table of the members of an event that say what it is: which field each key goes to, in one walk over the object.

/// Declares a set of members and how it is filled. Null counts as missing; of equal keys the last counts.
macro_rules! members {
    ($(#[$doc:meta])* $name:ident { $($field:ident = $($key:literal)|+),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default)]
        pub(super) struct $name<'a> {
            $(pub(super) $field: Option<$crate::json::Value<'a>>,)*
        }

        impl<'a> $name<'a> {
            /// Finds the declared members among those of an object.
            pub(super) fn of(members: impl Iterator<Item = ($crate::json::Key<'a>, $crate::json::Value<'a>)>) -> $name<'a> {
                let mut found = $name::default();
                for (key, value) in members {
                    let slot = match &*key.as_str() {
                        $($($key)|+ => &mut found.$field,)*
                        _ => continue,
                    };
                    *slot = (!value.is_null()).then_some(value);
                }
                found
            }
        }
    };
}

pub(super) use members;

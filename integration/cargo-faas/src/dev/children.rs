//! Ends processes that dev has started and that nobody waits for any more, such as a compiler under a build.

pub(super) use crate::children::end;

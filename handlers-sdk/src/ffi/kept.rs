//! Values that are made once and kept as long as the process, one of each type.

use std::any::Any;
use std::sync::{PoisonError, RwLock};

/// The values, each of another type. They are few.
#[derive(Default)]
pub(crate) struct Kept(RwLock<Vec<&'static (dyn Any + Send + Sync)>>);

impl Kept {
    /// Returns the value of this type; `None` if there is none yet.
    pub(crate) fn get<T: Any + Send + Sync>(&self) -> Option<&'static T> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find_map(|value| value.downcast_ref())
    }

    /// Keeps a value. If another thread was first, its value stays.
    pub(crate) fn keep<T: Any + Send + Sync>(&self, value: T) -> &'static T {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = kept.iter().find_map(|value| value.downcast_ref()) {
            return first;
        }
        let value: &'static T = Box::leak(Box::new(value));
        kept.push(value);
        value
    }
}

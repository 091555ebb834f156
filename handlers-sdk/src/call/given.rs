//! The values that are given to a call before its arguments are made, found by their types. How they are made is for
//! [`inject`](crate::inject) to know.

use std::any::{Any, TypeId};
use std::sync::Arc;

/// One value of any type.
pub type Value = Arc<dyn Any + Send + Sync>;

/// A few values, each of another type.
#[derive(Default)]
pub(crate) struct Values(Vec<(TypeId, Value)>);

impl Values {
    /// Returns the value of type `T`; `None` if there is none.
    pub(crate) fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let wanted = TypeId::of::<T>();
        let (_, value) = self.0.iter().find(|(id, _)| *id == wanted)?;
        value.clone().downcast().ok()
    }
}

impl Extend<(TypeId, Value)> for Values {
    /// Adds those whose type is not there yet.
    fn extend<I: IntoIterator<Item = (TypeId, Value)>>(&mut self, values: I) {
        for (id, value) in values {
            if self.0.iter().all(|(other, _)| *other != id) {
                self.0.push((id, value));
            }
        }
    }
}

impl FromIterator<(TypeId, Value)> for Values {
    fn from_iter<I: IntoIterator<Item = (TypeId, Value)>>(values: I) -> Values {
        let mut all = Values::default();
        all.extend(values);
        all
    }
}

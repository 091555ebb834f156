//! The event as it came, without a copy.

use crate::ffi::InvBytes;
use std::fmt;
use std::ops::Deref;

/// The bytes of the event. Returned by a function, they are the reply as they are.
///
/// It keeps its invocation open: do not store it beyond the call.
///
/// ```
/// # use handlers_sdk::{function, testing::Invoke};
/// use handlers_sdk::Event;
///
/// /// Passes on JSON, and nothing else.
/// #[function]
/// fn gate(event: Event) -> Result<Event, (u16, &'static str)> {
///     match event.first() {
///         Some(b'{' | b'[') => Ok(event),
///         _ => Err((400, "expected JSON")),
///     }
/// }
///
/// assert_eq!(Invoke::event("[1]").run(gate::MODULE).text(), "[1]");
/// ```
#[derive(Clone)]
pub struct Event(pub(crate) InvBytes);

impl Deref for Event {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Event {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({} bytes)", self.len())
    }
}

//! Values by key that outlive an invocation and an instance, through the service `faas.kv`: one layer keeps them, all
//! others and the functions read and write. The layer `kv` is one.
//!
//! ```
//! use handlers_sdk::service::Offered;
//! use handlers_sdk::service::kv::{Entry, Op, Outcome, Command, Store, Stored};
//! use handlers_sdk::testing::{App, Invoke};
//! use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer};
//! use std::collections::HashMap;
//! use std::sync::{Arc, Mutex};
//!
//! /// Remembers the last name that it was called with.
//! #[function]
//! async fn greet(ctx: FaasContext, name: String) -> Result<String, Error> {
//!     let kv = ctx.kv().ok_or_else(|| Error::msg("expected a layer such as kv"))?;
//!     let last = kv.get(b"last").await?.map_or(Vec::new(), |last| last.value);
//!     kv.put(b"last", name.into_bytes(), None).await?;
//!     Ok(format!("after {}", String::from_utf8_lossy(&last)))
//! }
//!
//! /// A layer that keeps values; this one knows neither times nor conditions.
//! struct Shelf(#[allow(dead_code, reason = "the service ends with the layer")] Offered);
//!
//! #[derive(Default)]
//! struct Kept(Mutex<HashMap<Vec<u8>, Vec<u8>>>);
//!
//! impl Store for Kept {
//!     fn call(&self, Command { key, op }: Command, answer: Stored) {
//!         let mut kept = self.0.lock().unwrap();
//!         let outcome = match op {
//!             Op::Get => match kept.get(&key) {
//!                 Some(value) => Outcome::Found(Entry { value: value.clone(), version: 1 }),
//!                 None => Outcome::Absent,
//!             },
//!             Op::Put { value, .. } => {
//!                 kept.insert(key, value);
//!                 Outcome::Changed(1)
//!             }
//!             Op::Remove { .. } => kept.remove(&key).map_or(Outcome::Absent, |_| Outcome::Changed(0)),
//!         };
//!         answer.give(Ok(outcome));
//!     }
//! }
//!
//! #[layer(name = "shelf")]
//! impl Layer for Shelf {
//!     fn create(config: &Config) -> Result<Self, Error> {
//!         config.offer_kv(Arc::<Kept>::default()).map(Shelf)
//!     }
//! }
//!
//! let app = App::builder().module(Shelf::MODULE).module(greet::MODULE).start().expect("it starts");
//! assert_eq!(app.invoke(Invoke::event("ada")).text(), "after ");
//! assert_eq!(app.invoke(Invoke::event("bob")).text(), "after ada");
//! ```

pub use crate::service::table::kv::{Kv, Stored};

use std::fmt;
use std::time::Duration;

/// The length of the longest key in bytes. A key is never empty.
pub const MAX_KEY_BYTES: usize = 512;

/// A value and its version: a number that is never 0, and another one after each write.
///
/// ```
/// use handlers_sdk::service::kv::Entry;
///
/// let entry = Entry { value: b"s3cr3t".to_vec(), version: 3 };
/// assert_eq!(format!("{entry:?}"), "Entry { bytes: 6, version: 3 }", "the value is not shown");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// The bytes of the value.
    pub value: Vec<u8>,
    /// The version of the value, never 0.
    pub version: u64,
}

impl fmt::Debug for Entry {
    /// Values may be secret, so only their size is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("bytes", &self.value.len()).field("version", &self.version).finish()
    }
}

/// The result of a change with a condition.
///
/// ```
/// # use handlers_sdk::service::kv::{Condition, Entry, Op, Outcome, Command, Store, Stored};
/// # use handlers_sdk::testing::{App, Invoke};
/// # use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer};
/// # use std::{collections::HashMap, sync::{Arc, Mutex}};
/// # use handlers_sdk::service::Offered;
/// # struct Shelf(#[allow(dead_code)] Offered);
/// # #[derive(Default)]
/// # struct Kept(Mutex<HashMap<Vec<u8>, Entry>>);
/// # impl Store for Kept {
/// #     fn call(&self, Command { key, op }: Command, answer: Stored) {
/// #         let mut kept = self.0.lock().unwrap();
/// #         let now = kept.get(&key).cloned();
/// #         answer.give(Ok(match (op, now) {
/// #             (Op::Get, now) => now.map_or(Outcome::Absent, Outcome::Found),
/// #             (Op::Put { only_if: Condition::Absent, .. }, Some(now)) => Outcome::Conflict(now),
/// #             (Op::Put { only_if: Condition::Version(known), .. }, Some(now)) if known != now.version => {
/// #                 Outcome::Conflict(now)
/// #             }
/// #             (Op::Put { value, .. }, now) => {
/// #                 let version = now.map_or(1, |now| now.version + 1);
/// #                 kept.insert(key, Entry { value, version });
/// #                 Outcome::Changed(version)
/// #             }
/// #             (Op::Remove { .. }, now) => {
/// #                 kept.remove(&key);
/// #                 now.map_or(Outcome::Absent, |_| Outcome::Changed(0))
/// #             }
/// #         }));
/// #     }
/// # }
/// # #[layer(name = "shelf")]
/// # impl Layer for Shelf {
/// #     fn create(config: &Config) -> Result<Self, Error> { config.offer_kv(Arc::<Kept>::default()).map(Shelf) }
/// # }
/// use handlers_sdk::service::kv::WriteOutcome;
///
/// /// Takes a seat for the caller that asks first.
/// #[function]
/// async fn take(ctx: FaasContext, name: String) -> Result<String, Error> {
///     let kv = ctx.kv().ok_or_else(|| Error::msg("expected a layer such as kv"))?;
///     match kv.put_if_absent(b"seat/7", name.clone().into_bytes(), None).await? {
///         WriteOutcome::Conflict(first) => Ok(format!("taken by {}", String::from_utf8_lossy(&first.value))),
///         WriteOutcome::Made(_) | WriteOutcome::Absent => Ok(format!("{name} sits here")),
///     }
/// }
///
/// let app = App::builder().module(Shelf::MODULE).module(take::MODULE).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::event("ada")).text(), "ada sits here");
/// assert_eq!(app.invoke(Invoke::event("bob")).text(), "taken by ada");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteOutcome {
    /// The change was made. This is the new version; 0 after a removal.
    Made(u64),
    /// The change was not made: there is no such key, or its time is over.
    Absent,
    /// The change was not made: the key is not as the caller expected it. This is its present entry.
    Conflict(Entry),
}

/// The condition under which a write takes place.
///
/// ```
/// use handlers_sdk::service::kv::{Condition, Entry};
///
/// /// Says whether a store may write where this entry stands now.
/// fn holds(only_if: Condition, now: Option<&Entry>) -> bool {
///     match only_if {
///         Condition::Always => true,
///         Condition::Absent => now.is_none(),
///         Condition::Version(version) => now.is_some_and(|now| now.version == version),
///     }
/// }
///
/// let now = Entry { value: b"tea".to_vec(), version: 3 };
/// assert!(holds(Condition::Version(3), Some(&now)) && !holds(Condition::Absent, Some(&now)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The write takes place in any case.
    Always,
    /// The write takes place only if there is no such key.
    Absent,
    /// The write takes place only if the key still has this version.
    Version(u64),
}

/// The operation that is asked of a store.
///
/// ```
/// use handlers_sdk::service::kv::Op;
///
/// /// Returns how many bytes an operation adds to a store.
/// fn grows_by(op: &Op) -> usize {
///     match op {
///         Op::Put { value, .. } => value.len(),
///         Op::Get | Op::Remove { .. } => 0,
///     }
/// }
///
/// assert_eq!(grows_by(&Op::Remove { expected: Some(3) }), 0);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub enum Op {
    /// The value of the key is to be read.
    Get,
    /// A value is to be written for the key.
    Put {
        /// The bytes of the value.
        value: Vec<u8>,
        /// The time for which the value is kept; `None` keeps it for ever.
        ttl: Option<Duration>,
        /// The condition under which it is written.
        only_if: Condition,
    },
    /// The key is to be removed with its value.
    Remove {
        /// The version that the key must still have; `None` removes any.
        expected: Option<u64>,
    },
}

impl fmt::Debug for Op {
    /// Values may be secret, so only their size is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Get => f.write_str("Get"),
            Op::Put { value, ttl, only_if } => {
                f.debug_struct("Put").field("bytes", &value.len()).field("ttl", ttl).field("only_if", only_if).finish()
            }
            Op::Remove { expected } => f.debug_struct("Remove").field("expected", expected).finish(),
        }
    }
}

/// One call of a store. Its key has 1 to [`MAX_KEY_BYTES`] bytes.
///
/// ```
/// use handlers_sdk::service::kv::{Op, Command};
///
/// /// Puts the keys of one service into a folder of its own.
/// fn in_folder(folder: &str, Command { key, op }: Command) -> Command {
///     Command { key: [folder.as_bytes(), b"/", &key].concat(), op }
/// }
///
/// let command = in_folder("shop", Command { key: b"stock".to_vec(), op: Op::Get });
/// assert_eq!(command.key, b"shop/stock");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The key, as bytes.
    pub key: Vec<u8>,
    /// The operation on the key.
    pub op: Op,
}

/// The answer of a store. Any other end of a call is a [`ServiceErrorKind`](crate::service::ServiceErrorKind).
///
/// ```
/// use handlers_sdk::service::kv::{Entry, Outcome};
/// use std::collections::HashMap;
///
/// fn read(kept: &HashMap<Vec<u8>, Entry>, key: &[u8]) -> Outcome {
///     kept.get(key).cloned().map_or(Outcome::Absent, Outcome::Found)
/// }
///
/// assert_eq!(read(&HashMap::new(), b"stock"), Outcome::Absent);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The entry that was read.
    Found(Entry),
    /// The key was written, in this version; or removed, and this is 0.
    Changed(u64),
    /// There is no such key, or its time is over.
    Absent,
    /// The key is not as the caller expected it. This is its present entry.
    Conflict(Entry),
}

/// A store of values by key.
///
/// ```
/// # use handlers_sdk::service::Offered;
/// # use handlers_sdk::testing::{App, Invoke};
/// # use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer};
/// # use std::sync::Arc;
/// use handlers_sdk::service::ServiceErrorKind;
/// use handlers_sdk::service::kv::{Entry, Op, Outcome, Command, Store, Stored};
///
/// /// Has one value for every key, and takes no other.
/// struct Fixed;
///
/// impl Store for Fixed {
///     fn call(&self, command: Command, answer: Stored) {
///         answer.give(match command.op {
///             Op::Get => Ok(Outcome::Found(Entry { value: b"tea".to_vec(), version: 1 })),
///             Op::Put { .. } | Op::Remove { .. } => Err(ServiceErrorKind::Invalid),
///         });
///     }
/// }
/// # struct Keeps(#[allow(dead_code)] Offered);
/// # #[layer(name = "keeps")]
/// # impl Layer for Keeps {
/// #     fn create(config: &Config) -> Result<Self, Error> { config.offer_kv(Arc::new(Fixed)).map(Keeps) }
/// # }
///
/// #[function]
/// async fn read(ctx: FaasContext) -> Result<Vec<u8>, Error> {
///     let kv = ctx.kv().ok_or_else(|| Error::msg("expected a layer such as kv"))?;
///     Ok(kv.get(b"any").await?.map_or(Vec::new(), |entry| entry.value))
/// }
///
/// let app = App::builder().module(Keeps::MODULE).module(read::MODULE).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::event("")).text(), "tea");
/// ```
pub trait Store: Send + Sync + 'static {
    /// Begins a call and returns at once. The answer is given from any thread, maybe before this returns.
    fn call(&self, command: Command, answer: Stored);
}

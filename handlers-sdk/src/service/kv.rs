//! Values by key that outlive an invocation and an instance, through the service `faas.kv`: one layer keeps them, all others
//! and the functions read and write. The layer `kv` is one.
//!
//! ```
//! use handlers_sdk::service::Offered;
//! use handlers_sdk::service::kv::{Entry, Op, Outcome, Request, Store, Told};
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
//!     fn call(&self, Request { key, op }: Request, answer: Told) {
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

pub use crate::glue::service::kv::{Kv, Told};

use crate::call::config::Config;
use crate::error::Error;
use crate::glue::service::kv;
use crate::service::Offered;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The length of the longest key in bytes. A key is never empty.
pub const MAX_KEY_BYTES: usize = 512;

/// A value and its version: a number that is never 0, and another one after each write.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The change was made. This is the new version; 0 after a removal.
    Made(u64),
    /// The change was not made: there is no such key, or its time is over.
    Absent,
    /// The change was not made: the key is not as the caller expected it. This is its present entry.
    Conflict(Entry),
}

/// The condition under which a write takes place.
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
#[derive(Clone, PartialEq, Eq)]
pub enum Op {
    /// Reads the value of the key.
    Get,
    /// Writes a value for the key.
    Put {
        /// The bytes of the value.
        value: Vec<u8>,
        /// How long the value is kept; `None` keeps it for ever.
        ttl: Option<Duration>,
        /// The condition under which it is written.
        only_if: Condition,
    },
    /// Removes the key with its value.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The key, as bytes.
    pub key: Vec<u8>,
    /// The operation on the key.
    pub op: Op,
}

/// The answer of a store. Any other end of a call is an [`ErrorKind`](crate::service::ErrorKind).
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
pub trait Store: Send + Sync + 'static {
    /// Begins a call and returns at once. The answer is given from any thread, maybe before this returns.
    fn call(&self, request: Request, answer: Told);
}

impl Config {
    /// Offers a store to every function and layer of the process, as the service `faas.kv`. It is called in `create`,
    /// and the layer keeps the returned value.
    ///
    /// # Errors
    /// The host refuses, for instance because another layer offers it.
    pub fn offer_kv(&self, store: Arc<impl Store>) -> Result<Offered, Error> {
        kv::offer(self.entry(), store)
    }

    /// Returns the store of values by key, of the layer that offers the service `faas.kv`. `None` if no layer offers
    /// it, or none has yet.
    pub fn kv(&self) -> Option<Kv> {
        kv::find(self.entry())
    }
}

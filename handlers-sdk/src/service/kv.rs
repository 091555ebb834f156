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

/// The longest key in bytes. An empty one cannot be.
pub const MAX_KEY_BYTES: usize = 512;

/// A value and its version: a number that is never 0, and another one after each write.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Vec<u8>,
    /// The version.
    pub version: u64,
}

impl fmt::Debug for Entry {
    /// Values may be secret; only their size is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("bytes", &self.value.len()).field("version", &self.version).finish()
    }
}

/// What a change with a condition came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was made. This is the new version; 0 after a removal.
    Made(u64),
    /// It was not: there is no such key, or its time is over.
    Absent,
    /// It was not: the key is not as the caller expected it. This is what is there.
    Conflict(Entry),
}

/// When a write takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Whatever is there.
    Always,
    /// Only if there is no such key.
    Absent,
    /// Only if the key still has this version.
    Version(u64),
}

/// What is asked of a store.
#[derive(Clone, PartialEq, Eq)]
pub enum Op {
    /// Reads.
    Get,
    /// Writes.
    Put {
        /// The value.
        value: Vec<u8>,
        /// How long it is kept; `None`: for ever.
        ttl: Option<Duration>,
        /// When it is written at all.
        only_if: Condition,
    },
    /// Removes.
    Remove {
        /// Only if the key still has this version; `None`: whatever is there.
        expected: Option<u64>,
    },
}

impl fmt::Debug for Op {
    /// Values may be secret; only their size is shown.
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
    /// The key.
    pub key: Vec<u8>,
    /// What is to be done with it.
    pub op: Op,
}

/// What a store answers. Whatever else comes of a call is an [`ErrorKind`](crate::service::ErrorKind).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This was read.
    Found(Entry),
    /// It was written, in this version; or removed, and this is 0.
    Changed(u64),
    /// There is no such key, or its time is over.
    Absent,
    /// The key is not as the caller expected it. This is what is there.
    Conflict(Entry),
}

/// Who keeps the values.
pub trait Store: Send + Sync + 'static {
    /// Begins a call and returns at once. Whoever does the work gives the answer, from any thread, maybe before this returns.
    fn call(&self, request: Request, answer: Told);
}

impl Config {
    /// Offers a store to every function and layer of the process, as the service `faas.kv`. In `create`; the layer keeps what
    /// this returns.
    ///
    /// # Errors
    /// The host refuses, for instance because another layer offers it.
    pub fn offer_kv(&self, store: Arc<impl Store>) -> Result<Offered, Error> {
        kv::offer(self.entry(), store)
    }

    /// Where values are kept: the layer that offers the service `faas.kv`. `None` if no layer offers it, or none has yet.
    pub fn kv(&self) -> Option<Kv> {
        kv::find(self.entry())
    }
}

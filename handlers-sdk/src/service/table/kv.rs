//! The table of `faas.kv`, from both sides: a safe trait behind it, and safe calls in front of it.

use super::Made;
use super::call::{self, Call};
use super::open::{Deliver, Open, Responder};
use crate::error::Error;
use crate::ffi::Entry as Host;
use crate::ffi::bytes::{Chunk, give};
use crate::panics::catch_aside;
use crate::service::kv::{Command, Condition, Entry, MAX_KEY_BYTES, Op, Outcome, Store, WriteOutcome};
use crate::service::{self, Offered, ServiceErrorKind};
use core::ffi::c_void;
use faas_abi::services::{KV, Kv as Table, ValueFn};
use faas_abi::{Buf, Bytes as Lent, E_CONFLICT, E_NOT_FOUND, OK, Status};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

type ReadFn = unsafe extern "C" fn(*mut c_void, Lent, Option<ValueFn>, *mut c_void);
type WriteFn = unsafe extern "C" fn(*mut c_void, Lent, Buf, u64, Option<ValueFn>, *mut c_void);
type WriteOverFn = unsafe extern "C" fn(*mut c_void, Lent, u64, Buf, u64, Option<ValueFn>, *mut c_void);
type RemoveFn = unsafe extern "C" fn(*mut c_void, Lent, u64, Option<ValueFn>, *mut c_void);

/// The store of values by key: the provider of `faas.kv`. It is small, `Copy`, and good for the life of the process.
///
/// The service knows of no cancel: a call that is dropped may still write.
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
/// use handlers_sdk::service::kv::{WriteOutcome, Kv};
///
/// /// Adds one, and begins again if another instance was quicker.
/// async fn next(kv: Kv) -> Result<u64, Error> {
///     loop {
///         let Some(Entry { value, version }) = kv.get(b"visits").await? else {
///             kv.put_if_absent(b"visits", vec![0], None).await?;
///             continue;
///         };
///         let visits = value[0] + 1;
///         if let WriteOutcome::Made(_) = kv.put_if_version(b"visits", version, vec![visits], None).await? {
///             return Ok(visits.into());
///         }
///     }
/// }
///
/// #[function]
/// async fn visit(ctx: FaasContext) -> Result<String, Error> {
///     let kv = ctx.kv().ok_or_else(|| Error::msg("expected a layer such as kv"))?;
///     Ok(format!("visit {}", next(kv).await?))
/// }
///
/// let app = App::builder().module(Shelf::MODULE).module(visit::MODULE).start().expect("starts");
/// assert_eq!([(); 2].map(|()| app.invoke(Invoke::event("")).text()), ["visit 1", "visit 2"]);
/// ```
#[derive(Clone, Copy)]
pub struct Kv {
    provider: *mut c_void,
    get: Option<ReadFn>,
    put: Option<WriteFn>,
    put_if_absent: Option<WriteFn>,
    put_if_version: Option<WriteOverFn>,
    remove: Option<RemoveFn>,
}

// SAFETY: the provider's functions may be called from any thread, and `provider` is only passed back to them.
unsafe impl Send for Kv {}
// SAFETY: as for `Send`.
unsafe impl Sync for Kv {}

pub(crate) fn find(entry: &Host) -> Option<Kv> {
    let Table { provider, get, put, put_if_absent, put_if_version, remove, .. } = super::find::<Table>(entry)?;
    Some(Kv { provider, get, put, put_if_absent, put_if_version, remove })
}

/// Takes a value that was given.
///
/// # Safety
/// `value` was given to this call, and this is its only receiver.
unsafe fn taken(value: Buf) -> Vec<u8> {
    // SAFETY: the caller's promise.
    unsafe { Chunk::of(value) }.as_ref().to_vec()
}

unsafe extern "C" fn read(arg: *mut c_void, status: Status, value: Buf, version: u64) {
    // SAFETY: given with this call.
    let value = unsafe { taken(value) };
    let result = match status {
        OK => Ok(Some(Entry { value, version })),
        E_NOT_FOUND => Ok(None),
        other => Err(call::error(KV, other)),
    };
    // SAFETY: `arg` of `get`, whose completion this is; it is called once.
    unsafe { call::complete::<Option<Entry>>(arg, result) }
}

unsafe extern "C" fn written(arg: *mut c_void, status: Status, value: Buf, version: u64) {
    // SAFETY: given with this call.
    drop(unsafe { taken(value) });
    let result = if status == OK { Ok(version) } else { Err(call::error(KV, status)) };
    // SAFETY: `arg` of `put`, whose completion this is; it is called once.
    unsafe { call::complete::<u64>(arg, result) }
}

unsafe extern "C" fn changed(arg: *mut c_void, status: Status, value: Buf, version: u64) {
    // SAFETY: given with this call.
    let value = unsafe { taken(value) };
    let result = match status {
        OK => Ok(WriteOutcome::Made(version)),
        E_NOT_FOUND => Ok(WriteOutcome::Absent),
        E_CONFLICT => Ok(WriteOutcome::Conflict(Entry { value, version })),
        other => Err(call::error(KV, other)),
    };
    // SAFETY: `arg` of a change with a condition, whose completion this is; it is called once.
    unsafe { call::complete::<WriteOutcome>(arg, result) }
}

/// Returns the time to live in milliseconds, as the table has it: 0 is for ever, and the shortest time is 1.
fn ms(ttl: Option<Duration>) -> u64 {
    ttl.map_or(0, |ttl| u64::try_from(ttl.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX).max(1))
}

fn absent<T>() -> Call<T> {
    Call::failed(service::ServiceError::new(KV, ServiceErrorKind::Absent))
}

/// Every call may fail when it is awaited. [`ServiceErrorKind::Invalid`] is for a key that is empty or longer than
/// [`MAX_KEY_BYTES`], [`ServiceErrorKind::TooBig`] for a value that the provider does not keep. After [`ServiceErrorKind::Deadline`],
/// [`ServiceErrorKind::Cancelled`] and [`ServiceErrorKind::Failed`] it is unknown whether it has written.
impl Kv {
    /// Reads a value; `None` means that there is no such key, or that its time is over.
    pub fn get(&self, key: &[u8]) -> Call<Option<Entry>> {
        let Some(get) = self.get else { return absent() };
        Call::begin(|arg| {
            // SAFETY: the provider's own function and pointer; the key is lent for the call. `read` takes back what
            // `arg` holds.
            unsafe { get(self.provider, Lent::of(key), Some(read), arg) };
            None
        })
    }

    /// Writes, whether or not the key exists, and returns the new version. After `ttl` the value is gone; `None` keeps
    /// it for ever.
    pub fn put(&self, key: &[u8], value: Vec<u8>, ttl: Option<Duration>) -> Call<u64> {
        let Some(put) = self.put else { return absent() };
        Call::begin(|arg| {
            // SAFETY: as in `get`; the value is given.
            unsafe { put(self.provider, Lent::of(key), give(value), ms(ttl), Some(written), arg) };
            None
        })
    }

    /// Writes if there is no such key, for a caller that wants to be the first. [`WriteOutcome::Conflict`] means that another
    /// was.
    pub fn put_if_absent(&self, key: &[u8], value: Vec<u8>, ttl: Option<Duration>) -> Call<WriteOutcome> {
        let Some(put) = self.put_if_absent else { return absent() };
        Call::begin(|arg| {
            // SAFETY: as in `put`.
            unsafe { put(self.provider, Lent::of(key), give(value), ms(ttl), Some(changed), arg) };
            None
        })
    }

    /// Writes if the key still has this version, for a caller that wants to lose nothing that others have written.
    pub fn put_if_version(
        &self,
        key: &[u8],
        expected: u64,
        value: Vec<u8>,
        ttl: Option<Duration>,
    ) -> Call<WriteOutcome> {
        let Some(put) = self.put_if_version else { return absent() };
        Call::begin(|arg| {
            // SAFETY: as in `put`.
            unsafe { put(self.provider, Lent::of(key), expected, give(value), ms(ttl), Some(changed), arg) };
            None
        })
    }

    /// Removes the key; with `expected` only if it still has this version.
    pub fn remove(&self, key: &[u8], expected: Option<u64>) -> Call<WriteOutcome> {
        let Some(remove) = self.remove else { return absent() };
        Call::begin(|arg| {
            // SAFETY: as in `get`.
            unsafe { remove(self.provider, Lent::of(key), expected.unwrap_or(0), Some(changed), arg) };
            None
        })
    }
}

impl fmt::Debug for Kv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kv").finish_non_exhaustive()
    }
}

/// The answer that a store gives to one call.
///
/// ```
/// use handlers_sdk::service::ServiceErrorKind;
/// use handlers_sdk::service::kv::{Entry, Outcome, Stored};
/// use std::path::Path;
///
/// /// Reads the value from a file, aside.
/// fn read(path: &'static Path, answer: Stored) {
///     std::thread::spawn(move || match std::fs::read(path) {
///         Ok(value) => answer.give(Ok(Outcome::Found(Entry { value, version: 1 }))),
///         Err(error) if error.kind() == std::io::ErrorKind::NotFound => answer.give(Ok(Outcome::Absent)),
///         Err(_) => answer.give(Err(ServiceErrorKind::Failed)),
///     });
/// }
/// ```
pub type Stored = Responder<Outcome>;

/// The completion through which a consumer is told.
struct Consumer {
    complete: ValueFn,
    arg: *mut c_void,
}

// SAFETY: a completion may be called on any thread (faas.h, S5), and `arg` is only passed to it.
unsafe impl Send for Consumer {}

impl Consumer {
    fn tell(&self, result: Result<Outcome, ServiceErrorKind>) {
        let (status, value, version) = match result {
            Ok(Outcome::Found(Entry { value, version })) => (OK, give(value), version),
            Ok(Outcome::Changed(version)) => (OK, Buf::EMPTY, version),
            Ok(Outcome::Absent) => (E_NOT_FOUND, Buf::EMPTY, 0),
            Ok(Outcome::Conflict(Entry { value, version })) => (E_CONFLICT, give(value), version),
            Err(kind) => (kind.status(), Buf::EMPTY, 0),
        };
        // SAFETY: once, with the argument that came with it; the value is given.
        unsafe { (self.complete)(self.arg, status, value, version) }
    }
}

/// The store and its entry, behind the table.
struct Provided<S> {
    store: Arc<S>,
    open: Arc<Open<Outcome>>,
}

/// Offers a store as the service `faas.kv`.
pub(crate) fn offer<S: Store>(entry: &'static Host, store: Arc<S>) -> Result<Offered, Error> {
    made(store).offer(entry)
}

/// Makes the service of a store.
pub(crate) fn made<S: Store>(store: Arc<S>) -> Made<Table> {
    let open = Arc::<Open<Outcome>>::default();
    let provided = Provided { store, open: open.clone() };
    let table = |provider| Table {
        size: size_of::<Table>(),
        provider,
        get: Some(get::<S>),
        put: Some(put::<S, false>),
        put_if_absent: Some(put::<S, true>),
        put_if_version: Some(put_if_version::<S>),
        remove: Some(remove::<S>),
    };
    Made::new(provided, table, move || open.close())
}

/// Begins one call of a store.
///
/// # Safety
/// `provider` must come from `offer::<S>`. The key is lent for the call; `complete` and `arg` are a consumer's.
unsafe fn begin<S: Store>(provider: *mut c_void, key: Lent, op: Op, complete: Option<ValueFn>, arg: *mut c_void) {
    // SAFETY: `offer` made it of a value that is never freed.
    let provided = unsafe { &*provider.cast::<Provided<S>>() };
    let Some(complete) = complete else { return };
    let consumer = Consumer { complete, arg };
    let deliver: Deliver<Outcome> = Box::new(move |result| consumer.tell(result));
    let Some(answer) = provided.open.begin(deliver) else { return };
    // SAFETY: lent for the call.
    let key = unsafe { key.as_slice() };
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return answer.give(Err(ServiceErrorKind::Invalid));
    }
    // A store that panics has dropped the answer, which ends the call.
    catch_aside(|| provided.store.call(Command { key: key.to_vec(), op }, answer));
}

fn put_op(value: Vec<u8>, ttl_ms: u64, only_if: Condition) -> Op {
    Op::Put { value, ttl: (ttl_ms != 0).then(|| Duration::from_millis(ttl_ms)), only_if }
}

unsafe extern "C" fn get<S: Store>(this: *mut c_void, key: Lent, complete: Option<ValueFn>, arg: *mut c_void) {
    // SAFETY: the consumer passes what the table says.
    unsafe { begin::<S>(this, key, Op::Get, complete, arg) }
}

unsafe extern "C" fn put<S: Store, const ONLY_IF_ABSENT: bool>(
    this: *mut c_void,
    key: Lent,
    value: Buf,
    ttl_ms: u64,
    complete: Option<ValueFn>,
    arg: *mut c_void,
) {
    // SAFETY: given with this call.
    let value = unsafe { taken(value) };
    let op = put_op(value, ttl_ms, if ONLY_IF_ABSENT { Condition::Absent } else { Condition::Always });
    // SAFETY: as in `get`.
    unsafe { begin::<S>(this, key, op, complete, arg) }
}

unsafe extern "C" fn put_if_version<S: Store>(
    this: *mut c_void,
    key: Lent,
    expected: u64,
    value: Buf,
    ttl_ms: u64,
    complete: Option<ValueFn>,
    arg: *mut c_void,
) {
    // SAFETY: given with this call.
    let op = put_op(unsafe { taken(value) }, ttl_ms, Condition::Version(expected));
    // SAFETY: as in `get`.
    unsafe { begin::<S>(this, key, op, complete, arg) }
}

unsafe extern "C" fn remove<S: Store>(
    this: *mut c_void,
    key: Lent,
    expected: u64,
    complete: Option<ValueFn>,
    arg: *mut c_void,
) {
    let op = Op::Remove { expected: (expected != 0).then_some(expected) };
    // SAFETY: as in `get`.
    unsafe { begin::<S>(this, key, op, complete, arg) }
}

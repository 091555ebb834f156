//! The table of `faas.params`, from both sides: a safe trait behind it, and safe calls in front of it.

use super::Made;
use super::call::{self, Call};
use super::open::{Deliver, Open, Responder};
use super::watch::{Tell, Watches};
use crate::error::Error;
use crate::ffi::Entry;
use crate::ffi::bytes::{Chunk, give_wiped};
use crate::panics::catch_aside;
use crate::service::params::Source;
use crate::service::{self, Offered, ServiceErrorKind};
use core::ffi::c_void;
use faas_abi::services::{PARAMS, Params as Table, ValueFn};
use faas_abi::{Buf, Bytes as Lent, OK, Status};
use std::fmt;
use std::sync::Arc;

/// A value that may be secret, and its version. `Debug` does not show it, and it is overwritten when it is dropped.
///
/// ```
/// use handlers_sdk::service::params::Value;
///
/// let value = Value::new("s3cr3t", 3);
/// assert_eq!((value.reveal_text(), value.version()), (Some("s3cr3t"), 3));
/// assert_eq!(format!("{value:?}"), "Value { version: 3, .. }");
/// ```
pub struct Value {
    bytes: Chunk,
    version: u64,
}

impl Value {
    /// Makes a value, for a provider of values. `version` differs from one value of a name to the next.
    pub fn new(bytes: impl Into<Vec<u8>>, version: u64) -> Value {
        // SAFETY: just made, and this is its only receiver.
        Value { bytes: unsafe { Chunk::of(give_wiped(bytes.into())) }, version }
    }

    /// Returns the value itself, in the clear.
    pub fn reveal(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// Returns the value as text, in the clear; `None` if it is not UTF-8.
    pub fn reveal_text(&self) -> Option<&str> {
        core::str::from_utf8(self.reveal()).ok()
    }

    /// Returns the version of the value. Two values of one name with one version are equal.
    pub fn version(&self) -> u64 {
        self.version
    }

    fn buf(self) -> (Buf, u64) {
        (self.bytes.into_buf(), self.version)
    }
}

impl Clone for Value {
    fn clone(&self) -> Value {
        Value::new(self.reveal(), self.version)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Value").field("version", &self.version).finish_non_exhaustive()
    }
}

/// Returns the result of a completion.
///
/// # Safety
/// `value` was given with this call, and this is its only receiver.
unsafe fn result(status: Status, value: Buf, version: u64) -> Result<Value, service::ServiceError> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { Chunk::of(value) };
    if status == OK { Ok(Value { bytes, version }) } else { Err(call::error(PARAMS, status)) }
}

unsafe extern "C" fn got(arg: *mut c_void, status: Status, value: Buf, version: u64) {
    // SAFETY: given with this call.
    let result = unsafe { result(status, value, version) };
    // SAFETY: `arg` of `get`, whose completion this is; it is called once.
    unsafe { call::complete::<Value>(arg, result) }
}

/// The way to ask for parameters: the provider of `faas.params`. It is small, `Copy`, and good for the life of the
/// process.
///
/// ```
/// # use handlers_sdk::service::params::{Got, Source, Value, Watch};
/// # use handlers_sdk::service::{ServiceErrorKind, Offered};
/// # use handlers_sdk::testing::{App, Invoke};
/// # use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer};
/// # use std::sync::Arc;
/// # struct One(#[allow(dead_code)] Offered);
/// # struct Known;
/// # impl Source for Known {
/// #     fn get(&self, name: &str, answer: Got) {
/// #         answer.give(if name == "mail/key" { Ok(Value::new("s3cr3t", 1)) } else { Err(ServiceErrorKind::NotFound) });
/// #     }
/// #     fn watch(&self, _: &str, watch: Watch) { watch.tell(Ok(Value::new("s3cr3t", 1))); }
/// # }
/// # #[layer(name = "one")]
/// # impl Layer for One {
/// #     fn create(config: &Config) -> Result<Self, Error> { config.offer_params(Arc::new(Known)).map(One) }
/// # }
/// use handlers_sdk::service::params::Params;
///
/// async fn sender(params: Params) -> Result<String, Error> {
///     match params.get("mail/sender").await {
///         Err(error) if error.kind() == ServiceErrorKind::NotFound => Ok("shop@example.com".to_owned()),
///         found => Ok(found?.reveal_text().unwrap_or_default().to_owned()),
///     }
/// }
///
/// #[function]
/// async fn mail(ctx: FaasContext) -> Result<String, Error> {
///     sender(ctx.params().ok_or_else(|| Error::msg("expected a layer such as params"))?).await
/// }
///
/// let app = App::builder().module(One::MODULE).module(mail::MODULE).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::event("")).text(), "shop@example.com");
/// ```
#[derive(Clone, Copy)]
pub struct Params {
    provider: *mut c_void,
    get: Option<unsafe extern "C" fn(*mut c_void, Lent, Option<ValueFn>, *mut c_void)>,
    watch: Option<unsafe extern "C" fn(*mut c_void, Lent, Option<ValueFn>, *mut c_void) -> u64>,
    unwatch: Option<unsafe extern "C" fn(*mut c_void, u64)>,
}

// SAFETY: the provider's functions may be called from any thread, and `provider` is only passed back to them.
unsafe impl Send for Params {}
// SAFETY: as for `Send`.
unsafe impl Sync for Params {}

pub(crate) fn find(entry: &Entry) -> Option<Params> {
    let Table { provider, get, watch, unwatch, .. } = super::find::<Table>(entry)?;
    Some(Params { provider, get, watch, unwatch })
}

type Heard = Box<dyn Fn(Result<Value, service::ServiceError>) + Send + Sync>;

unsafe extern "C" fn heard(arg: *mut c_void, status: Status, value: Buf, version: u64) {
    // SAFETY: given with this call.
    let result = unsafe { result(status, value, version) };
    let is_last = result.as_ref().is_err_and(|error| error.kind() == ServiceErrorKind::Cancelled);
    {
        // SAFETY: `watch` made it, and it is freed at the last call alone.
        let hears = unsafe { &*arg.cast::<Heard>() };
        catch_aside(|| hears(result));
    }
    if is_last {
        // SAFETY: the last call, after which the provider does not know of it (faas_params.h).
        let hears = unsafe { Box::from_raw(arg.cast::<Heard>()) };
        catch_aside(|| drop(hears));
    }
}

impl Params {
    /// Asks for the value of a name.
    ///
    /// # Errors
    /// It fails when it is awaited: with [`ServiceErrorKind::NotFound`] if there is no such name, and with
    /// [`ServiceErrorKind::Deadline`] if the store did not answer in the provider's own time and there is no older value.
    pub fn get(&self, name: &str) -> Call<Value> {
        let Some(get) = self.get else {
            return Call::failed(service::ServiceError::new(PARAMS, ServiceErrorKind::Absent));
        };
        Call::begin(|arg| {
            // SAFETY: the provider's own function and pointer; the name is lent for the call. `got` takes back what
            // `arg` holds.
            unsafe { get(self.provider, Lent::of(name.as_bytes()), Some(got), arg) };
            None
        })
    }

    /// Calls `hear` with the value of a name, and again whenever it changes, never twice at once, from any thread. An
    /// error of kind [`ServiceErrorKind::NotFound`] says that it was removed; one of kind [`ServiceErrorKind::Cancelled`] is the last
    /// call. `hear` returns at once.
    ///
    /// The watch ends when the returned value is dropped.
    ///
    /// # Errors
    /// The provider knows of no watches.
    pub fn watch(
        &self,
        name: &str,
        hear: impl Fn(Result<Value, service::ServiceError>) + Send + Sync + 'static,
    ) -> Result<Watching, service::ServiceError> {
        let (Some(watch), Some(unwatch)) = (self.watch, self.unwatch) else {
            return Err(service::ServiceError::new(PARAMS, ServiceErrorKind::Absent));
        };
        let hears: Heard = Box::new(hear);
        let arg = Box::into_raw(Box::new(hears)).cast();
        // SAFETY: the provider's own function and pointer; the name is lent for the call. `heard` frees `arg`.
        let number = unsafe { watch(self.provider, Lent::of(name.as_bytes()), Some(heard), arg) };
        Ok(Watching { provider: self.provider, unwatch, number })
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Params").finish_non_exhaustive()
    }
}

/// A watch on a parameter, which ends when this is dropped.
///
/// ```
/// # use handlers_sdk::service::params::{Got, Source, Value, Watch};
/// # use handlers_sdk::service::{ServiceErrorKind, Offered};
/// # use handlers_sdk::testing::App;
/// # use handlers_sdk::{Config, Error, Layer, layer};
/// # use std::sync::Arc;
/// # struct One(#[allow(dead_code)] Offered);
/// # struct Known;
/// # impl Source for Known {
/// #     fn get(&self, name: &str, answer: Got) {
/// #         answer.give(if name == "mail/key" { Ok(Value::new("s3cr3t", 1)) } else { Err(ServiceErrorKind::NotFound) });
/// #     }
/// #     fn watch(&self, _: &str, watch: Watch) { watch.tell(Ok(Value::new("s3cr3t", 1))); }
/// # }
/// # #[layer(name = "one")]
/// # impl Layer for One {
/// #     fn create(config: &Config) -> Result<Self, Error> { config.offer_params(Arc::new(Known)).map(One) }
/// # }
/// use handlers_sdk::service::params::Watching;
/// use std::sync::Mutex;
///
/// /// Has the key of the day at hand, for as long as it keeps the watch.
/// struct Signs {
///     key: Arc<Mutex<Option<Value>>>,
///     _watching: Watching,
/// }
///
/// #[layer(name = "signs")]
/// impl Layer for Signs {
///     fn create(config: &Config) -> Result<Self, Error> {
///         let params = config.params().ok_or_else(|| Error::msg("expected a layer such as params further out"))?;
///         let key = Arc::<Mutex<Option<Value>>>::default();
///         let heard = key.clone();
///         let _watching = params.watch("mail/key", move |news| *heard.lock().unwrap() = news.ok())?;
///         Ok(Signs { key, _watching })
///     }
///
///     fn health(&self) -> Result<(), Error> {
///         self.key.lock().unwrap().as_ref().map(|_| ()).ok_or_else(|| Error::msg("there is no key"))
///     }
/// }
///
/// assert!(App::builder().module(One::MODULE).module(Signs::MODULE).start().is_ok());
/// let why = App::builder().module(Signs::MODULE).start().expect_err("nobody knows keys");
/// assert!(why.contains("expected a layer such as params"), "{why}");
/// ```
#[must_use = "a watch ends when it is dropped"]
pub struct Watching {
    provider: *mut c_void,
    unwatch: unsafe extern "C" fn(*mut c_void, u64),
    number: u64,
}

// SAFETY: as for `Params`.
unsafe impl Send for Watching {}
// SAFETY: as for `Send`.
unsafe impl Sync for Watching {}

impl Drop for Watching {
    fn drop(&mut self) {
        // SAFETY: the provider's own function and pointer; a number that has ended means nothing.
        unsafe { (self.unwatch)(self.provider, self.number) }
    }
}

impl fmt::Debug for Watching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watching").field("number", &self.number).finish_non_exhaustive()
    }
}

/// The completion through which a consumer is told.
struct Told {
    complete: ValueFn,
    arg: *mut c_void,
}

// SAFETY: a completion may be called on any thread (faas.h, S5), and `arg` is only passed to it.
unsafe impl Send for Told {}

impl Told {
    fn tell(&self, result: Result<Value, ServiceErrorKind>) {
        let (status, (value, version)) = match result {
            Ok(value) => (OK, value.buf()),
            Err(kind) => (kind.status(), (Buf::EMPTY, 0)),
        };
        // SAFETY: as often as the header says, with the argument that came with it; the value is given.
        unsafe { (self.complete)(self.arg, status, value, version) }
    }
}

/// The source and its entry, behind the table.
struct Provided<S> {
    source: Arc<S>,
    open: Arc<Open<Value>>,
    watches: Arc<Watches>,
}

/// Offers a source of parameters as the service `faas.params`.
pub(crate) fn offer<S: Source>(entry: &'static Entry, source: Arc<S>) -> Result<Offered, Error> {
    made(source).offer(entry)
}

/// Makes the service of a source of parameters.
pub(crate) fn made<S: Source>(source: Arc<S>) -> Made<Table> {
    let (open, watches) = (Arc::<Open<Value>>::default(), Arc::<Watches>::default());
    let provided = Provided { source, open: open.clone(), watches: watches.clone() };
    let table = |provider| Table {
        size: size_of::<Table>(),
        provider,
        get: Some(get::<S>),
        watch: Some(watch::<S>),
        unwatch: Some(unwatch::<S>),
    };
    Made::new(provided, table, move || {
        open.close();
        watches.close();
    })
}

unsafe extern "C" fn get<S: Source>(provider: *mut c_void, name: Lent, complete: Option<ValueFn>, arg: *mut c_void) {
    // SAFETY: `offer` made it of a value that is never freed.
    let provided = unsafe { &*provider.cast::<Provided<S>>() };
    let Some(complete) = complete else { return };
    let told = Told { complete, arg };
    let deliver: Deliver<Value> = Box::new(move |result| told.tell(result));
    let Some(answer) = provided.open.begin(deliver) else { return };
    // SAFETY: lent for the call.
    match core::str::from_utf8(unsafe { name.as_slice() }) {
        Err(_) => answer.give(Err(ServiceErrorKind::NotFound)),
        Ok(name) => {
            catch_aside(|| provided.source.get(name, answer));
        }
    }
}

unsafe extern "C" fn watch<S: Source>(
    provider: *mut c_void,
    name: Lent,
    complete: Option<ValueFn>,
    arg: *mut c_void,
) -> u64 {
    // SAFETY: as in `get`.
    let provided = unsafe { &*provider.cast::<Provided<S>>() };
    let Some(complete) = complete else { return super::open::next_number() };
    let told = Told { complete, arg };
    let tell: Tell = Box::new(move |result| told.tell(result));
    let (number, watch) = provided.watches.begin(tell);
    // SAFETY: lent for the call.
    let name = core::str::from_utf8(unsafe { name.as_slice() });
    match (name, watch) {
        (_, None) => {}
        (Err(_), Some(watch)) => watch.tell(Err(ServiceErrorKind::NotFound)),
        (Ok(name), Some(watch)) => {
            catch_aside(|| provided.source.watch(name, watch));
        }
    }
    number
}

unsafe extern "C" fn unwatch<S: Source>(provider: *mut c_void, number: u64) {
    // SAFETY: as in `get`.
    let provided = unsafe { &*provider.cast::<Provided<S>>() };
    provided.watches.end(number);
}

/// The answer that a source of parameters gives to one call.
///
/// ```
/// use handlers_sdk::service::ServiceErrorKind;
/// use handlers_sdk::service::params::{Got, Value};
///
/// /// Reads a parameter from the folder that the platform mounts.
/// fn read(folder: &str, name: &str, answer: Got) {
///     let file = std::fs::read(std::path::Path::new(folder).join(name));
///     answer.give(file.map(|bytes| Value::new(bytes, 1)).map_err(|_| ServiceErrorKind::NotFound));
/// }
/// ```
pub type Got = Responder<Value>;

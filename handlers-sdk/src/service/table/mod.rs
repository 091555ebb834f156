//! Services: sized tables that libraries offer to one another through the host. Beside the table itself it has the
//! parts that every service with completions needs: [`call`] for the side that asks, [`open`] for the side that
//! answers.
#![allow(unsafe_code, reason = "a service is a table of pointers, whoever built its two sides")]

pub(crate) mod call;
pub(crate) mod http;
pub(crate) mod kv;
pub(crate) mod open;
pub(crate) mod params;
pub(crate) mod watch;

use crate::error::Error;
use crate::ffi::Entry;
use crate::service::Offered;
use core::ffi::c_void;
use faas_abi::OK;
use faas_abi::services;
use faas_abi::tables::{Table, read_table};

/// A table one library offers and others use, found by name and major version.
///
/// ```
/// use handlers_sdk::abi::tables::Table;
/// use handlers_sdk::testing::{App, Invoke};
/// use handlers_sdk::{FaasContext, Service, function};
///
/// #[repr(C)]
/// struct Till {
///     size: usize,
///     price: Option<extern "C" fn(u64) -> u64>,
/// }
///
/// // SAFETY: it is `repr(C)`, begins with `size`, and null is a legal function pointer in an `Option`.
/// unsafe impl Table for Till {
///     const FIRST_SIZE: usize = 16;
/// }
///
/// // SAFETY: nobody else offers the name, and the function may be called from any thread.
/// unsafe impl Service for Till {
///     const NAME: &'static str = "shop.till";
///     const MAJOR: u32 = 1;
/// }
///
/// extern "C" fn price(pieces: u64) -> u64 {
///     pieces * 3
/// }
///
/// #[function]
/// fn pay(ctx: FaasContext) -> Option<String> {
///     let price = ctx.service::<Till>()?.price?;
///     Some(price(14).to_string())
/// }
///
/// // A layer offers it with `Config::offer`, a test in its place with `Builder::service`.
/// static TILL: Till = Till { size: Till::FIRST_SIZE, price: Some(price) };
/// let app = App::builder().module(pay::MODULE).service(&TILL).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::event("")).text(), "42");
/// ```
///
/// # Safety
/// A library that offers `NAME` in `MAJOR` must offer a table that begins as `Self` does. The functions that its
/// members point to must be callable from any thread for the rest of the process. Members are only ever added, at the
/// end.
pub unsafe trait Service: Table + Sync + 'static {
    /// The name of the service, a short dotted text: `faas.http`.
    const NAME: &'static str;
    /// The major version, which changes when a member is taken away or means something else.
    const MAJOR: u32;
}

/// Offers a service, in `create`. Other entries may have looked for it in theirs already, so consumers look again on
/// first use.
pub(crate) fn offer<S: Service>(entry: &Entry, table: &'static S) -> Result<(), Error> {
    match entry.offer(S::NAME, S::MAJOR, core::ptr::from_ref(table).cast()) {
        OK => Ok(()),
        status => Err(Error::new(
            "Runtime.ServiceRefused",
            format!("the host does not take the service {} (major {}): status {status}", S::NAME, S::MAJOR),
        )),
    }
}

/// A service that is made for one provider, before anybody offers it.
pub(crate) struct Made<S: 'static> {
    /// The table that consumers get.
    pub(crate) table: &'static S,
    /// The offer, whose drop ends the service.
    pub(crate) offered: Offered,
}

impl<S: Service> Made<S> {
    /// Makes a table for this provider. Both live as long as the process, since a consumer may keep them.
    fn new<P: 'static>(
        provider: P,
        table: impl FnOnce(*mut c_void) -> S,
        close: impl FnOnce() + Send + Sync + 'static,
    ) -> Self {
        let provider: &'static P = Box::leak(Box::new(provider));
        let table = table(core::ptr::from_ref(provider).cast_mut().cast());
        Made { table: Box::leak(Box::new(table)), offered: Offered::until(close) }
    }

    /// Offers the service. Where the host refuses it, it ends at once.
    pub(crate) fn offer(self, entry: &Entry) -> Result<Offered, Error> {
        offer(entry, self.table).map(|()| self.offered)
    }
}

/// Returns a copy of a service's table, in which members that its provider does not have are `None`. Returns `None` if
/// no library offers the service.
pub(crate) fn find<S: Service>(entry: &Entry) -> Option<S> {
    let table = entry.service(S::NAME, S::MAJOR).cast::<S>();
    // SAFETY: not null, and a table of `S` by the promise of the trait's implementor; it lives as long as the process.
    (!table.is_null()).then(|| unsafe { read_table(table) })
}

// SAFETY: the header of the service says what its table is; the host keeps the name to one owner.
unsafe impl Service for services::Http {
    const NAME: &'static str = services::HTTP;
    const MAJOR: u32 = services::HTTP_MAJOR;
}

// SAFETY: as above.
unsafe impl Service for services::Params {
    const NAME: &'static str = services::PARAMS;
    const MAJOR: u32 = services::PARAMS_MAJOR;
}

// SAFETY: as above.
unsafe impl Service for services::Kv {
    const NAME: &'static str = services::KV;
    const MAJOR: u32 = services::KV_MAJOR;
}

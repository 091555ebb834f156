//! The tables of `faas.http`, from both sides: a safe trait behind them, and a client in front of them.

use super::Made;
use super::call::{self, Call, Cancel};
use super::open::{Deliver, Open, Responder, next_number};
use crate::error::Error;
use crate::ffi::Entry;
use crate::ffi::bytes::Chunk;
use crate::host::bytes::{Bytes, Kept};
use crate::panics::catch_aside;
use crate::service::http::{ClientReply, ClientRequest, Transport};
use crate::service::{self, Offered, ServiceErrorKind};
use core::ffi::c_void;
use faas_abi::services::{HTTP, Http, HttpFn, HttpReply, HttpRequest};
use faas_abi::tables::read_table;
use faas_abi::{Buf, Bytes as Lent, E_INTERNAL, OK, Pair, Status};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The way to send requests: the provider of `faas.http`. It is small, `Copy`, and good for the life of the process.
///
/// ```
/// # use handlers_sdk::service::http::{ClientReply, Sent, Transport};
/// # use handlers_sdk::testing::{App, Invoke};
/// # use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer};
/// # use std::sync::Arc;
/// use handlers_sdk::service::http::{Client, ClientRequest};
/// # use handlers_sdk::service::Offered;
/// # struct Fake(#[allow(dead_code)] Offered);
/// # struct Answers;
/// # impl Transport for Answers {
/// #     fn send(&self, _: ClientRequest, answer: Sent) { answer.give(Ok(ClientReply::new(200).with_body("1.07"))) }
/// # }
/// # #[layer(name = "fake")]
/// # impl Layer for Fake {
/// #     fn create(config: &Config) -> Result<Self, Error> { config.offer_http_client(Arc::new(Answers)).map(Fake) }
/// # }
///
/// /// Sends both requests before it waits for either.
/// async fn rates(client: Client) -> Result<[String; 2], Error> {
///     let [eur, chf] = ["eur", "chf"].map(|name| client.send(ClientRequest::get(format!("https://rates.example/{name}"))));
///     Ok([eur.await?, chf.await?].map(|reply| reply.text().into_owned()))
/// }
///
/// #[function]
/// async fn all(ctx: FaasContext) -> Result<String, Error> {
///     let client = ctx.http_client().ok_or_else(|| Error::msg("expected a layer such as http-client"))?;
///     Ok(rates(client).await?.join(", "))
/// }
///
/// let app = App::builder().module(Fake::MODULE).module(all::MODULE).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::event("")).text(), "1.07, 1.07");
/// ```
#[derive(Clone, Copy)]
pub struct Client {
    entry: &'static Entry,
    provider: *mut c_void,
    send: Option<unsafe extern "C" fn(*mut c_void, *const HttpRequest, Option<HttpFn>, *mut c_void) -> u64>,
    cancel: Option<unsafe extern "C" fn(*mut c_void, u64)>,
    /// The latest moment for a reply, in nanoseconds on the host's clock; 0 if there is no limit.
    deadline_ns: u64,
}

// SAFETY: the provider's functions may be called from any thread, and `provider` is only passed back to them.
unsafe impl Send for Client {}
// SAFETY: as for `Send`.
unsafe impl Sync for Client {}

pub(crate) fn find(entry: &'static Entry, deadline_ns: u64) -> Option<Client> {
    let Http { provider, send, cancel, .. } = super::find::<Http>(entry)?;
    Some(Client { entry, provider, send, cancel, deadline_ns })
}

impl Client {
    /// Sends a request. The call ends with the reply, whatever its status is, and at the invocation's deadline at the
    /// latest if this client is of an invocation. Nothing is sent twice, and no redirect is followed.
    ///
    /// # Errors
    /// It fails when it is awaited. [`ServiceErrorKind::Invalid`] is for a request that cannot be sent, and
    /// [`ServiceErrorKind::NotFound`] if nobody is there to be asked. [`ServiceErrorKind::TooBig`] is for a reply that is longer than
    /// it may be, [`ServiceErrorKind::Deadline`] for one that is late, and [`ServiceErrorKind::Failed`] for anything else on the way.
    pub fn send(&self, request: ClientRequest) -> Call<ClientReply> {
        let Some(send) = self.send else {
            return Call::failed(service::ServiceError::new(HTTP, ServiceErrorKind::Absent));
        };
        let deadline_ns = self.deadline_of(request.limit);
        let pair = |(name, value): &(String, String)| Pair {
            name: Lent::of(name.as_bytes()),
            value: Lent::of(value.as_bytes()),
        };
        let headers: Vec<Pair> = request.headers.iter().map(pair).collect();
        let table = HttpRequest {
            size: size_of::<HttpRequest>(),
            method: Lent::of(request.method.as_bytes()),
            url: Lent::of(request.url.as_bytes()),
            headers: headers.as_ptr(),
            header_count: headers.len(),
            body: request.body.into_given().buf(),
            deadline_ns,
            most_bytes: request.most_bytes,
        };
        Call::begin(|arg| {
            // SAFETY: the provider's own function and pointer; the request is lent for the call and its body given.
            // `replied` takes back what `arg` holds.
            let number = unsafe { send(self.provider, &raw const table, Some(replied), arg) };
            self.cancel.map(|cancel| Cancel { provider: self.provider, cancel, number })
        })
    }

    /// Returns the deadline in nanoseconds on the host's clock: the request's own limit, or the rest of the
    /// invocation's.
    fn deadline_of(&self, limit: Option<Duration>) -> u64 {
        let own = limit.map(|limit| {
            let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
            self.entry.now_ns().saturating_add(nanos)
        });
        match (own, self.deadline_ns) {
            (None, deadline) => deadline,
            (Some(own), 0) => own,
            (Some(own), deadline) => own.min(deadline),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// Pairs as texts. A header's value may be bytes of any kind; those that are no UTF-8 are replaced.
///
/// # Safety
/// `pairs` has `count` pairs, and all that they point to is readable.
unsafe fn texts<'a>(pairs: *const Pair, count: usize) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
    let pairs = match count {
        0 => &[][..],
        // SAFETY: the caller's promise.
        _ => unsafe { core::slice::from_raw_parts(pairs, count) },
    };
    pairs.iter().map(|pair| {
        // SAFETY: the caller's promise.
        let name = unsafe { pair.name.as_slice() };
        // SAFETY: as above.
        let value = unsafe { pair.value.as_slice() };
        (String::from_utf8_lossy(name), String::from_utf8_lossy(value))
    })
}

/// Takes the bytes that were given with a call.
///
/// # Safety
/// This is their only receiver.
unsafe fn received(body: Buf) -> Bytes {
    // SAFETY: the caller's promise; what has no release is copied while the call that gives it lasts.
    Bytes(Kept::Given(Arc::new(unsafe { Chunk::of(body) })))
}

unsafe extern "C" fn replied(arg: *mut c_void, status: Status, reply: *const HttpReply) {
    let result = if status != OK {
        Err(status)
    } else if reply.is_null() {
        Err(E_INTERNAL)
    } else {
        // SAFETY: lent for this call (faas_http.h).
        let reply = unsafe { read_table(reply) };
        // SAFETY: given with this call.
        let body = unsafe { received(reply.body) };
        // SAFETY: lent for this call.
        let headers = unsafe { texts(reply.headers, reply.header_count) };
        let headers = headers.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        u16::try_from(reply.status).map(|status| ClientReply { status, headers, body }).map_err(|_| E_INTERNAL)
    };
    let result = result.map_err(|status| call::error(HTTP, status));
    // SAFETY: `arg` of `send`, whose completion this is; it is called once.
    unsafe { call::complete::<ClientReply>(arg, result) }
}

/// A reading of the host's clock in nanoseconds.
pub(crate) type Now = Box<dyn Fn() -> u64 + Send + Sync>;

/// The provider and its host's clock, behind the table.
struct Provided<T> {
    transport: Arc<T>,
    open: Arc<Open<ClientReply>>,
    now_ns: Now,
}

/// Offers a transport as the service `faas.http`.
pub(crate) fn offer<T: Transport>(entry: &'static Entry, transport: Arc<T>) -> Result<Offered, Error> {
    made(transport, Box::new(|| entry.now_ns())).offer(entry)
}

/// Makes the service of a transport. `now_ns` reads the host's clock, on which requests have their deadlines.
pub(crate) fn made<T: Transport>(transport: Arc<T>, now_ns: Now) -> Made<Http> {
    let open = Arc::<Open<ClientReply>>::default();
    let provided = Provided { transport, open: open.clone(), now_ns };
    let table = |provider| Http { size: size_of::<Http>(), provider, send: Some(send::<T>), cancel: Some(cancel::<T>) };
    Made::new(provided, table, move || open.close())
}

/// The completion through which the consumer is told.
struct Told {
    complete: HttpFn,
    arg: *mut c_void,
}

// SAFETY: a completion may be called on any thread (faas.h, S5), and `arg` is only passed to it.
unsafe impl Send for Told {}

impl Told {
    fn tell(self, result: Result<ClientReply, ServiceErrorKind>) {
        let reply = match result {
            Ok(reply) => reply,
            // SAFETY: called once, with the argument that came with it.
            Err(kind) => return unsafe { (self.complete)(self.arg, kind.status(), core::ptr::null()) },
        };
        let pair = |(name, value): &(String, String)| Pair {
            name: Lent::of(name.as_bytes()),
            value: Lent::of(value.as_bytes()),
        };
        let headers: Vec<Pair> = reply.headers.iter().map(pair).collect();
        let table = HttpReply {
            size: size_of::<HttpReply>(),
            status: reply.status.into(),
            headers: headers.as_ptr(),
            header_count: headers.len(),
            body: reply.body.into_given().buf(),
        };
        // SAFETY: called once, with the argument that came with it; all but the body, which is given, is lent for the
        // call.
        unsafe { (self.complete)(self.arg, OK, &raw const table) }
    }
}

/// Returns the request of a table; `None` if its method or URL is no text.
///
/// # Safety
/// `request` is lent for the call, and its body given.
unsafe fn read(now_ns: &Now, request: *const HttpRequest) -> Option<ClientRequest> {
    // SAFETY: the caller's promise.
    let table = unsafe { read_table(request) };
    // SAFETY: given with the call, whatever becomes of it.
    let body = unsafe { received(table.body) };
    // SAFETY: lent for the call.
    let method = core::str::from_utf8(unsafe { table.method.as_slice() }).ok()?;
    // SAFETY: lent for the call.
    let url = core::str::from_utf8(unsafe { table.url.as_slice() }).ok()?;
    let mut request = ClientRequest::new(if method.is_empty() { "GET" } else { method }, url).body(body);
    // SAFETY: lent for the call.
    for (name, value) in unsafe { texts(table.headers, table.header_count) } {
        request = request.header(name, value);
    }
    if table.deadline_ns != 0 {
        request.limit = Some(Duration::from_nanos(table.deadline_ns.saturating_sub(now_ns())));
    }
    request.most_bytes = table.most_bytes;
    Some(request)
}

unsafe extern "C" fn send<T: Transport>(
    provider: *mut c_void,
    request: *const HttpRequest,
    complete: Option<HttpFn>,
    arg: *mut c_void,
) -> u64 {
    // SAFETY: `offer` made it of a value that is never freed.
    let provided = unsafe { &*provider.cast::<Provided<T>>() };
    // SAFETY: the consumer passes what the header says.
    let request = unsafe { read(&provided.now_ns, request) };
    // Without a completion nobody would be told of the result.
    let Some(complete) = complete else { return next_number() };
    let told = Told { complete, arg };
    let deliver: Deliver<ClientReply> = Box::new(move |result| told.tell(result));
    let Some(answer) = provided.open.begin(deliver) else { return next_number() };
    let number = answer.number();
    match request {
        None => answer.give(Err(ServiceErrorKind::Invalid)),
        Some(request) if request.limit.is_some_and(|limit| limit.is_zero()) => {
            answer.give(Err(ServiceErrorKind::Deadline))
        }
        Some(request) => {
            catch_aside(|| provided.transport.send(request, answer));
        }
    }
    number
}

unsafe extern "C" fn cancel<T: Transport>(provider: *mut c_void, number: u64) {
    // SAFETY: as in `send`.
    let provided = unsafe { &*provider.cast::<Provided<T>>() };
    if provided.open.end(number, Err(ServiceErrorKind::Cancelled)) {
        catch_aside(|| provided.transport.cancelled(number));
    }
}

/// The answer that a transport gives to one request.
///
/// ```
/// use handlers_sdk::service::http::{ClientReply, ClientRequest, Sent, Transport};
/// use std::sync::mpsc::Sender;
///
/// /// Hands requests to the thread that owns the connections.
/// struct ToThread(Sender<(ClientRequest, Sent)>);
///
/// impl Transport for ToThread {
///     fn send(&self, request: ClientRequest, answer: Sent) {
///         // An answer that nobody takes is dropped, which is a failure for its caller.
///         let _ = self.0.send((request, answer));
///     }
/// }
///
/// fn serve((request, answer): (ClientRequest, Sent)) {
///     answer.give(Ok(ClientReply::new(200).with_body(request.content().clone())));
/// }
/// ```
pub type Sent = Responder<ClientReply>;

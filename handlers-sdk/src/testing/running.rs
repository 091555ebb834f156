//! One invocation from its beginning to its answer.

use super::answer::{Answer, Failed};
use super::app::App;
use super::invoke::{Invoke, fact};
use super::parts::Parts;
use super::platform::Platform;
use super::reader::Reader;
use faas_abi::host::{Cancel, Invocation as _};
use faas_abi::{LIST_FAILED_RECORD, LIST_PATH_PARAM, NUM_REPLY_CODE, OK, REPLY_RAW};
use faas_core::chain::Place;
use faas_core::failure::Failure;
use faas_core::flight::Slot;
use faas_core::http1::Message;
use faas_core::invocation::{Invocation, InvocationMetadata};
use faas_core::parking::block_on;
use faas_core::process::Deadline;
use faas_core::text::Span;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// A place for invocations, one after the other.
pub(super) struct Seat {
    pub(super) place: Place,
    pub(super) slot: Arc<Slot>,
    pub(super) overdue: Arc<Overdue>,
}

/// The state of a deadline: whether an invocation was answered for, and the waker that waits to hear of it.
#[derive(Debug, Default)]
pub(super) struct Overdue {
    is_set: AtomicBool,
    waiting: Mutex<Option<Waker>>,
}

impl Overdue {
    pub(super) fn set(&self) {
        self.is_set.store(true, Ordering::SeqCst);
        if let Some(waker) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
    }

    fn is_set(&self) -> bool {
        self.is_set.load(Ordering::SeqCst)
    }

    fn wakes(&self, waker: &Waker) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    }
}

/// An invocation on its way.
type Walk<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

/// An invocation that may not have ended yet.
///
/// ```
/// # use handlers_sdk::{abi, function, testing::{App, Invoke}};
/// use handlers_sdk::testing::Running;
///
/// #[function]
/// async fn waits() -> &'static str {
///     std::future::pending().await
/// }
///
/// let app = App::builder().module(waits::MODULE).start().expect("starts");
/// let mut running: Running<'_> = app.begin(Invoke::event(""));
/// assert!(running.is_pending());
/// running.cancel(abi::CANCEL_PEER_GONE);
/// assert!(running.wait().failed.is_some_and(|failed| failed.status == abi::E_CANCELLED));
/// ```
pub struct Running<'a> {
    app: &'a App,
    /// The walk; `None` once it has ended.
    walk: Option<Walk<'a>>,
    /// The answer; `None` until the walk has ended.
    answer: Option<Answer>,
    cancel: Cancel<Invocation>,
    overdue: Arc<Overdue>,
    request_id: String,
    platform: Arc<Platform>,
    reader: Reader,
}

impl<'a> Running<'a> {
    /// Begins an invocation, and goes on with it as far as it does not have to wait.
    pub(super) fn begin(app: &'a App, seat: Seat, invoke: Invoke, platform: Platform, reader: Reader) -> Running<'a> {
        let cancel = seat.place.cancel_handle();
        reader.cancels(cancel.clone());
        let (request_id, overdue) = (invoke.request_id.clone(), seat.overdue.clone());
        let platform = Arc::new(platform);
        let walk = Box::pin(walk(app, seat, invoke, platform.clone(), reader.clone()));
        let (walk, answer) = (Some(walk as Walk<'a>), None);
        let mut running = Running { app, walk, answer, cancel, overdue, request_id, platform, reader };
        let _ = running.poll(&mut Context::from_waker(Waker::noop()));
        running
    }

    /// Runs the invocation further.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(walk) = &mut self.walk else { return Poll::Ready(()) };
        self.overdue.wakes(context.waker());
        if let Poll::Ready(answer) = walk.as_mut().poll(context) {
            self.answer = Some(answer);
        } else if self.overdue.is_set() {
            // The memory stays with the function for as long as that runs, which may be for ever.
            self.answer = Some(self.answered_for());
        } else {
            return Poll::Pending;
        }
        self.walk = None;
        self.reader.end();
        Poll::Ready(())
    }

    /// Returns the answer to an invocation that did not end by its deadline.
    fn answered_for(&self) -> Answer {
        let failure = Failure::timed_out();
        Answer {
            code: REPLY_RAW,
            body: Vec::new(),
            chunks: self.reader.chunks(),
            headers: Vec::new(),
            cookies: Vec::new(),
            failed_records: Vec::new(),
            failed: Some(Failed::of(&failure)),
            logs: Vec::new(),
            platform: self.platform.failed(self.request_id.as_bytes(), &failure),
        }
    }

    /// Runs the invocation further. Returns `true` if it has not ended and waits for something.
    pub fn is_pending(&mut self) -> bool {
        self.poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    /// Asks the invocation to stop; `reason` is one of `abi::CANCEL_…`.
    pub fn cancel(&self, reason: u32) {
        self.cancel.fire(reason);
    }

    /// Waits for the end, which may be the end of its time: see [`App::advance`].
    pub fn wait(mut self) -> Answer {
        block_on(poll_fn(|context| self.poll(context)));
        let answer = self.answer.take().expect("it has ended");
        Answer { logs: self.app.logs(), ..answer }
    }
}

/// Serves one invocation as a runtime does: it is begun, walked through layers and function, and answered, and then the
/// work for after the reply runs.
async fn walk(app: &App, mut seat: Seat, invoke: Invoke, platform: Arc<Platform>, reader: Reader) -> Answer {
    let runtime = app.runtime();
    let cold = runtime.process().enter();
    let (message, metadata) = deliver(app, &invoke, &platform);
    let Seat { place, slot, overdue } = &mut seat;
    overdue.is_set.store(false, Ordering::SeqCst);
    place.reset();
    place.get_mut().renew(message, &metadata, cold);
    place.get_mut().set_request_id(invoke.request_id.as_bytes());
    if platform.streams() {
        place.get_mut().set_stream(Box::new(reader.clone()));
    }
    if let Some(parts) = &invoke.parts {
        place.get_mut().set_body_source(Arc::new(Parts::new(parts.clone())));
    }
    for (name, value) in &invoke.path_params {
        let added = place.get_mut().add(LIST_PATH_PARAM, name.as_bytes(), value.as_bytes());
        assert_eq!(added, OK, "only a request has path parameters");
    }
    app.deadlines().begin(slot, place);
    let is_ours = runtime.invoke(place).await;
    let answer = answer(place.get(), is_ours, &platform, &reader);
    if runtime.has_replied_work(place) {
        runtime.replied(place).await;
    }
    runtime.process().leave();
    place.get_mut().clear();
    app.give_back(seat);
    answer
}

fn deliver(app: &App, invoke: &Invoke, platform: &Platform) -> (Message, InvocationMetadata) {
    let process = app.runtime().process();
    let (message, metadata) = platform.deliver(process, &invoke.arrival, &invoke.request_id);
    let said = invoke.metas.iter().map(|(key, value)| (Some(*key), value));
    let said: Vec<(Option<u32>, &String)> = said.chain(invoke.function.iter().map(|name| (None, name))).collect();
    let (message, mut metadata) = if said.is_empty() {
        (message, metadata)
    } else {
        // Texts beside an event stand in headers of its message, under a name that no function sees.
        let own = if metadata.own_headers.is_empty() { "x-faas-test-" } else { text(metadata.own_headers) };
        let mut arrival = invoke.arrival.clone();
        let name = |at: usize| format!("{own}{at}");
        arrival.headers.extend(said.iter().enumerate().map(|(at, (_, value))| (name(at), (*value).clone())));
        let (message, mut metadata) = platform.deliver(process, &arrival, &invoke.request_id);
        metadata.own_headers = if metadata.own_headers.is_empty() { b"x-faas-test-" } else { metadata.own_headers };
        for (at, (key, _)) in said.iter().enumerate() {
            let value = message.header(name(at));
            let value = value.expect("this platform makes an event of a request: say the text beside Invoke::event");
            let span = Span::of(message.bytes(), value);
            match key {
                Some(key) => *fact(&mut metadata, *key).expect("looked at before") = span,
                None => metadata.addressee = span,
            }
        }
        (message, metadata)
    };
    metadata.is_streamed_in = invoke.parts.is_some();
    if invoke.remaining.is_some() {
        metadata.deadline = Deadline::within(process, invoke.remaining);
    }
    (message, metadata)
}

fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap_or_default()
}

fn answer(invocation: &Invocation, is_ours: bool, platform: &Platform, reader: &Reader) -> Answer {
    let owned = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let chunks = reader.chunks();
    // An invocation that was not over at its deadline is answered by somebody else.
    let late = (!is_ours).then(Failure::timed_out);
    let failure = late.as_ref().or(invocation.failure());
    let sent = match &late {
        Some(failure) => platform.failed(invocation.request_id(), failure),
        None => platform.reply(invocation, chunks.as_deref()),
    };
    Answer {
        code: u32::try_from(invocation.num(NUM_REPLY_CODE)).unwrap_or(REPLY_RAW),
        body: match &chunks {
            Some(chunks) => chunks.concat(),
            None => invocation.reply().as_slice().to_vec(),
        },
        chunks,
        headers: invocation.reply_headers().iter().map(|(name, value)| (owned(name), owned(value))).collect(),
        cookies: invocation.reply_cookies().iter().map(|(_, value)| owned(value)).collect(),
        failed_records: (0..invocation.count(LIST_FAILED_RECORD))
            .filter_map(|index| invocation.at(LIST_FAILED_RECORD, index))
            .map(|(id, why)| (owned(id), owned(why)))
            .collect(),
        failed: failure.map(Failed::of),
        logs: Vec::new(),
        platform: sent,
    }
}

impl std::fmt::Debug for Running<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

//! The service `faas.kv` of a test: values in memory, by the clock of the app.

use super::{Failures, lock};
use crate::service::ServiceErrorKind;
use crate::service::kv::{Command, Condition, Entry, Op, Outcome, Store, Stored};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A store of values by key that keeps them in memory, with versions, conditions and times to live. The test sets the
/// values that are there. It sees the calls that came, and the values that are there now. Clones are the same store.
///
/// A time to live goes by the clock of the app, which the test [moves](super::super::App::advance). A store that outlives
/// an app keeps its values for the next one, and goes by its clock.
///
/// ```
/// # use handlers_sdk::{Error, FaasContext, function};
/// use handlers_sdk::testing::{App, FakeKv, Invoke};
/// use std::time::Duration;
///
/// /// Counts, for an hour from the last visit on.
/// #[function]
/// async fn visit(ctx: FaasContext) -> Result<String, Error> {
///     let kv = ctx.kv().ok_or_else(|| Error::msg("expected a layer such as kv"))?;
///     let visits = kv.get(b"visits").await?.map_or(0, |entry| entry.value[0]) + 1;
///     kv.put(b"visits", vec![visits], Some(Duration::from_secs(3600))).await?;
///     Ok(format!("visit {visits}"))
/// }
///
/// let store = FakeKv::new().with("visits", [41]);
/// let app = App::builder().module(visit::MODULE).kv(&store).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::event("")).text(), "visit 42");
/// assert_eq!(store.value("visits"), Some(vec![42]));
/// app.advance(Duration::from_secs(3600));
/// assert_eq!(store.value("visits"), None);
/// assert_eq!(store.requests().len(), 2, "it was read and written");
/// ```
#[derive(Clone, Default)]
pub struct FakeKv(pub(super) Arc<Memory>);

/// The state behind all clones of a store.
#[derive(Default)]
pub(super) struct Memory(Mutex<State>);

#[derive(Default)]
struct State {
    kept: HashMap<Vec<u8>, Kept>,
    /// The version of the last write.
    version: u64,
    failures: Failures<Vec<u8>>,
    requests: Vec<Command>,
    /// The clock in nanoseconds of the app that has the store; `None` before there is one.
    clock: Option<Arc<AtomicU64>>,
}

#[derive(Clone)]
struct Kept {
    entry: Entry,
    /// The moment in nanoseconds at which it is gone; `None` if it stays.
    until_ns: Option<u64>,
}

impl FakeKv {
    /// Returns a store without any value.
    pub fn new() -> FakeKv {
        FakeKv::default()
    }

    /// Keeps a value for a key, for ever.
    pub fn with(&self, key: impl AsRef<[u8]>, value: impl Into<Vec<u8>>) -> FakeKv {
        lock(&self.0.0).write(key.as_ref().to_vec(), value.into(), None);
        self.clone()
    }

    /// Fails the next call for a key that nothing of the kind is said for yet. Said twice, it is the next two.
    ///
    /// ```
    /// # use handlers_sdk::{Error, FaasContext, function};
    /// # use handlers_sdk::testing::{App, Invoke};
    /// use handlers_sdk::{service::ServiceErrorKind, testing::FakeKv};
    /// # #[function]
    /// # async fn stock(ctx: FaasContext) -> Result<String, Error> {
    /// #     let kv = ctx.kv().ok_or_else(|| Error::msg("expected a layer such as kv"))?;
    /// #     Ok(kv.get(b"tea").await.map_or("unknown", |_| "none").to_owned())
    /// # }
    ///
    /// let store = FakeKv::new().fail("tea", ServiceErrorKind::Deadline);
    /// let app = App::builder().module(stock::MODULE).kv(&store).start().expect("starts");
    /// let asked = [(); 2].map(|()| app.invoke(Invoke::event("")).text());
    /// assert_eq!(asked, ["unknown", "none"]);
    /// ```
    pub fn fail(&self, key: impl AsRef<[u8]>, kind: ServiceErrorKind) -> FakeKv {
        lock(&self.0.0).failures.add(key.as_ref().to_vec(), kind);
        self.clone()
    }

    /// Returns the value that a key has now. It is `None` if there is no such key, or its time is over.
    pub fn value(&self, key: impl AsRef<[u8]>) -> Option<Vec<u8>> {
        lock(&self.0.0).now(key.as_ref()).map(|entry| entry.value)
    }

    /// Returns the calls that were made so far, in their order.
    pub fn requests(&self) -> Vec<Command> {
        lock(&self.0.0).requests.clone()
    }
}

impl Memory {
    /// Has times to live go by this clock.
    pub(super) fn goes_by(&self, clock: Arc<AtomicU64>) {
        lock(&self.0).clock = Some(clock);
    }
}

impl State {
    fn now_ns(&self) -> u64 {
        self.clock.as_ref().map_or(0, |clock| clock.load(Ordering::SeqCst))
    }

    fn now(&self, key: &[u8]) -> Option<Entry> {
        let kept = self.kept.get(key)?;
        kept.until_ns.is_none_or(|until| self.now_ns() < until).then(|| kept.entry.clone())
    }

    fn write(&mut self, key: Vec<u8>, value: Vec<u8>, ttl: Option<Duration>) -> Outcome {
        self.version += 1;
        let nanos = |ttl: Duration| u64::try_from(ttl.as_nanos()).unwrap_or(u64::MAX);
        let until_ns = ttl.map(|ttl| self.now_ns().saturating_add(nanos(ttl)));
        self.kept.insert(key, Kept { entry: Entry { value, version: self.version }, until_ns });
        Outcome::Changed(self.version)
    }

    fn call(&mut self, Command { key, op }: Command) -> Outcome {
        match (op, self.now(&key)) {
            (Op::Get, Some(now)) => Outcome::Found(now),
            (Op::Put { only_if: Condition::Absent, .. }, Some(now)) => Outcome::Conflict(now),
            (Op::Put { only_if: Condition::Version(known), .. }, Some(now)) if known != now.version => {
                Outcome::Conflict(now)
            }
            (Op::Remove { expected: Some(known) }, Some(now)) if known != now.version => Outcome::Conflict(now),
            (Op::Get | Op::Remove { .. } | Op::Put { only_if: Condition::Version(_), .. }, None) => Outcome::Absent,
            (Op::Put { value, ttl, .. }, _) => self.write(key, value, ttl),
            (Op::Remove { .. }, Some(_)) => {
                self.kept.remove(&key);
                Outcome::Changed(0)
            }
        }
    }
}

impl Store for Memory {
    fn call(&self, request: Command, answer: Stored) {
        let result = {
            let mut state = lock(&self.0);
            state.requests.push(request.clone());
            match state.failures.next(&request.key) {
                Some(kind) => Err(kind),
                None => Ok(state.call(request)),
            }
        };
        // The answer wakes its caller, which does not happen under the lock.
        answer.give(result);
    }
}

impl fmt::Debug for FakeKv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeKv").field("requests", &lock(&self.0.0).requests).finish_non_exhaustive()
    }
}

//! The watches of a provider of `faas.params`: each is told of values one after the other, and at last, once, that it
//! is over.

use super::params::Value;
use crate::service::ServiceErrorKind;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Tells a consumer the news.
pub(super) type Tell = Box<dyn Fn(Result<Value, ServiceErrorKind>) + Send>;

/// The news that one watch is to be told.
#[derive(Default)]
struct State {
    /// The newest news that it has not been told; `None` if it has been told all. Older news are dropped.
    next: Option<Result<Value, ServiceErrorKind>>,
    /// The last news before `next`: a version, or `Some(None)` for a name that is not there. It is `None` if it was
    /// told nothing yet.
    told: Option<Option<u64>>,
    /// `true` while a thread tells it. That thread goes on with the news that come meanwhile.
    is_telling: bool,
    is_over: bool,
}

struct One {
    state: Mutex<State>,
    /// The function that tells the consumer. Only the telling thread locks it; see `is_telling`.
    tell: Mutex<Tell>,
    number: u64,
    all: Arc<Watches>,
}

impl One {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the news, unless another thread does so.
    fn go_on(&self) {
        let mut state = self.state();
        if state.is_telling {
            return;
        }
        state.is_telling = true;
        loop {
            let next = state.next.take();
            let is_over = state.is_over;
            drop(state);
            let news = match next {
                _ if is_over => Some(Err(ServiceErrorKind::Cancelled)),
                news => news,
            };
            if let Some(news) = news {
                let tell = self.tell.lock().unwrap_or_else(PoisonError::into_inner);
                tell(news);
            }
            if is_over {
                return self.all.forget(self.number);
            }
            state = self.state();
            if state.next.is_none() && !state.is_over {
                state.is_telling = false;
                return;
            }
        }
    }
}

/// All watches of one provider.
#[derive(Default)]
pub(crate) struct Watches {
    known: Mutex<Known>,
    /// The condition that is notified when a watch has heard its last.
    fewer: Condvar,
}

#[derive(Default)]
struct Known {
    is_closed: bool,
    watches: HashMap<u64, Arc<One>>,
}

impl Watches {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a watch. `None` means that the provider has ended, and the watch with it.
    pub(super) fn begin(self: &Arc<Self>, tell: Tell) -> (u64, Option<Watch>) {
        let number = super::open::next_number();
        let mut known = self.known();
        if known.is_closed {
            drop(known);
            tell(Err(ServiceErrorKind::Cancelled));
            return (number, None);
        }
        let one = Arc::new(One { state: Mutex::default(), tell: Mutex::new(tell), number, all: self.clone() });
        known.watches.insert(number, one.clone());
        (number, Some(Watch(one)))
    }

    /// Ends a watch: it is told so, on this thread or on the one that is telling it.
    pub(super) fn end(&self, number: u64) {
        let Some(one) = self.known().watches.get(&number).cloned() else { return };
        one.state().is_over = true;
        one.go_on();
    }

    fn forget(&self, number: u64) {
        self.known().watches.remove(&number);
        self.fewer.notify_all();
    }

    /// Ends all of them, and every one that comes from now on. When it returns each has heard its last.
    pub(super) fn close(&self) {
        let numbers: Vec<u64> = {
            let mut known = self.known();
            known.is_closed = true;
            known.watches.keys().copied().collect()
        };
        numbers.into_iter().for_each(|number| self.end(number));
        let none = self.fewer.wait_while(self.known(), |known| !known.watches.is_empty());
        drop(none.unwrap_or_else(PoisonError::into_inner));
    }
}

/// A watch on a parameter, as its provider sees it. Keep it, and tell it of each new value.
///
/// ```
/// use handlers_sdk::service::params::{Got, Source, Value, Watch};
/// use std::sync::Mutex;
///
/// /// One value that is turned over from time to time, and those that watch it.
/// struct Rotating {
///     now: Mutex<Value>,
///     watches: Mutex<Vec<Watch>>,
/// }
///
/// impl Rotating {
///     fn rotate(&self, new: Value) {
///         let mut watches = self.watches.lock().unwrap();
///         watches.retain(|watch| !watch.is_over());
///         watches.iter().for_each(|watch| watch.tell(Ok(new.clone())));
///         *self.now.lock().unwrap() = new;
///     }
/// }
///
/// impl Source for Rotating {
///     fn get(&self, _: &str, answer: Got) {
///         answer.give(Ok(self.now.lock().unwrap().clone()));
///     }
///
///     fn watch(&self, _: &str, watch: Watch) {
///         watch.tell(Ok(self.now.lock().unwrap().clone()));
///         self.watches.lock().unwrap().push(watch);
///     }
/// }
/// # use handlers_sdk::{Config, Error, Layer, layer, service::Offered, testing::App};
/// # use std::sync::Arc;
/// # static HEARD: Mutex<Vec<u64>> = Mutex::new(Vec::new());
/// # struct Provider(#[allow(dead_code)] Offered);
/// # #[layer(name = "provider")]
/// # impl Layer for Provider {
/// #     fn create(config: &Config) -> Result<Self, Error> {
/// #         let rotating = Rotating { now: Mutex::new(Value::new("a", 1)), watches: Mutex::default() };
/// #         let rotating = Arc::new(rotating);
/// #         let offered = config.offer_params(rotating.clone())?;
/// #         let params = config.params().ok_or_else(|| Error::msg("it is there"))?;
/// #         let hear = |news: Result<Value, _>| HEARD.lock().unwrap().extend(news.map(|value| value.version()));
/// #         let watching = params.watch("key", hear);
/// #         rotating.rotate(Value::new("b", 2));
/// #         drop(watching);
/// #         rotating.rotate(Value::new("c", 3));
/// #         Ok(Provider(offered))
/// #     }
/// # }
/// # App::builder().module(Provider::MODULE).start().expect("starts").close();
/// # assert_eq!(*HEARD.lock().unwrap(), [1, 2]);
/// ```
#[derive(Clone)]
pub struct Watch(Arc<One>);

impl Watch {
    /// Tells of a value, or with [`ServiceErrorKind::NotFound`] that there is no value any more. News that are the same as the
    /// last are not told again. Nor is any other failure: the watcher keeps the last good value.
    pub fn tell(&self, news: Result<Value, ServiceErrorKind>) {
        let version = match &news {
            Ok(value) => Some(value.version()),
            Err(ServiceErrorKind::NotFound) => None,
            Err(_) => return,
        };
        {
            let mut state = self.0.state();
            if state.is_over || state.told == Some(version) {
                return;
            }
            state.told = Some(version);
            state.next = Some(news);
        }
        self.0.go_on();
    }

    /// Returns `true` once it is over: there is nobody to tell any more.
    pub fn is_over(&self) -> bool {
        self.0.state().is_over
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("is_over", &self.is_over()).finish_non_exhaustive()
    }
}

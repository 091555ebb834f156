//! Keys that a server publishes, fetched through the service `faas.http`: asked for in advance, kept, and asked for
//! again in the background. One request is under way at a time, whoever waits for it; the next caller that looks takes
//! its reply.

use super::from_file::{self, MOST_BYTES};
use super::{Newer, Times, ns};
use crate::key_set::KeySet;
use handlers_sdk::service::Call;
use handlers_sdk::service::http::{ClientReply, ClientRequest};
use handlers_sdk::{Config, Error};
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// The shortest time between two requests while there are no keys at all.
const AGAIN: Duration = Duration::from_secs(1);

/// The server, with the keys that it sent last.
pub(crate) struct FromUrl {
    config: Config,
    url: String,
    times: Times,
    state: Mutex<State>,
    waiting: Arc<Waiting>,
}

#[derive(Default)]
struct State {
    kept: Option<Kept>,
    call: Option<Call<ClientReply>>,
    /// The time at which the last request began, in nanoseconds on the host's clock; `None` before the first.
    asked_at: Option<u64>,
    has_failed: bool,
}

struct Kept {
    keys: Arc<KeySet>,
    /// The time at which they were asked for, in nanoseconds on the host's clock.
    at: u64,
}

/// The wakers of all that wait for the one request.
#[derive(Default)]
struct Waiting(Mutex<Vec<Waker>>);

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        all.into_iter().for_each(Waker::wake);
    }
}

impl FromUrl {
    pub(crate) fn new(config: Config, url: String, times: Times) -> FromUrl {
        FromUrl { config, url, times, state: Mutex::default(), waiting: Arc::default() }
    }

    /// Begins to ask, and does not wait: the first caller waits for the rest of the request.
    ///
    /// # Errors
    /// No layer sends requests.
    pub(crate) fn ask_in_advance(&self) -> Result<(), Error> {
        if self.config.http_client().is_none() {
            let message = format!(
                "the keys of {} need the service faas.http: name a layer that offers it, such as http-client, further out",
                self.url
            );
            return Err(Error::new("Auth.NoClient", message));
        }
        let mut state = self.state();
        if state.kept.is_none() && state.call.is_none() {
            self.ask(&mut state);
        }
        Ok(())
    }

    /// Returns the keys; `None` if there are none, or only some that are too old. Old ones are used while newer ones
    /// are asked for.
    pub(crate) async fn current(&self) -> Option<Arc<KeySet>> {
        let mut has_asked = false;
        poll_fn(|context| self.poll_current(&mut has_asked, context)).await
    }

    fn poll_current(&self, has_asked: &mut bool, context: &mut Context<'_>) -> Poll<Option<Arc<KeySet>>> {
        let mut state = self.state();
        self.take_reply(&mut state);
        if let Some(keys) = self.younger_than(&state, self.times.lifetime) {
            return Poll::Ready(Some(keys));
        }
        let kept = self.younger_than(&state, self.times.keep_for);
        // There is one request, however long it takes. A caller that has waited in vain is told so.
        if !*has_asked && self.may_ask(&state, if kept.is_some() { self.times.cooldown } else { AGAIN }) {
            *has_asked = true;
            self.ask(&mut state);
        }
        if kept.is_some() {
            return Poll::Ready(kept);
        }
        match self.is_to_wait(&mut state, context) {
            true => Poll::Pending,
            false => Poll::Ready(self.younger_than(&state, self.times.keep_for)),
        }
    }

    /// Asks for other keys than these, unless that was done a moment ago.
    pub(crate) async fn newer(&self, these: &Arc<KeySet>) -> Newer {
        poll_fn(|context| self.poll_newer(these, context)).await
    }

    fn poll_newer(&self, these: &Arc<KeySet>, context: &mut Context<'_>) -> Poll<Newer> {
        let other = |state: &State| {
            let kept = state.kept.as_ref().filter(|kept| !Arc::ptr_eq(&kept.keys, these));
            kept.map(|kept| Newer::Keys(kept.keys.clone()))
        };
        let mut state = self.state();
        self.take_reply(&mut state);
        if other(&state).is_none() {
            if self.may_ask(&state, self.times.cooldown) {
                self.ask(&mut state);
            }
            if self.is_to_wait(&mut state, context) {
                return Poll::Pending;
            }
        }
        let none = if state.has_failed { Newer::Unreachable } else { Newer::None };
        Poll::Ready(other(&state).unwrap_or(none))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn younger_than(&self, state: &State, limit: Duration) -> Option<Arc<KeySet>> {
        let kept = state.kept.as_ref()?;
        (self.config.now_ns().saturating_sub(kept.at) < ns(limit)).then(|| kept.keys.clone())
    }

    /// Returns `true` if a request is under way. The caller is then woken at its end.
    fn is_to_wait(&self, state: &mut State, context: &mut Context<'_>) -> bool {
        if state.call.is_none() {
            return false;
        }
        // The waker is registered first, so that an end between this and the look at the reply is not missed.
        self.waiting.0.lock().unwrap_or_else(PoisonError::into_inner).push(context.waker().clone());
        self.take_reply(state);
        state.call.is_some()
    }

    fn may_ask(&self, state: &State, pause: Duration) -> bool {
        let is_rested = |at| self.config.now_ns().saturating_sub(at) >= ns(pause);
        state.call.is_none() && state.asked_at.is_none_or(is_rested)
    }

    fn ask(&self, state: &mut State) {
        state.asked_at = Some(self.config.now_ns());
        let request = ClientRequest::get(&self.url).header("accept", "application/jwk-set+json, application/json");
        let request = request.within(self.times.timeout).most_bytes(MOST_BYTES);
        state.call = self.config.http_client().map(|client| client.send(request));
    }

    /// Takes the reply, if it has come.
    fn take_reply(&self, state: &mut State) {
        let Some(call) = &mut state.call else { return };
        let waker = Waker::from(self.waiting.clone());
        let Poll::Ready(replied) = Pin::new(call).poll(&mut Context::from_waker(&waker)) else { return };
        state.call = None;
        let read = match replied {
            Err(error) => Err(error.to_string()),
            Ok(reply) if reply.status() == 200 => from_file::parse(reply.body()),
            Ok(reply) => Err(format!("expected status 200, found {}", reply.status())),
        };
        state.has_failed = read.is_err();
        match read {
            // The keys are as old as the question: the reply may have lain here for long.
            Ok(keys) => state.kept = state.asked_at.map(|at| Kept { keys: Arc::new(keys), at }),
            Err(why) if state.kept.is_some() => {
                handlers_sdk::warn!(
                    "the keys of {}: {why}; the former ones are good for {:?}",
                    self.url,
                    self.times.keep_for
                );
            }
            Err(why) => handlers_sdk::warn!("the keys of {}: {why}", self.url),
        }
    }
}

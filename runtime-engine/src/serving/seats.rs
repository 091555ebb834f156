//! The seats of a server: places for invocations, made as they are needed up to a number, and used again.

use super::outlet::{Port, ToClient};
use crate::stop::Stop;
use faas_abi::host::Given;
use faas_core::chain::Place;
use faas_core::http1::Message;
use faas_core::invocation::Facts;
use faas_core::lifecycle::Runtime;
use faas_core::platform::{BodyFrom, Response, Serving};
use faas_core::watchdog::Slot;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// A place for invocations, and what belongs to it.
pub(super) struct Seat {
    pub(super) place: Place,
    pub(super) desk: Desk,
}

/// What stays with the server while a thread of the pool has the place.
pub(super) struct Desk {
    pub(super) slot: Arc<Slot>,
    pub(super) port: Arc<Port>,
    /// The watchdog has taken the invocation away.
    pub(super) abandoned: Arc<Abandoned>,
    /// Status and headers of the reply, once there is one.
    pub(super) response: Response,
    pub(super) scratch: Vec<u8>,
    pub(super) from: BodyFrom,
}

impl Seat {
    /// Body of the response.
    pub(super) fn body(&self) -> &[u8] {
        match self.desk.from {
            BodyFrom::Reply => self.place.get().reply().as_slice(),
            BodyFrom::Scratch => &self.desk.scratch,
        }
    }

    /// Body of the response, to outlive the invocation. Copied only where it is a part of the invocation's own memory.
    pub(super) fn take_body(&mut self) -> Given {
        match self.desk.from {
            BodyFrom::Scratch => Given::from(std::mem::take(&mut self.desk.scratch)),
            BodyFrom::Reply if self.place.get().reply().is_borrowed() => {
                Given::from(self.place.get().reply().as_slice().to_vec())
            }
            BodyFrom::Reply => self.place.get_mut().take_reply(),
        }
    }

    /// Ends the invocation; gives its message back.
    pub(super) fn clear(&mut self) -> Option<Message> {
        self.desk.response.clear();
        self.desk.scratch.clear();
        self.place.get_mut().clear()
    }
}

/// What others see of a seat, also while it is taken: the watchdog's thread, a server that stops.
#[derive(Clone)]
pub(super) struct View {
    pub(super) slot: Arc<Slot>,
    pub(super) port: Arc<Port>,
    pub(super) abandoned: Arc<Abandoned>,
}

/// Says that the watchdog has taken an invocation away.
#[derive(Default)]
pub(super) struct Abandoned {
    told: Notify,
    request_id: Mutex<Vec<u8>>,
    /// Of the invocation that may be taken away: its own are out of reach by then.
    facts: Mutex<Facts>,
}

impl Abandoned {
    /// An invocation with these facts may be taken away from now on.
    pub(super) fn may_be(&self, facts: &Facts) {
        *self.facts.lock().unwrap_or_else(PoisonError::into_inner) = *facts;
    }

    /// Facts of the one that was.
    pub(super) fn facts(&self) -> Facts {
        *self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It has.
    pub(super) fn tell(&self, request_id: &[u8]) {
        *self.request_id.lock().unwrap_or_else(PoisonError::into_inner) = request_id.to_vec();
        self.told.notify_one();
    }

    /// Waits for it; the request id.
    pub(super) async fn told(&self) -> Vec<u8> {
        self.told.notified().await;
        std::mem::take(&mut self.request_id.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// All of them.
pub(super) struct Seats {
    limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    free: Vec<Seat>,
    /// Every seat ever made, by its number in the watchdog's book.
    all: Vec<View>,
    hung: usize,
    /// So many of those have ended after all.
    back: usize,
}

impl Seats {
    /// None yet; at most `limit` at once.
    pub(super) fn new(limit: usize) -> Seats {
        Seats { limit, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A free one; none if all are taken.
    pub(super) fn take(&self, runtime: &Runtime, protocol: &Arc<dyn Serving>, stop: &Stop) -> Option<Seat> {
        let mut state = self.state();
        if let Some(seat) = state.free.pop() {
            return Some(seat);
        }
        if state.all.len() >= self.limit {
            return None;
        }
        let mut place = runtime.place();
        let port = Arc::<Port>::default();
        place.get_mut().set_stream(Box::new(ToClient { port: port.clone(), protocol: protocol.clone() }));
        // Numbered under the lock, so that the number is its index here.
        let (_, slot) = stop.watchdog().slot(place.cancel_handle());
        let abandoned = Arc::<Abandoned>::default();
        state.all.push(View { slot: slot.clone(), port: port.clone(), abandoned: abandoned.clone() });
        let desk =
            Desk { slot, port, abandoned, response: Response::default(), scratch: Vec::new(), from: BodyFrom::Scratch };
        Some(Seat { place, desk })
    }

    /// Gives one back.
    pub(super) fn put(&self, seat: Seat) {
        self.state().free.push(seat);
    }

    /// The seat of that number.
    pub(super) fn view(&self, number: usize) -> Option<View> {
        self.state().all.get(number).cloned()
    }

    /// Every seat.
    pub(super) fn views(&self) -> Vec<View> {
        self.state().all.clone()
    }

    /// One more is lost to a function that does not end; how many are.
    pub(super) fn lose(&self) -> usize {
        let mut state = self.state();
        state.hung += 1;
        state.hung
    }

    /// How many are lost.
    pub(super) fn lost(&self) -> usize {
        self.state().hung
    }

    /// A function that did not end has ended. Its seat stays lost.
    pub(super) fn come_back(&self) {
        self.state().back += 1;
    }

    /// How many functions are running that do not end.
    pub(super) fn still_hung(&self) -> usize {
        let state = self.state();
        // An end may be told a moment before it is known that there was none.
        state.hung.saturating_sub(state.back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_that_ends_after_all_is_no_longer_hung_but_its_seat_is_lost() {
        let seats = Seats::new(1);
        // Its end may be told first.
        seats.come_back();
        assert_eq!((seats.lost(), seats.still_hung()), (0, 0));
        assert_eq!((seats.lose(), seats.still_hung()), (1, 0));
        assert_eq!((seats.lose(), seats.still_hung()), (2, 1));
        seats.come_back();
        assert_eq!((seats.lost(), seats.still_hung()), (2, 0));
    }
}

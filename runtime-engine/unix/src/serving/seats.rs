//! Seats: places for invocations, made as they are needed and used again, each with the part that answers from it.

use super::Server;
use super::in_flight::InFlight;
use faas_core::chain::Place;
use faas_core::flight::Slot;
use faas_core::platform::Response;
use faas_core::serve::Charge;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A place for an invocation, and the values that belong to it.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) place: Place,
    pub(super) slot: Arc<Slot>,
    pub(super) flight: Arc<InFlight>,
    pub(super) response: Response,
    pub(super) head: Vec<u8>,
    pub(super) scratch: Vec<u8>,
    /// The bytes of memory that the request is charged for.
    pub(super) charge: Charge,
}

/// All seats of the server.
#[derive(Debug, Default)]
pub(super) struct Seats {
    #[expect(
        clippy::vec_box,
        reason = "a seat changes hands by its address; it is too large to be copied per request"
    )]
    free: Mutex<Vec<Box<Seat>>>,
    /// The shared parts of the seats, by the numbers of their slots.
    flights: Mutex<Vec<Option<Arc<InFlight>>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seats {
    /// Takes a seat back, for the next invocation.
    pub(super) fn put(&self, seat: Box<Seat>) {
        lock(&self.free).push(seat);
    }

    /// Returns the shared part of the seat with that slot.
    pub(super) fn flight(&self, number: usize) -> Option<Arc<InFlight>> {
        lock(&self.flights).get(number)?.clone()
    }

    fn add(&self, number: usize, flight: &Arc<InFlight>) {
        let mut flights = lock(&self.flights);
        if flights.len() <= number {
            flights.resize(number + 1, None);
        }
        flights[number] = Some(flight.clone());
    }
}

impl Server {
    /// Returns a free seat, or a new one. Admission decides their number.
    pub(super) fn seat(self: &Arc<Self>) -> Box<Seat> {
        if let Some(seat) = lock(&self.seats.free).pop() {
            return seat;
        }
        let mut place = self.runtime.place();
        let slot = self.shutdown.deadlines().slot(&mut place);
        let flight = InFlight::new(self, &slot, &mut place);
        self.seats.add(slot.number(), &flight);
        let (response, charge) = (Response::default(), Charge::default());
        Box::new(Seat { place, slot, flight, response, head: Vec::new(), scratch: Vec::new(), charge })
    }
}

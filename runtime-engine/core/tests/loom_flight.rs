//! Every interleaving of a slot's worker with the thread that looks after deadlines, by loom.
//!
//! Empty unless built with `RUSTFLAGS="--cfg loom"`; the command stands in the crate's `Cargo.toml`.
#![cfg(loom)]

use faas_core::flight::word::{Due, FlightState, HUNG_AFTER_NS, NEVER, StateWord, StopMoments};
use loom::sync::Arc;
use loom::thread;

/// Looks until nothing is due. Returns the actions that were due.
fn look(slot: &StateWord, now: u64) -> Vec<Due> {
    let mut due = Vec::new();
    loop {
        match slot.look(now, StopMoments::NONE) {
            Due::At(_) => return due,
            step => due.push(step),
        }
    }
}

/// Makes an invocation that is to be cancelled at 10 and reported at 20, and a thread that looks at it at the moment
/// `now`.
fn looked_at(now: u64) -> (Arc<StateWord>, thread::JoinHandle<Vec<Due>>) {
    let slot = Arc::new(StateWord::default());
    slot.set(1, FlightState::Running, 10, 20);
    let looked = slot.clone();
    (slot, thread::spawn(move || look(&looked, now)))
}

#[test]
fn exactly_one_side_answers_an_invocation_whose_time_is_over() {
    loom::model(|| {
        let (slot, looker) = looked_at(20);
        let ended = slot.end();
        let reported = looker.join().unwrap().contains(&Due::Report { closing: false });
        let is_mine = matches!(ended, FlightState::Running | FlightState::Cancelled);
        assert_ne!(is_mine, reported, "ended as {ended:?}");
    });
}

#[test]
fn a_late_look_never_hits_the_next_invocation() {
    loom::model(|| {
        let (slot, looker) = looked_at(20);
        let first = slot.end();
        slot.set(2, FlightState::Running, 1_000, 2_000);
        let due = looker.join().unwrap();
        assert!(!due.contains(&Due::Cancel { serial: 2, closing: false }), "{due:?}");
        assert_eq!(slot.end(), FlightState::Running, "the second is untouched, the first ended as {first:?}");
    });
}

#[test]
fn a_thread_that_comes_back_is_counted_as_lost_exactly_if_it_was() {
    loom::model(|| {
        let (slot, looker) = looked_at(20 + HUNG_AFTER_NS);
        let ended = slot.end();
        let lost = looker.join().unwrap().contains(&Due::Hung { replied: false });
        assert_eq!(lost, ended == FlightState::Hung);
    });
}

#[test]
fn a_deadline_that_is_brought_forward_is_seen_or_its_writer_sees_the_end() {
    loom::model(|| {
        let slot = Arc::new(StateWord::default());
        slot.set(1, FlightState::Running, NEVER, NEVER);
        let module = {
            let slot = slot.clone();
            thread::spawn(move || slot.tighten(10, 20))
        };
        let early = look(&slot, 20);
        module.join().unwrap();
        let late = look(&slot, 20);
        let cancels = early.iter().chain(&late).filter(|due| matches!(due, Due::Cancel { .. })).count();
        assert_eq!(cancels, 1, "told once: {early:?}, {late:?}");
    });
}

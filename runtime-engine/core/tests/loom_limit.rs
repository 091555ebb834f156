//! Every interleaving of threads that come for a place under a limit with those that give theirs back, by loom.
//!
//! Empty unless built with `RUSTFLAGS="--cfg loom"`; the command stands in the crate's `Cargo.toml`.
#![cfg(loom)]

use faas_core::serve::limit::Limit;
use loom::sync::{Arc, Mutex};
use loom::thread;

/// Runs what waits, as long as there is a place for it.
fn run_waiting(limit: &Limit, waiting: &Mutex<usize>) {
    while *waiting.lock().unwrap() > 0 && limit.take() {
        let mut waiting = waiting.lock().unwrap();
        *waiting = waiting.saturating_sub(1);
        drop(waiting);
        limit.give();
    }
}

#[test]
fn what_waits_is_run_by_who_ends_if_not_by_who_brought_it() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let (limit, waiting) = (Arc::new(Limit::new(2)), Arc::new(Mutex::new(0)));
        assert!(limit.take() && limit.take());
        let ending: Vec<_> = (0..2)
            .map(|_| {
                let (limit, waiting) = (limit.clone(), waiting.clone());
                thread::spawn(move || {
                    limit.give();
                    run_waiting(&limit, &waiting);
                })
            })
            .collect();
        *waiting.lock().unwrap() += 1;
        run_waiting(&limit, &waiting);
        for thread in ending {
            thread.join().unwrap();
        }
        assert_eq!((*waiting.lock().unwrap(), limit.taken()), (0, 0));
    });
}

#[test]
fn no_more_than_the_limit_hold_a_place_at_once() {
    loom::model(|| {
        let (limit, held) = (Arc::new(Limit::new(1)), Arc::new(Mutex::new(0)));
        let come = |limit: &Limit, held: &Mutex<usize>| {
            if limit.take() {
                *held.lock().unwrap() += 1;
                assert!(*held.lock().unwrap() <= 1);
                *held.lock().unwrap() -= 1;
                limit.give();
            }
        };
        let (other, others) = (limit.clone(), held.clone());
        let thread = thread::spawn(move || come(&other, &others));
        come(&limit, &held);
        thread.join().unwrap();
    });
}

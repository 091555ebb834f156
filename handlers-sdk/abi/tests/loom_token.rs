//! Every interleaving of a completion with its waiter, and of a cancel with the end of a call, by loom.
//!
//! The file is empty unless built with `RUSTFLAGS="--cfg loom"`; the command stands in the crate's `Cargo.toml`.
#![cfg(loom)]

use core::ffi::c_void;
use core::task::Poll;
use faas_abi::host::calls::{Callee, Calls};
use faas_abi::host::slot::{Finish, Slot};
use faas_abi::{CANCEL_DEADLINE, Inv};
use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use loom::thread;
use std::future::poll_fn;

/// Waits as a host does; loom reports a deadlock if the wake-up is lost.
fn wait(slot: &Slot) -> i32 {
    block_on(poll_fn(|context| slot.poll(context)))
}

#[test]
fn a_completion_never_loses_its_wake_up() {
    loom::model(|| {
        let slot = Arc::new(Slot::new());
        let generation = slot.arm();
        let module = {
            let slot = slot.clone();
            thread::spawn(move || assert!(matches!(slot.finish(generation, -7), Finish::Told)))
        };
        assert_eq!(wait(&slot), -7);
        module.join().unwrap();
    });
}

#[test]
fn a_completion_slow_to_find_its_waiter_does_not_disturb_the_next_call() {
    // There are three threads in a row: four preemptions show every order that matters within seconds.
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(4);
    model.check(|| {
        let slot = Arc::new(Slot::new());
        let first = slot.arm();
        let one = {
            let slot = slot.clone();
            thread::spawn(move || assert!(matches!(slot.finish(first, 10), Finish::Told)))
        };
        assert_eq!(wait(&slot), 10);
        let second = slot.arm();
        let two = {
            let slot = slot.clone();
            thread::spawn(move || assert!(matches!(slot.finish(second, 20), Finish::Told)))
        };
        assert_eq!(wait(&slot), 20);
        one.join().unwrap();
        two.join().unwrap();
    });
}

#[test]
fn of_two_completions_one_counts() {
    loom::model(|| {
        let slot = Arc::new(Slot::new());
        let generation = slot.arm();
        let threads = [10, 20].map(|status| {
            let slot = slot.clone();
            thread::spawn(move || matches!(slot.finish(generation, status), Finish::Told))
        });
        let seen = wait(&slot);
        let told = threads.map(|thread| thread.join().unwrap());
        assert_eq!(told, [seen == 10, seen == 20], "exactly the one whose status was seen");
    });
}

#[test]
fn a_completion_beside_the_inline_end_of_its_call_ends_no_later_call() {
    loom::model(|| {
        let slot = Arc::new(Slot::new());
        let first = slot.arm();
        let module = {
            let slot = slot.clone();
            thread::spawn(move || slot.finish(first, 10))
        };
        slot.disarm();
        slot.arm();
        module.join().unwrap();
        let mut context = core::task::Context::from_waker(core::task::Waker::noop());
        assert!(slot.poll(&mut context).is_pending(), "the next call is open still");
    });
}

unsafe extern "C" fn heard(arg: *mut c_void, status: i32) {
    // SAFETY: the tests pass a counter that outlives the model's threads.
    unsafe { &*arg.cast::<std::sync::atomic::AtomicI32>() }.fetch_add(status, std::sync::atomic::Ordering::Relaxed);
}

#[test]
fn a_slot_that_changed_hands_does_not_hear_its_former_owners_end() {
    loom::model(|| {
        let slot = Arc::new(Slot::new());
        let first = slot.arm();
        let module = {
            let slot = slot.clone();
            thread::spawn(move || slot.finish(first, 10))
        };
        // The host has seen the end, or given up, and the slot goes to a token that calls a module.
        let mut context = core::task::Context::from_waker(core::task::Waker::noop());
        let _ = slot.poll(&mut context);
        slot.retire();
        let second = slot.arm_call(heard, core::ptr::null_mut());
        let former = module.join().unwrap();
        assert!(!matches!(former, Finish::Call { .. }), "it must not run the new owner's function");
        assert!(matches!(slot.finish(second, 20), Finish::Call { status: 20, .. }));
    });
}

#[test]
fn a_token_that_calls_a_module_calls_it_once() {
    loom::model(|| {
        let slot = Arc::new(Slot::new());
        let generation = slot.arm_call(heard, core::ptr::null_mut());
        let threads = [1, 2].map(|status| {
            let slot = slot.clone();
            thread::spawn(move || matches!(slot.finish(generation, status), Finish::Call { .. }))
        });
        let calls = threads.map(|thread| thread.join().unwrap());
        assert_ne!(calls[0], calls[1]);
    });
}

/// The record of calls that a callee's `cancel` writes to.
struct Callees {
    running: AtomicBool,
    told: AtomicU32,
    told_when_over: AtomicBool,
}

unsafe extern "C" fn cancel(this: *mut c_void, _: *mut Inv, _: u32) {
    // SAFETY: the tests keep the struct until all threads have ended.
    let callee = unsafe { &*this.cast::<Callees>() };
    callee.told.fetch_add(1, Ordering::Relaxed);
    if !callee.running.load(Ordering::Relaxed) {
        callee.told_when_over.store(true, Ordering::Relaxed);
    }
}

fn callees() -> Arc<Callees> {
    Arc::new(Callees {
        running: AtomicBool::new(true),
        told: AtomicU32::new(0),
        told_when_over: AtomicBool::new(false),
    })
}

fn as_callee(callees: &Arc<Callees>) -> Callee {
    let this: *const Callees = &**callees;
    Callee { cancel, this: this.cast_mut().cast() }
}

fn firing(calls: &Arc<Calls>, serial: u32) -> thread::JoinHandle<()> {
    let calls = calls.clone();
    thread::spawn(move || calls.fire(serial, CANCEL_DEADLINE, core::ptr::null_mut()))
}

#[test]
fn cancel_never_reaches_a_call_that_is_over() {
    loom::model(|| {
        let (calls, callees) = (Arc::new(Calls::new()), callees());
        let clock = firing(&calls, 0);
        calls.begin(as_callee(&callees));
        calls.end();
        callees.running.store(false, Ordering::Relaxed);
        clock.join().unwrap();
        assert!(!callees.told_when_over.load(Ordering::Relaxed));
    });
}

#[test]
fn a_running_call_hears_of_a_cancel_or_could_ask_from_the_start() {
    loom::model(|| {
        let (calls, callees) = (Arc::new(Calls::new()), callees());
        let clock = firing(&calls, 0);
        calls.begin(as_callee(&callees));
        let at_start = calls.reason() != 0;
        clock.join().unwrap();
        assert!(at_start || callees.told.load(Ordering::Relaxed) == 1);
        calls.end();
    });
}

#[test]
fn two_cancels_tell_once() {
    loom::model(|| {
        let (calls, callees) = (Arc::new(Calls::new()), callees());
        calls.begin(as_callee(&callees));
        let clocks = [firing(&calls, 0), firing(&calls, 0)];
        for clock in clocks {
            clock.join().unwrap();
        }
        assert_eq!(callees.told.load(Ordering::Relaxed), 1);
        calls.end();
    });
}

#[test]
fn a_late_clock_never_cancels_the_next_invocation() {
    loom::model(|| {
        let (calls, first, second) = (Arc::new(Calls::new()), callees(), callees());
        let serial = calls.serial();
        calls.begin(as_callee(&first));
        let clock = firing(&calls, serial);
        calls.end();
        calls.reset();
        calls.begin(as_callee(&second));
        clock.join().unwrap();
        assert_eq!(calls.reason(), 0);
        assert_eq!(second.told.load(Ordering::Relaxed), 0);
        calls.end();
    });
}

#[test]
fn a_poll_without_a_completion_is_pending() {
    loom::model(|| {
        let slot = Slot::new();
        slot.arm();
        let mut context = core::task::Context::from_waker(core::task::Waker::noop());
        assert_eq!(slot.poll(&mut context), Poll::Pending);
    });
}

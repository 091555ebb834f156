//! Every order in which callers with one key can ask, run, fail, die and write, gone through one by one.
//!
//! The decisions are those of `machine.rs`, as the layer takes them. The store is modelled: one key, which it changes
//! in one step, and which may lose a question or an answer.

use crate::machine::{Begun, End, Ended, Keep, StoreDown, Wrote, begun, claim, ended, wrote};
use crate::record::{Form, Record, Reply, State as Kept};
use handlers_sdk::service::ServiceErrorKind;
use handlers_sdk::service::kv::{Entry, WriteOutcome};
use std::collections::HashSet;

const PAYLOAD: [u8; 32] = [7; 32];

/// The faults that may happen, and how often.
#[derive(Clone, Copy, Debug, Default)]
struct Faults {
    /// The processes that may die.
    crashes: u8,
    /// The questions to the store, or answers, that may be lost.
    lost: u8,
    /// The runs that may be cut short at their deadline.
    cut: u8,
    /// The functions that may fail, before their effect or after.
    failures: u8,
    /// The times that the store may forget everything, as one that is restarted without a disk.
    forgets: u8,
    /// The leases that may be over although their run goes on, as that of a process that was stopped for a while.
    early: u8,
    /// `true` if no claim ever expires.
    never_expires: bool,
    runs_without_store: bool,
}

/// The state of a caller.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum At {
    Asking,
    /// It runs, with the version of its claim, if there is one.
    Running {
        claim: Option<u64>,
        has_effect: bool,
    },
    Writing {
        claim: u64,
        state: u8,
        only_if_absent: bool,
    },
    Releasing {
        claim: u64,
    },
    /// It has been answered, or has died.
    Over(How),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum How {
    /// Its own function has replied.
    Ran,
    /// It was answered with the reply of that caller.
    Replayed(u8),
    Refused,
    Failed,
    Died,
}

/// The state of the whole model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    kept: Option<(u64, Vec<u8>)>,
    versions: u64,
    callers: Vec<At>,
    effects: u8,
    /// The callers whose function has had its effect, as bits.
    has_had_effect: u8,
    /// The times that a key was given up while the effect may have been there: by a lease that was over, a function
    /// that failed, a store that forgot.
    given_up: u8,
    unknown_runs: u8,
    left: [u8; 6],
}

const CRASH: usize = 0;
const LOST: usize = 1;
const CUT: usize = 2;
const FAIL: usize = 3;
const FORGET: usize = 4;
const EARLY: usize = 5;

fn reply(of: u8) -> Reply {
    Reply { form: Form::Value, status: 200, headers: Vec::new(), cookies: Vec::new(), body: vec![of] }
}

impl World {
    fn new(callers: usize, faults: Faults) -> World {
        World {
            kept: None,
            versions: 0,
            callers: vec![At::Asking; callers],
            effects: 0,
            has_had_effect: 0,
            given_up: 0,
            unknown_runs: 0,
            left: [faults.crashes, faults.lost, faults.cut, faults.failures, faults.forgets, faults.early],
        }
    }

    fn spend(&self, fault: usize) -> Option<World> {
        let mut next = self.clone();
        next.left[fault] = next.left[fault].checked_sub(1)?;
        Some(next)
    }

    fn write(&mut self, value: Vec<u8>) -> Result<WriteOutcome, ServiceErrorKind> {
        self.versions += 1;
        self.kept = Some((self.versions, value));
        Ok(WriteOutcome::Made(self.versions))
    }

    fn conflict(&self) -> Result<WriteOutcome, ServiceErrorKind> {
        Ok(self
            .kept
            .clone()
            .map_or(WriteOutcome::Absent, |(version, value)| WriteOutcome::Conflict(Entry { value, version })))
    }

    fn put_if_absent(&mut self, value: Vec<u8>) -> Result<WriteOutcome, ServiceErrorKind> {
        if self.kept.is_some() { self.conflict() } else { self.write(value) }
    }

    fn has(&self, version: u64) -> bool {
        self.kept.as_ref().is_some_and(|(there, _)| *there == version)
    }

    /// Returns the three ways that a question to the store can go: it is done and told, it is done and not told, it is
    /// never done.
    fn asked(
        &self,
        ask: impl Fn(&mut World) -> Result<WriteOutcome, ServiceErrorKind>,
        told: impl Fn(&mut World, Result<WriteOutcome, ServiceErrorKind>),
        out: &mut Vec<World>,
    ) {
        let mut next = self.clone();
        let answer = ask(&mut next);
        told(&mut next, answer);
        out.push(next);
        if let Some(mut next) = self.spend(LOST) {
            let _ = ask(&mut next);
            told(&mut next, Err(ServiceErrorKind::Deadline));
            out.push(next);
        }
        if let Some(mut next) = self.spend(LOST) {
            told(&mut next, Err(ServiceErrorKind::Deadline));
            out.push(next);
        }
    }

    /// Adds the states after each next step of a caller.
    fn moves(&self, caller: usize, faults: Faults, out: &mut Vec<World>) {
        let number = u8::try_from(caller).expect("few callers");
        match self.callers[caller].clone() {
            At::Over(_) => return,
            At::Asking => self.asked(
                |world| world.put_if_absent(claim(PAYLOAD)),
                |world, answer| {
                    let policy = if faults.runs_without_store { StoreDown::Run } else { StoreDown::Refuse };
                    world.callers[caller] = match begun(answer, &PAYLOAD, policy) {
                        Begun::Run(version) => At::Running { claim: Some(version), has_effect: false },
                        Begun::RunUnknown(_) => {
                            world.unknown_runs += 1;
                            At::Running { claim: None, has_effect: false }
                        }
                        Begun::Replay(reply) => At::Over(How::Replayed(reply.body[0])),
                        Begun::Refuse(_) => At::Over(How::Refused),
                    };
                },
                out,
            ),
            At::Running { claim, has_effect: false } => {
                let mut next = self.clone();
                next.effects += 1;
                next.has_had_effect |= 1 << number;
                next.callers[caller] = At::Running { claim, has_effect: true };
                out.push(next);
                if let Some(mut next) = self.spend(FAIL) {
                    next.end(caller, claim, Ended::Failed("E".into()));
                    out.push(next);
                }
            }
            At::Running { claim, has_effect: true } => {
                let mut next = self.clone();
                next.end(caller, claim, Ended::Reply(200, Some(reply(number))));
                out.push(next);
                if let Some(mut next) = self.spend(FAIL) {
                    next.given_up += 1;
                    next.end(caller, claim, Ended::Failed("E".into()));
                    out.push(next);
                }
            }
            At::Writing { claim, state, only_if_absent } => self.asked(
                |world| {
                    let value = Record { payload: PAYLOAD, state: Kept::Done(reply(state)) }.write();
                    match only_if_absent {
                        true => world.put_if_absent(value),
                        false if world.has(claim) => world.write(value),
                        false => world.conflict(),
                    }
                },
                |world, answer| {
                    world.callers[caller] = match wrote(&answer) {
                        Wrote::IfAbsent => At::Writing { claim, state, only_if_absent: true },
                        Wrote::Kept | Wrote::Overtaken | Wrote::TooBig | Wrote::Unknown => At::Over(How::Ran),
                    };
                },
                out,
            ),
            At::Releasing { claim } => self.asked(
                |world| {
                    if world.has(claim) {
                        world.kept = None;
                    }
                    Ok(WriteOutcome::Made(0))
                },
                |world, _| world.callers[caller] = At::Over(How::Failed),
                out,
            ),
        }
        if let Some(mut next) = self.spend(CRASH) {
            next.callers[caller] = At::Over(How::Died);
            out.push(next);
        }
        if let (At::Running { claim, .. }, Some(mut next)) = (self.callers[caller].clone(), self.spend(CUT)) {
            next.end(caller, claim, Ended::CutShort);
            out.push(next);
        }
    }

    /// Ends the run of a caller.
    fn end(&mut self, caller: usize, claim: Option<u64>, how: Ended) {
        let replied = matches!(how, Ended::Reply(..));
        self.callers[caller] = match (claim, ended(how, Keep::Success)) {
            (Some(claim), End::Keep(_)) => {
                At::Writing { claim, state: u8::try_from(caller).expect("few callers"), only_if_absent: false }
            }
            (Some(claim), End::Release) => At::Releasing { claim },
            _ if replied => At::Over(How::Ran),
            _ => At::Over(How::Failed),
        };
    }

    /// Adds the states after each event that happens by itself.
    fn happens(&self, faults: Faults, out: &mut Vec<World>) {
        if let (Some(mut next), true) = (self.spend(FORGET), self.kept.is_some()) {
            next.kept = None;
            next.given_up += 1;
            out.push(next);
        }
        let Some((version, value)) = &self.kept else { return };
        let is_claim = Record::read(value).is_some_and(|record| record.state == Kept::InProgress);
        let is_held = self.callers.iter().any(|at| match at {
            At::Running { claim, .. } => *claim == Some(*version),
            At::Writing { claim, .. } | At::Releasing { claim } => claim == version,
            At::Asking | At::Over(_) => false,
        });
        let next = match is_held {
            _ if !is_claim || faults.never_expires => None,
            // A lease is longer than a run may take.
            false => Some(self.clone()),
            true => self.spend(EARLY),
        };
        if let Some(mut next) = next {
            next.kept = None;
            next.given_up += 1;
            out.push(next);
        }
    }

    fn guarded_runs(&self) -> usize {
        self.callers.iter().filter(|at| matches!(at, At::Running { claim: Some(_), .. })).count()
    }
}

/// Explores all that can happen. Returns the states in which every caller is over.
fn explore(callers: usize, faults: Faults, holds: impl Fn(&World)) -> Vec<World> {
    let first = World::new(callers, faults);
    let (mut seen, mut open, mut ends) = (HashSet::from([first.clone()]), vec![first], Vec::new());
    while let Some(world) = open.pop() {
        holds(&world);
        let mut next = Vec::new();
        (0..callers).for_each(|caller| world.moves(caller, faults, &mut next));
        let is_over = next.is_empty();
        world.happens(faults, &mut next);
        if is_over {
            assert!(world.callers.iter().all(|at| matches!(at, At::Over(_))), "somebody is stuck: {world:?}");
            ends.push(world);
        }
        next.retain(|world| seen.insert(world.clone()));
        open.append(&mut next);
    }
    ends
}

/// Checks that every reply has an effect behind it.
fn replies_are_true(world: &World) {
    for at in &world.callers {
        if let At::Over(How::Replayed(of)) = at {
            assert!(world.has_had_effect & 1 << of != 0, "{world:?}");
        }
    }
}

#[test]
fn however_many_ask_it_is_done_once_and_all_others_are_refused_or_told_the_reply() {
    let ends = explore(4, Faults::default(), |world| {
        assert!(world.effects <= 1 && world.guarded_runs() <= 1, "{world:?}");
        replies_are_true(world);
    });
    for end in &ends {
        assert_eq!(end.effects, 1, "{end:?}");
        assert_eq!(end.callers.iter().filter(|at| **at == At::Over(How::Ran)).count(), 1, "{end:?}");
    }
    let somewhere = |how: fn(&At) -> bool| ends.iter().any(|end| end.callers.iter().any(how));
    assert!(somewhere(|at| *at == At::Over(How::Refused)) && somewhere(|at| matches!(at, At::Over(How::Replayed(_)))));
}

#[test]
fn with_claims_that_stand_it_is_never_done_twice_whoever_dies_and_whatever_is_lost() {
    let faults = Faults { crashes: 2, lost: 2, cut: 2, never_expires: true, ..Faults::default() };
    let ends = explore(3, faults, |world| {
        assert!(world.effects <= 1 && world.guarded_runs() <= 1, "{world:?}");
        replies_are_true(world);
    });
    let is_unsettled = |end: &World| end.effects == 1 && !end.callers.contains(&At::Over(How::Ran));
    assert!(ends.iter().any(is_unsettled), "the model can see somebody die behind the effect");
}

#[test]
fn with_leases_it_is_done_again_only_after_a_lease_was_over_and_never_twice_at_once() {
    let faults = Faults { crashes: 2, lost: 2, cut: 1, failures: 1, ..Faults::default() };
    let ends = explore(3, faults, |world| {
        assert!(world.effects <= 1 + world.given_up && world.guarded_runs() <= 1, "{world:?}");
        replies_are_true(world);
    });
    assert!(ends.iter().any(|end| end.effects == 2), "the model can see what a lease allows");
}

#[test]
fn a_store_that_forgets_and_leases_that_end_early_cost_no_more_than_one_run_each() {
    let faults = Faults { crashes: 1, lost: 1, forgets: 1, early: 1, failures: 1, ..Faults::default() };
    explore(3, faults, |world| {
        assert!(world.effects <= 1 + world.given_up, "{world:?}");
        assert!(world.guarded_runs() <= 1 + usize::from(world.given_up), "{world:?}");
        replies_are_true(world);
    });
}

#[test]
fn who_runs_without_a_store_is_one_run_more_and_no_worse() {
    let faults = Faults { crashes: 1, lost: 3, runs_without_store: true, ..Faults::default() };
    explore(3, faults, |world| {
        assert!(world.effects <= 1 + world.given_up + world.unknown_runs, "{world:?}");
        assert!(world.guarded_runs() <= 1, "{world:?}");
        replies_are_true(world);
    });
}

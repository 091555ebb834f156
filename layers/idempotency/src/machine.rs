//! The decisions that follow from the store's answers: decisions alone, without a store, a clock or an invocation.
//! `model.rs` goes through every order in which several callers can come to them.
//!
//! One attempt: it claims the key by [`claim`], which a store takes only if nothing is there, for the time of a lease.
//! [`begun`] decides on the answer. A call that may run ends with [`ended`], and writes over its own claim and no
//! other, by its version; [`wrote`] decides on the answer to that.

use crate::record::{Payload, Record, Reply, State};
use handlers_sdk::service::ServiceErrorKind;
use handlers_sdk::service::kv::WriteOutcome;
use serde::Deserialize;
use std::time::Duration;

/// The treatment of calls while the store does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StoreDown {
    Refuse,
    Run,
}

/// The outcomes that are kept. All others release the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Keep {
    /// Only replies below 400 are kept.
    Success,
    /// Only replies below 500 are kept.
    Answers,
    /// Every reply is kept, and failures, too.
    All,
}

/// The reason why a call is not let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Another call with the key is in progress.
    InProgress,
    /// The key was used with another payload.
    OtherPayload,
    /// The call is done, and its reply was not kept.
    ReplyNotKept,
    /// The call has failed with an error of this kind, and is kept as failed.
    FailedBefore(String),
    /// The store does not answer.
    StoreDown(ServiceErrorKind),
    /// The store has something else under the key, which this layer did not write.
    Foreign,
}

/// The result of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// The call may run, and has claimed the key in this version.
    Run(u64),
    /// The call may run without a claim, since the store did not answer.
    RunUnknown(ServiceErrorKind),
    /// The call was done before, and this was the reply.
    Replay(Reply),
    Refuse(Refusal),
}

/// The way in which a run has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It ended with this status, and the reply unless that cannot be kept.
    Reply(u16, Option<Reply>),
    /// It ended with an error of this kind.
    Failed(String),
    /// It was ended by its deadline, or because its client left. It is unknown how far it came.
    CutShort,
}

/// The change to be made to the claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// This state is to be written over it.
    Keep(State),
    /// It is to be removed: the next call may try.
    Release,
    /// It is left alone: its lease ends it.
    Leave,
}

/// The result of writing the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrote {
    /// The end is kept.
    Kept,
    /// The lease was over, or the store has lost the claim: the end is written if no other call has begun since.
    IfAbsent,
    /// Another call has begun since.
    Overtaken,
    /// The store does not keep as many bytes: the end is written without the reply.
    TooBig,
    /// It is unknown whether the end is kept.
    Unknown,
}

/// The time for which a claim stands after the deadline: a call is ended a moment after that.
const AFTER_DEADLINE: Duration = Duration::from_secs(2);

/// Returns how long a claim stands. `left` is the time until the deadline; without one, `without_deadline` counts.
pub(crate) fn lease(left: Option<Duration>, without_deadline: Duration) -> Duration {
    left.unwrap_or(without_deadline).saturating_add(AFTER_DEADLINE)
}

/// Returns the claim as bytes.
pub(crate) fn claim(payload: Payload) -> Vec<u8> {
    Record { payload, state: State::InProgress }.write()
}

/// Decides on the answer to a claim for this payload.
pub(crate) fn begun(
    claimed: Result<WriteOutcome, ServiceErrorKind>,
    payload: &Payload,
    store_down: StoreDown,
) -> Begun {
    let there = match (claimed, store_down) {
        (Ok(WriteOutcome::Made(version)), _) => return Begun::Run(version),
        (Ok(WriteOutcome::Conflict(there)), _) => there,
        // A store that says so of a claim has not understood it.
        (Ok(WriteOutcome::Absent), _) => return Begun::Refuse(Refusal::StoreDown(ServiceErrorKind::NotFound)),
        (Err(kind), StoreDown::Refuse) => return Begun::Refuse(Refusal::StoreDown(kind)),
        (Err(kind), StoreDown::Run) => return Begun::RunUnknown(kind),
    };
    Begun::Refuse(match Record::read(&there.value) {
        None => Refusal::Foreign,
        Some(record) if record.payload != *payload => Refusal::OtherPayload,
        Some(Record { state: State::Done(reply), .. }) => return Begun::Replay(reply),
        Some(Record { state: State::InProgress, .. }) => Refusal::InProgress,
        Some(Record { state: State::DoneUnkept, .. }) => Refusal::ReplyNotKept,
        Some(Record { state: State::Failed(kind), .. }) => Refusal::FailedBefore(kind),
    })
}

/// Decides on the claim of a run that has ended.
pub(crate) fn ended(ended: Ended, keep: Keep) -> End {
    match ended {
        Ended::CutShort => End::Leave,
        Ended::Failed(kind) if keep == Keep::All => End::Keep(State::Failed(kind)),
        Ended::Failed(_) => End::Release,
        Ended::Reply(status, reply) => {
            let least = match status {
                ..=399 => Keep::Success,
                400..=499 => Keep::Answers,
                500.. => Keep::All,
            };
            if keep < least {
                return End::Release;
            }
            End::Keep(reply.map_or(State::DoneUnkept, State::Done))
        }
    }
}

/// Decides on the answer to writing the end over the claim or, after [`Wrote::IfAbsent`], where nothing is.
pub(crate) fn wrote(written: &Result<WriteOutcome, ServiceErrorKind>) -> Wrote {
    match written {
        Ok(WriteOutcome::Made(_)) => Wrote::Kept,
        Ok(WriteOutcome::Absent) => Wrote::IfAbsent,
        Ok(WriteOutcome::Conflict(_)) => Wrote::Overtaken,
        Err(ServiceErrorKind::TooBig) => Wrote::TooBig,
        Err(_) => Wrote::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Form;
    use handlers_sdk::service::kv::Entry;

    fn taken(value: Vec<u8>) -> Result<WriteOutcome, ServiceErrorKind> {
        Ok(WriteOutcome::Conflict(Entry { value, version: 1 }))
    }

    fn reply(status: u16) -> Reply {
        Reply { form: Form::Http, status, headers: Vec::new(), cookies: Vec::new(), body: Vec::new() }
    }

    #[test]
    fn who_finds_the_key_taken_is_told_what_it_stands_for() {
        let found = |payload, state| {
            let value = Record { payload, state }.write();
            begun(taken(value), &[1; 32], StoreDown::Run)
        };
        for (state, expected) in [
            (State::InProgress, Begun::Refuse(Refusal::InProgress)),
            (State::Done(reply(201)), Begun::Replay(reply(201))),
            (State::DoneUnkept, Begun::Refuse(Refusal::ReplyNotKept)),
            (State::Failed("E".into()), Begun::Refuse(Refusal::FailedBefore("E".into()))),
        ] {
            assert_eq!(found([1; 32], state.clone()), expected);
            assert_eq!(found([2; 32], state), Begun::Refuse(Refusal::OtherPayload));
        }
        assert_eq!(begun(taken(b"x".to_vec()), &[1; 32], StoreDown::Run), Begun::Refuse(Refusal::Foreign));
    }

    #[test]
    fn without_an_answer_of_the_store_the_policy_counts() {
        for kind in [
            ServiceErrorKind::Deadline,
            ServiceErrorKind::Cancelled,
            ServiceErrorKind::Failed,
            ServiceErrorKind::Invalid,
            ServiceErrorKind::Absent,
        ] {
            let refused = Begun::Refuse(Refusal::StoreDown(kind));
            assert_eq!(begun(Err(kind), &[1; 32], StoreDown::Refuse), refused);
            assert_eq!(begun(Err(kind), &[1; 32], StoreDown::Run), Begun::RunUnknown(kind));
        }
    }

    #[test]
    fn what_is_kept_is_what_the_policy_says() {
        for (status, kept) in
            [(200, [true; 3]), (303, [true; 3]), (404, [false, true, true]), (503, [false, false, true])]
        {
            for (keep, is_kept) in [Keep::Success, Keep::Answers, Keep::All].into_iter().zip(kept) {
                let end = ended(Ended::Reply(status, Some(reply(status))), keep);
                let expected = if is_kept { End::Keep(State::Done(reply(status))) } else { End::Release };
                assert_eq!(end, expected, "{status} {keep:?}");
            }
        }
        assert_eq!(ended(Ended::Reply(200, None), Keep::Success), End::Keep(State::DoneUnkept));
        assert_eq!(ended(Ended::Failed("E".into()), Keep::Answers), End::Release);
        assert_eq!(ended(Ended::Failed("E".into()), Keep::All), End::Keep(State::Failed("E".into())));
        assert_eq!(ended(Ended::CutShort, Keep::All), End::Leave, "it may still be at it");
    }

    #[test]
    fn a_claim_stands_longer_than_whoever_made_it_may_run() {
        let (deadline, none) = (Duration::from_secs(10), Duration::from_secs(300));
        assert!(lease(Some(deadline), none) > deadline && lease(Some(deadline), none) < none);
        assert!(lease(None, none) > none);
    }
}

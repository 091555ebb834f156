//! The outcome of a batch of which some records failed: a report in the form of its platform, or the failure of all of
//! it.

use crate::failure::{Failure, Openness};
use crate::invocation::{Code, Invocation};
use crate::json::Writer;
use crate::log::Level;
use crate::order;
use crate::settings::RecordFailures;
use crate::trigger::batch::{Batch, Partial};
use faas_abi::host::Given;
use faas_abi::{E_USER, OK, Status};

/// The number of records whose reasons the failure of a whole batch tells.
const REASONS: usize = 3;

/// A record that is not done.
#[derive(Debug)]
pub(super) struct Undone {
    /// Its number in the batch.
    pub(super) record: usize,
    /// The reason why the record failed.
    pub(super) why: Why,
}

/// The reason why a record is not done.
#[derive(Debug)]
pub(super) enum Why {
    /// The record failed, which has its line in the log.
    Failed {
        /// The status that stood at its end.
        status: Status,
        /// The words of the failure.
        failure: Failure,
    },
    /// A record before it, whose order it keeps, is not done.
    Behind,
    /// There was no time to begin it.
    NoTime,
    /// The process is about to stop.
    Closing,
}

impl Why {
    /// Returns what `FAAS_LIST_FAILED_RECORD` says of it.
    fn reason(&self) -> String {
        match self {
            Why::Failed { failure, .. } => format!("{}: {}", failure.kind, failure.message),
            Why::Behind => "Runtime.RecordNotRun: a record before it failed".to_owned(),
            Why::NoTime => "Runtime.RecordNotRun: there was no time left to begin it".to_owned(),
            Why::Closing => "Runtime.RecordNotRun: the instance is stopping".to_owned(),
        }
    }
}

/// Settles a batch that was run record by record.
pub(super) fn conclude_records(invocation: &mut Invocation, mut undone: Vec<Undone>, rule: RecordFailures) -> Status {
    order::sort(&mut undone, |a, b| a.record < b.record);
    let Some(batch) = invocation.batch_mut() else { return OK };
    for Undone { record, why } in &undone {
        let id = batch.id(*record).to_vec();
        batch.failed.add(&id, why.reason().as_bytes());
    }
    say_not_run(invocation, &undone);
    let is_open = |why: &Why| !matches!(why, Why::Failed { failure, .. } if failure.openness == Openness::Kind);
    let all_open = undone.iter().all(|undone| is_open(&undone.why));
    let is_one = invocation.batch().is_some_and(|batch| batch.len() == 1);
    // The failure of the only record says more than the number of those that failed.
    let only = undone.pop().filter(|_| is_one).map(|undone| undone.why);
    settle(invocation, rule, only, all_open)
}

/// Settles a batch that its function was called with as a whole, and of which it says that some records failed.
pub(crate) fn conclude(invocation: &mut Invocation, rule: RecordFailures) -> Status {
    let Some(batch) = invocation.batch() else { return OK };
    for (id, reason) in batch.failed.iter() {
        let (id, reason) = (String::from_utf8_lossy(id), String::from_utf8_lossy(reason));
        let failure = Failure::new("Function.RecordFailed", reason);
        crate::report::record_failed(invocation, &id, &failure);
    }
    settle(invocation, rule, None, false)
}

/// Writes one line for all records that were not begun: each of them would say the same.
fn say_not_run(invocation: &Invocation, undone: &[Undone]) {
    let count = |is: fn(&Why) -> bool| undone.iter().filter(|undone| is(&undone.why)).count();
    let parts = [
        (count(|why| matches!(why, Why::Behind)), "behind a record that failed"),
        (count(|why| matches!(why, Why::NoTime)), "for lack of time"),
        (count(|why| matches!(why, Why::Closing)), "because the instance is stopping"),
    ];
    let told: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, why)| format!("{count} {why}")).collect();
    if !told.is_empty() {
        invocation.say(Level::Warn, &format!("records that were not run and count as failed: {}", told.join(", ")));
    }
}

fn settle(invocation: &mut Invocation, rule: RecordFailures, only: Option<Why>, all_open: bool) -> Status {
    let Some(batch) = invocation.batch_mut() else { return OK };
    batch.is_settled = true;
    let takes_report = batch.partial() != Partial::None && rule != RecordFailures::Fail;
    if batch.failed.is_empty() || takes_report || rule == RecordFailures::Log {
        if takes_report {
            let reply = item_failures(batch, rule);
            invocation.reply_with(Code::Value, Given::from(reply));
        }
        return OK;
    }
    let (status, failure) = match only {
        Some(Why::Failed { status, failure }) => (status, failure),
        _ => (E_USER, of_batch(batch, all_open)),
    };
    invocation.set_failure(failure);
    status
}

/// Returns the report of AWS' event source mappings. An empty list says that all is done.
fn item_failures(batch: &Batch, rule: RecordFailures) -> Vec<u8> {
    let mut text = Vec::new();
    let mut writer = Writer::new(&mut text);
    writer.begin_object().key("batchItemFailures").begin_array();
    if rule == RecordFailures::Report {
        for (id, _) in batch.failed.iter() {
            writer.begin_object().key("itemIdentifier").string(id).end_object();
        }
    }
    writer.end_array().end_object();
    text
}

/// Returns the failure of a batch, with the reasons of the first records.
fn of_batch(batch: &Batch, all_open: bool) -> Failure {
    let reasons = batch
        .failed
        .iter()
        .take(REASONS)
        .map(|(id, reason)| format!("{}: {}", String::from_utf8_lossy(id), String::from_utf8_lossy(reason)));
    let mut told: Vec<String> = reasons.collect();
    let failed = batch.failed.len();
    if failed > REASONS {
        told.push(format!("and {} more", failed - REASONS));
    }
    let message = format!("{failed} of {} records failed: {}", batch.len(), told.join("; "));
    let openness = if all_open { Openness::Message } else { Openness::Kind };
    Failure { openness, ..Failure::new("Runtime.RecordsFailed", message) }
}

//! Batches, and the invocations of their records. It settles which values a record has from its batch, and which of its
//! own.

use super::{Code, Invocation, InvocationMetadata, Progress};
use crate::fields::Fields;
use crate::process::Deadline;
use crate::trigger::batch::Batch;
use crate::trigger::{DecodedEvent, Kind};
use faas_abi::host::{Given, Invocation as _};
use faas_abi::*;
use std::sync::Arc;

/// The texts that a record has from its batch.
const INHERITED: [u32; 14] = [
    META_FUNCTION,
    META_VERSION,
    META_SERVICE,
    META_REGION,
    META_TRIGGER,
    META_SOURCE,
    META_INVOKED_AS,
    META_TENANT,
    META_ACCOUNT,
    META_TRACEPARENT,
    META_TRACESTATE,
    META_TRACE,
    META_CLIENT_CONTEXT,
    META_IDENTITY,
];

/// The values that every record of a batch has from it.
#[derive(Debug)]
pub(crate) struct OfBatch {
    request_id: Vec<u8>,
    texts: Vec<(u32, Vec<u8>)>,
    extensions: Fields,
    deadline: Option<Deadline>,
    attempt: u32,
    memory_mb: u32,
    cold: bool,
    received_ns: u64,
    kind: Kind,
    source: &'static str,
}

/// The parts that make an invocation one record of a batch.
#[derive(Debug)]
pub(super) struct Record {
    of_batch: Arc<OfBatch>,
    id: Vec<u8>,
    group: Vec<u8>,
    pub(super) index: usize,
    /// The record as it came.
    pub(super) bytes: Vec<u8>,
    /// The attributes that its source tells beside its payload.
    pub(super) attributes: Fields,
}

impl Record {
    /// Returns a text that it has from its batch, or that is its own. If it is `None`, the text is found as that of any
    /// invocation.
    pub(super) fn meta(&self, key: u32) -> Option<&[u8]> {
        match key {
            META_RECORD_ID => Some(&self.id),
            META_RECORD_GROUP => Some(&self.group),
            key => self.of_batch.texts.iter().find(|(other, _)| *other == key).map(|(_, text)| text.as_slice()),
        }
    }
}

impl Invocation {
    /// Makes an invocation for records of the batch in `batch`, one after the other.
    pub(crate) fn of_record(batch: &Invocation) -> Invocation {
        let mut invocation = Invocation::new(batch.process.clone(), batch.function.clone());
        invocation.served = batch.served;
        invocation
    }

    /// Returns the records of its event, if it is a batch. It reads them the first time. A record is not a batch,
    /// whatever it holds.
    pub(crate) fn batch(&self) -> Option<&Batch> {
        let read = || Batch::of(self.meta(META_SOURCE), self.event(), self.body()).map(Box::new);
        if self.record.is_some() { None } else { self.batch.get_or_init(read).as_deref() }
    }

    /// Forgets its records, which lay in a body, or were of a source, that counts no more. The records that a module
    /// was shown stay readable.
    pub(super) fn forget_batch(&mut self) {
        if let Some(Some(batch)) = self.batch.take() {
            self.kept.batch(batch);
        }
    }

    /// Returns the records, to be changed.
    pub(crate) fn batch_mut(&mut self) -> Option<&mut Batch> {
        self.batch();
        self.batch.get_mut()?.as_deref_mut()
    }

    /// Returns `true` if a function or layer that serves the whole batch has said that some of its records failed.
    pub(crate) fn has_failed_records(&self) -> bool {
        self.batch.get().and_then(Option::as_ref).is_some_and(|batch| !batch.failed.is_empty())
    }

    /// Replies in the runtime's own words.
    pub(crate) fn reply_with(&mut self, code: Code, body: Given) {
        self.progress = Progress::Set(code);
        self.set_reply(body);
    }

    /// Returns the values that its records have from it.
    pub(crate) fn of_batch(&self) -> OfBatch {
        let text = |key: u32| (key, self.meta(key).to_vec());
        let mut extensions = Fields::default();
        self.extensions.iter().for_each(|(name, value)| extensions.add(name, value));
        let decoded = self.decoded();
        OfBatch {
            request_id: self.request_id().to_vec(),
            texts: INHERITED.into_iter().map(text).collect(),
            extensions,
            deadline: self.metadata.deadline,
            attempt: self.metadata.attempt,
            memory_mb: self.metadata.memory_mb,
            cold: self.cold,
            received_ns: self.received_ns,
            kind: decoded.kind,
            source: decoded.source,
        }
    }

    /// Makes this place, which is empty, serve a record of a batch, of which these are the bytes.
    pub(crate) fn begin_record(&mut self, of_batch: &Arc<OfBatch>, batch: &Batch, index: usize, bytes: &[u8]) {
        let content = batch.open(index, bytes);
        self.metadata = InvocationMetadata {
            deadline: of_batch.deadline,
            attempt: content.attempt.unwrap_or(of_batch.attempt),
            memory_mb: of_batch.memory_mb,
            ..InvocationMetadata::default()
        };
        self.cold = of_batch.cold;
        self.received_ns = of_batch.received_ns;
        self.set_request_id(&of_batch.request_id);
        of_batch.extensions.iter().for_each(|(name, value)| self.extensions.add(name, value));
        let decoded = DecodedEvent::bare(of_batch.kind, of_batch.source);
        // The place is empty, so that nothing has been read in it.
        let _ = self.decoded.set(DecodedEvent { data: Some(Box::new(content.data)), ..decoded });
        self.record = Some(Box::new(Record {
            of_batch: of_batch.clone(),
            id: batch.id(index).to_vec(),
            group: batch.group(index).to_vec(),
            index,
            bytes: bytes.to_vec(),
            attributes: content.attributes,
        }));
    }
}

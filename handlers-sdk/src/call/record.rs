//! One record of a batch, as a function that takes one at a time sees it.

use crate::call::pairs::Pairs;
use crate::ffi::Reader;
use faas_abi::{LIST_PLATFORM, META_RECORD_GROUP, META_RECORD_ID, NUM_RECORD_INDEX};
use std::fmt;

/// What the source of a batch says of one of its records. The record itself is the event, its payload the body.
///
/// ```
/// use handlers_sdk::{Error, FaasContext, function};
///
/// #[function(record)]
/// fn work(ctx: FaasContext, job: String) -> Result<(), Error> {
///     let Some(record) = ctx.record() else { return Ok(()) };
///     let sender = record.attribute("SenderId").unwrap_or("nobody");
///     handlers_sdk::info!({id = record.id(), group = record.group().unwrap_or("")}, "{job} from {sender}");
///     Ok(())
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Copy)]
pub struct RecordInfo<'a> {
    reader: Reader<'a>,
}

impl<'a> RecordInfo<'a> {
    /// `None`: it is no record of a batch.
    pub(crate) fn of(reader: Reader<'a>) -> Option<RecordInfo<'a>> {
        (!reader.meta(META_RECORD_ID).is_empty()).then_some(RecordInfo { reader })
    }

    /// Its id, which it has in common with the same record delivered again.
    pub fn id(&self) -> &'a str {
        self.reader.text(META_RECORD_ID)
    }

    /// What it is ordered by: a message group, a partition, a key. `None`: by nothing.
    pub fn group(&self) -> Option<&'a str> {
        Some(self.reader.text(META_RECORD_GROUP)).filter(|group| !group.is_empty())
    }

    /// Its number in the batch, from 0.
    pub fn index(&self) -> u64 {
        self.reader.num(NUM_RECORD_INDEX)
    }

    /// The first attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&'a str> {
        self.reader.get(LIST_PLATFORM, name).and_then(|value| core::str::from_utf8(value).ok())
    }

    /// Everything that the source says of it beside its payload.
    pub fn attributes(&self) -> Pairs<'a> {
        Pairs::new(self.reader, LIST_PLATFORM)
    }
}

impl fmt::Debug for RecordInfo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordInfo").field("id", &self.id()).field("group", &self.group()).finish_non_exhaustive()
    }
}

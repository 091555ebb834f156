//! One record of a batch, as a function that takes one at a time sees it.

use crate::call::pairs::Pairs;
use crate::ffi::Reader;
use faas_abi::{LIST_PLATFORM, META_RECORD_GROUP, META_RECORD_ID, NUM_RECORD_INDEX};
use std::fmt;

/// The details that the source of a batch gives of one record. The record itself is the event, its payload the body.
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
    /// Returns the details; `None` if the call is not for one record of a batch.
    pub(crate) fn of(reader: Reader<'a>) -> Option<RecordInfo<'a>> {
        (!reader.meta(META_RECORD_ID).is_empty()).then_some(RecordInfo { reader })
    }

    /// Returns its id, which it has in common with the same record delivered again.
    pub fn id(&self) -> &'a str {
        self.reader.text(META_RECORD_ID)
    }

    /// Returns the text by which the record is ordered: a message group, a partition, a key. It is `None` if it has no
    /// order.
    pub fn group(&self) -> Option<&'a str> {
        Some(self.reader.text(META_RECORD_GROUP)).filter(|group| !group.is_empty())
    }

    /// Returns the number of the record in its batch, counted from 0.
    pub fn index(&self) -> u64 {
        self.reader.num(NUM_RECORD_INDEX)
    }

    /// Returns the first attribute of that name; `None` if there is none of it.
    pub fn attribute(&self, name: &str) -> Option<&'a str> {
        self.reader.get(LIST_PLATFORM, name).and_then(|value| core::str::from_utf8(value).ok())
    }

    /// Returns everything that the source says of the record beside its payload.
    pub fn attributes(&self) -> Pairs<'a> {
        Pairs::new(self.reader, LIST_PLATFORM)
    }
}

impl fmt::Debug for RecordInfo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordInfo").field("id", &self.id()).field("group", &self.group()).finish_non_exhaustive()
    }
}

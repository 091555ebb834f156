//! A batch of a queue's messages, of which only those that failed come again.

use handlers_sdk::events::aws::{BatchFailures, Sqs};
use handlers_sdk::function;

fn work(body: &str) -> Result<(), std::num::ParseIntError> {
    body.parse::<u64>().map(drop)
}

#[function(trigger = "queue")]
pub fn jobs(batch: Sqs) -> BatchFailures {
    let failed = batch.records.iter().filter_map(|message| {
        let error = work(&message.body).err()?;
        handlers_sdk::warn!({ message = message.message_id }, "failed: {error}");
        Some(&message.message_id)
    });
    failed.collect()
}

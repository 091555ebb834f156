//! A batch of a queue's messages, of which only those that failed come again.

use handlers_sdk::events::Queue;
use handlers_sdk::events::aws::BatchFailures;
use handlers_sdk::{Error, function};

fn work(job: u64) -> Result<(), Error> {
    if job == 0 { Err(Error::new("Job.Zero", "expected a number above 0")) } else { Ok(()) }
}

#[function(trigger = "queue")]
pub fn jobs(queue: Queue) -> BatchFailures {
    let failed = queue.messages.iter().filter_map(|message| {
        let error = message.json().and_then(work).err()?;
        handlers_sdk::warn!({ message = message.id }, "failed: {error}");
        Some(&message.id)
    });
    failed.collect()
}

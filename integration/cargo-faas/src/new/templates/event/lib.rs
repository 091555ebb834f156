//! A function that takes the messages of a queue, one at a time, whichever platform the queue is of.

use handlers_sdk::{Error, FaasContext, Json, function};
use serde::Deserialize;

/// The body of a message.
#[derive(Deserialize)]
pub struct Job {
    order: u32,
}

/// Works on one job. The platform is told which messages of a batch have failed, and delivers those again.
#[function(record, trigger = "queue")]
pub async fn work(ctx: FaasContext, Json(job): Json<Job>) -> Result<(), Error> {
    if job.order == 0 {
        return Err(Error::new("Job.Order", "expected the number of an order, found 0"));
    }
    ctx.info(format_args!("working on order {}", job.order));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::work;
    use handlers_sdk::testing::{Invoke, sample};

    #[test]
    fn a_batch_of_a_queue_is_worked_on_record_by_record() {
        let answer = sample("aws/sqs").run(work::MODULE);
        assert_eq!(answer.status(), 200, "{}", answer.text());
        assert!(answer.logs.iter().any(|line| line.message == "working on order 7"));
    }

    #[test]
    fn a_job_without_an_order_fails() {
        let answer = Invoke::event(r#"{"order":0}"#).run(work::MODULE);
        assert_eq!(answer.failed.map(|failed| failed.kind).as_deref(), Some("Job.Order"));
    }
}

//! Functions that take one record of a batch at a time, and a layer around each record.
//!
//! | payload begins with | the record |
//! |---|---|
//! | `bad` | fails by an error |
//! | `poison` | panics |
//! | `hang` | never ends by itself, in `waiting` alone |
//! | `four` | ends once four records are in progress, in `waiting` alone |
//! | anything else | is done |
//!
//! Each of them writes the line `begun <payload>`. `plain` is a `fn`, `waiting` an `async fn` that waits for a thread
//! of its own; `whole` takes every batch as it is, and replies its size in bytes.
#![forbid(unsafe_code)]

use handlers_sdk::{Error, Event, FaasContext, Failure, Flow, Invocation, Layer, Level, Recovery, function, layer};
use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

fn ended(job: &str) -> Result<(), Error> {
    assert!(!job.starts_with("poison"), "poisoned");
    if job.starts_with("bad") { Err(Error::new("Job.Bad", "it is bad")) } else { Ok(()) }
}

/// Takes a record at once.
///
/// # Errors
/// The record is bad.
#[function(record)]
pub fn plain(ctx: FaasContext, job: String) -> Result<(), Error> {
    ctx.info(format_args!("begun {job}"));
    ended(&job)
}

/// Waits until another thread says so.
async fn elsewhere() {
    let state = Arc::<Mutex<(bool, Option<Waker>)>>::default();
    let other = state.clone();
    std::thread::spawn(move || {
        let (done, waker) = &mut *other.lock().unwrap_or_else(PoisonError::into_inner);
        *done = true;
        waker.take().into_iter().for_each(Waker::wake);
    });
    poll_fn(move |context| {
        let (done, waker) = &mut *state.lock().unwrap_or_else(PoisonError::into_inner);
        // The last waker counts: the poller may be another one each time.
        *waker = Some(context.waker().clone());
        if *done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// The number of records that have come, up to four.
static MET: AtomicUsize = AtomicUsize::new(0);
static WAITING: Mutex<Vec<Waker>> = Mutex::new(Vec::new());

/// Waits until four records are in progress.
async fn four() {
    let mut counted = false;
    poll_fn(move |context| {
        let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut counted, true) {
            MET.fetch_add(1, Ordering::Relaxed);
        }
        if MET.load(Ordering::Relaxed) >= 4 {
            waiting.drain(..).for_each(Waker::wake);
            return Poll::Ready(());
        }
        waiting.push(context.waker().clone());
        Poll::Pending
    })
    .await;
}

/// Takes a record and waits.
///
/// # Errors
/// The record is bad.
#[function(record)]
pub async fn waiting(ctx: FaasContext, job: String) -> Result<(), Error> {
    ctx.info(format_args!("begun {job}"));
    match () {
        () if job.starts_with("hang") => pending().await,
        () if job.starts_with("four") => four().await,
        () => elsewhere().await,
    }
    ended(&job)
}

/// Takes a batch as it is.
#[function]
pub fn whole(batch: Event) -> String {
    format!("{} bytes", batch.len())
}

/// Counts the hooks of records, and writes their numbers behind each batch: `records: 3 in, 2 out, 1 failed`.
#[derive(Debug, Default)]
pub struct Tally {
    entered: AtomicUsize,
    left: AtomicUsize,
    failed: AtomicUsize,
}

impl Tally {
    fn say(&self, invocation: &Invocation<'_>) {
        let [entered, left, failed] =
            [&self.entered, &self.left, &self.failed].map(|count| count.swap(0, Ordering::Relaxed));
        invocation.log(Level::Info, format_args!("records: {entered} in, {left} out, {failed} failed"), &[]);
    }
}

#[layer(name = "tally")]
impl Layer for Tally {
    fn before_record(&self, _: &mut Invocation<'_>) -> Result<Flow, Error> {
        self.entered.fetch_add(1, Ordering::Relaxed);
        Ok(Flow::Continue)
    }

    fn after_record(&self, _: &mut Invocation<'_>) -> Result<(), Error> {
        self.left.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn record_failed(&self, _: &mut Invocation<'_>, _: &Failure<'_>) -> Result<Recovery, Error> {
        self.failed.fetch_add(1, Ordering::Relaxed);
        Ok(Recovery::Pass)
    }

    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        self.say(invocation);
        Ok(())
    }

    fn invoke_failed(&self, invocation: &mut Invocation<'_>, _: &Failure<'_>) -> Result<Recovery, Error> {
        self.say(invocation);
        Ok(Recovery::Pass)
    }
}

#[cfg(test)]
mod tests {
    use super::{plain, waiting};
    use handlers_sdk::testing::Invoke;

    #[test]
    fn bad_and_poisoned_records_fail_and_the_others_are_done() {
        for module in [plain::MODULE, waiting::MODULE] {
            let answer = Invoke::records([("a", "1"), ("b", "bad"), ("c", "poison"), ("d", "2")]).run(module);
            let failed: Vec<&str> = answer.failed_records.iter().map(|(id, _)| id.as_str()).collect();
            assert_eq!(failed, ["b", "c"]);
        }
    }
}

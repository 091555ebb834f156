//! Functions that leave work behind, and functions that wait until they are cancelled. They tell the log of each step.
#![forbid(unsafe_code)]

use handlers_sdk::{Error, FaasContext, PhaseContext, function};
use std::time::Duration;

/// A time that is longer than any test takes.
const LONG: Duration = Duration::from_secs(600);

/// Spawns a task and returns at once, before the task has run.
#[function]
pub async fn spawns(ctx: FaasContext) -> &'static str {
    let detached = ctx.detached();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(1)).await;
        detached.info(format_args!("the task has ended"));
    });
    "replied"
}

/// Waits, and leaves a task behind.
#[function]
pub async fn waits_and_spawns(ctx: FaasContext) -> &'static str {
    tokio::time::sleep(Duration::from_millis(1)).await;
    spawns(ctx).await
}

/// Leaves work for after the reply: the event is how long it takes, in milliseconds.
#[function]
pub async fn after(ctx: FaasContext, ms: String) -> Result<&'static str, Error> {
    let time = Duration::from_millis(ms.parse()?);
    let dropped = Dropped(ctx.detached(), "the work after the reply is dropped");
    ctx.after_reply(async move {
        let _dropped = dropped;
        tokio::time::sleep(time).await;
        handlers_sdk::info!("the work after the reply has ended");
    });
    Ok("replied")
}

/// Leaves work for after the reply from a plain `fn`, with a panic beside it.
#[function]
pub fn after_with_panic(ctx: FaasContext) -> &'static str {
    ctx.after_reply(async { panic!("after the reply") });
    ctx.after_reply(async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        handlers_sdk::info!("the work after the reply has ended");
    });
    "replied"
}

async fn close(ctx: PhaseContext) -> Result<(), Error> {
    ctx.after_reply(async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        handlers_sdk::info!("the work of the phase has ended");
    });
    Ok(())
}

/// Leaves work in the phase Close, after which there is nothing.
#[function(close = close)]
pub fn closes() -> &'static str {
    "replied"
}

/// Lets a thread keep its context for 150 milliseconds.
#[function]
pub fn keeps(ctx: FaasContext) -> &'static str {
    std::thread::spawn(move || ctx.wait_cancelled(Duration::from_millis(150)));
    "replied"
}

/// Holds its thread in a place where that is fine if the runtime has another.
#[function]
pub async fn in_place() -> &'static str {
    tokio::time::sleep(Duration::from_millis(1)).await;
    tokio::task::block_in_place(|| std::thread::park_timeout(Duration::from_millis(1)));
    "replied"
}

/// Tells the log when it is dropped.
struct Dropped(handlers_sdk::Detached, &'static str);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.info(format_args!("{}", self.1));
    }
}

/// Waits until it is cancelled, as the event says: in a `select`, in a thread of `spawn_blocking`, in nested tasks.
#[function]
pub async fn waits(ctx: FaasContext, how: String) -> &'static str {
    let _dropped = Dropped(ctx.detached(), "the future is dropped");
    ctx.info(format_args!("waiting"));
    match how.as_str() {
        "select" => {
            tokio::select! {
                () = tokio::time::sleep(LONG) => {}
                () = std::future::pending() => {}
            }
        }
        "thread" => {
            let thread = tokio::task::spawn_blocking(move || {
                if ctx.wait_cancelled(LONG) {
                    ctx.info(format_args!("the thread has heard"));
                }
            });
            thread.await.expect("it does not panic");
            std::future::pending().await
        }
        _ => {
            let outer = tokio::spawn(async move {
                let inner = ctx.clone();
                let inner = tokio::spawn(async move {
                    inner.cancelled().await;
                    inner.info(format_args!("the inner task has heard"));
                });
                ctx.cancelled().await;
                inner.await.expect("it does not panic");
                ctx.info(format_args!("the outer task has heard"));
            });
            outer.await.expect("it does not panic");
            std::future::pending().await
        }
    }
    "it was not cancelled"
}

#[cfg(test)]
mod tests {
    use super::{after, spawns};
    use handlers_sdk::testing::Invoke;

    #[test]
    fn they_reply_whatever_they_leave_behind() {
        assert_eq!(Invoke::event("").run(spawns::MODULE).text(), "replied");
        assert_eq!(Invoke::event("1").run(after::MODULE).text(), "replied");
        assert!(Invoke::event("soon").run(after::MODULE).failed.is_some());
    }
}

//! Functions that count how many of their invocations are in progress: `waits`, which is async, and `blocks`, which
//! keeps its thread.
//!
//! The event is two numbers, `until` and `ms`. An invocation stays until `until` of them are in progress at once, then
//! `ms` milliseconds more. The reply is the largest number that was ever in progress at once. It fails when the others
//! do not come within 15 seconds.
#![forbid(unsafe_code)]

use handlers_sdk::{Error, FaasContext, Reply, function};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// The time that an invocation waits for the others.
const PATIENCE: Duration = Duration::from_secs(15);

/// The count of invocations in progress, of both functions together if a process has both.
struct Crowd {
    inside: usize,
    most: usize,
    waiting: Vec<Waker>,
}

static CROWD: Mutex<Crowd> = Mutex::new(Crowd { inside: 0, most: 0, waiting: Vec::new() });
static GROWN: Condvar = Condvar::new();

fn crowd() -> MutexGuard<'static, Crowd> {
    CROWD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place in the count for as long as this lives.
struct Inside;

impl Inside {
    fn enter() -> Inside {
        let mut crowd = crowd();
        crowd.inside += 1;
        crowd.most = crowd.most.max(crowd.inside);
        crowd.waiting.drain(..).for_each(Waker::wake);
        GROWN.notify_all();
        Inside
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        crowd().inside -= 1;
    }
}

/// The two numbers of the event.
struct Wish {
    until: usize,
    pause: Duration,
}

impl Wish {
    fn of(ctx: &FaasContext) -> Result<Wish, Error> {
        let text = String::from_utf8_lossy(ctx.body());
        let mut numbers = text.split_whitespace().map(str::parse::<u32>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(until)), Some(Ok(ms))) => {
                Ok(Wish { until: until as usize, pause: Duration::from_millis(u64::from(ms)) })
            }
            _ => Err(Error::new("Crowd.Event", format!("expected two numbers, found {text:?}"))),
        }
    }
}

fn alone(wish: &Wish) -> Error {
    Error::new("Crowd.Alone", format!("{} were expected at once, {} came", wish.until, crowd().most))
}

fn most() -> Reply {
    Reply::value(crowd().most.to_string())
}

/// A future that is ready when that many are in progress, or were since it was made; or at the given moment.
struct Grown {
    until: usize,
    late: Pin<Box<At>>,
}

impl Future for Grown {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        let mut crowd = crowd();
        if crowd.most >= self.until {
            return Poll::Ready(true);
        }
        crowd.waiting.push(context.waker().clone());
        drop(crowd);
        self.late.as_mut().poll(context).map(|()| false)
    }
}

/// A future that is ready at a moment, which a thread of its own tells it.
struct At {
    moment: Instant,
    /// The waker that is told; `None` before the first poll.
    waker: Option<Waker>,
}

impl At {
    fn after(time: Duration) -> At {
        At { moment: Instant::now() + time, waker: None }
    }
}

impl Future for At {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let left = self.moment.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Poll::Ready(());
        }
        // The last poller is to be told, and an executor's first poll may come from elsewhere than the next.
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            let waker = context.waker().clone();
            self.waker = Some(waker.clone());
            let moment = self.moment;
            std::thread::spawn(move || {
                while let Some(left) = moment.checked_duration_since(Instant::now()) {
                    std::thread::park_timeout(left);
                }
                waker.wake();
            });
        }
        Poll::Pending
    }
}

/// Waits for the others, and then for the time to pass, without a thread.
#[function]
pub async fn waits(ctx: FaasContext) -> Result<Reply, Error> {
    let wish = Wish::of(&ctx)?;
    let inside = Inside::enter();
    if !(Grown { until: wish.until, late: Box::pin(At::after(PATIENCE)) }).await {
        return Err(alone(&wish));
    }
    At::after(wish.pause).await;
    drop(inside);
    Ok(most())
}

/// Waits for the others, and then for the time to pass, with its thread.
#[function]
pub fn blocks(ctx: FaasContext) -> Result<Reply, Error> {
    let wish = Wish::of(&ctx)?;
    let _inside = Inside::enter();
    let (crowd, late) = GROWN
        .wait_timeout_while(crowd(), PATIENCE, |crowd| crowd.most < wish.until)
        .unwrap_or_else(PoisonError::into_inner);
    drop(crowd);
    if late.timed_out() {
        return Err(alone(&wish));
    }
    let end = Instant::now() + wish.pause;
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
    Ok(most())
}

#[cfg(test)]
mod tests {
    use super::{blocks, waits};
    use handlers_sdk::testing::{App, Invoke};

    #[test]
    fn one_alone_counts_itself() {
        for module in [waits::MODULE, blocks::MODULE] {
            let app = App::builder().module(module).start().expect("starts");
            assert_eq!(app.invoke(Invoke::event("1 1")).text(), "1");
            assert_eq!(app.invoke(Invoke::event("soon")).failed.expect("fails").kind, "Crowd.Event");
            app.close();
        }
    }
}

//! A layer that fails where the configured value `SHAKY` says, and an async function to put it around.
//!
//! | `SHAKY` | the layer `shaky` |
//! |---|---|
//! | `create` | cannot be made |
//! | `start` | fails when the runtime starts |
//! | `error`, `panic` | fails, or panics, before every invocation |
//! | `after` | fails after every invocation |
//! | anything else | does nothing |
//!
//! The function `patient` waits as many milliseconds as the event says and replies `"waited"`. Cancelled, its future is
//! dropped, and it writes the line `patience is at an end`.
#![forbid(unsafe_code)]

use handlers_sdk::{Config, Error, FaasContext, Flow, Invocation, Layer, Phase, Reply, function, layer};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The layer, with the place where it fails.
#[derive(Debug)]
pub struct Shaky(&'static str);

impl Shaky {
    fn fail_if(&self, when: &str) -> Result<(), Error> {
        if self.0 == when { Err(Error::new("Shaky.Failed", format!("asked to fail: {when}"))) } else { Ok(()) }
    }
}

#[layer(name = "shaky")]
impl Layer for Shaky {
    fn create(config: &Config) -> Result<Self, Error> {
        let shaky = Shaky(config.env("SHAKY").unwrap_or_default());
        shaky.fail_if("create").map(|()| shaky)
    }

    fn before_runtime_start(&self, _: &mut Phase<'_>) -> Result<(), Error> {
        self.fail_if("start")
    }

    fn before_invoke(&self, _: &mut Invocation<'_>) -> Result<Flow, Error> {
        assert!(self.0 != "panic", "asked to panic");
        self.fail_if("error").map(|()| Flow::Continue)
    }

    fn after_invoke(&self, _: &mut Invocation<'_>) -> Result<(), Error> {
        self.fail_if("after")
    }
}

/// A future that is ready at a moment, which a thread of its own tells it.
struct At(Instant);

impl Future for At {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        std::thread::spawn(move || {
            // Woken early, the future only looks at the clock once more.
            std::thread::park_timeout(left);
            waker.wake();
        });
        Poll::Pending
    }
}

/// Writes a line if its future is dropped before its end.
struct Patience(Option<FaasContext>);

impl Drop for Patience {
    fn drop(&mut self) {
        if self.0.is_some() {
            handlers_sdk::info!("patience is at an end");
        }
    }
}

/// Waits as long as the event says.
#[function]
pub async fn patient(ctx: FaasContext) -> Result<Reply, Error> {
    let text = String::from_utf8_lossy(ctx.body()).into_owned();
    let millis = text.trim().parse().map_err(|_| Error::new("Patient.Event", format!("no milliseconds: {text:?}")))?;
    let mut patience = Patience(Some(ctx));
    At(Instant::now() + Duration::from_millis(millis)).await;
    patience.0 = None;
    Ok(Reply::value("\"waited\""))
}

#[cfg(test)]
mod tests {
    use super::{Shaky, patient};
    use handlers_sdk::testing::{App, Invoke};

    fn app(how: &str) -> Result<App, String> {
        App::builder().module(Shaky::MODULE).module(patient::MODULE).config("SHAKY", how).start()
    }

    #[test]
    fn it_waits_and_replies() {
        let app = app("").expect("starts");
        assert_eq!(app.invoke(Invoke::event("1")).text(), "\"waited\"");
        assert_eq!(app.invoke(Invoke::event("soon")).failed.expect("fails").kind, "Patient.Event");
        app.close();
    }

    #[test]
    fn the_layer_fails_where_it_is_asked_to() {
        for (how, kind) in [("error", "Shaky.Failed"), ("panic", "Panic"), ("after", "Shaky.Failed")] {
            let app = app(how).expect("starts");
            assert_eq!(app.invoke(Invoke::event("0")).failed.expect("fails").kind, kind, "{how}");
            app.close();
        }
        for how in ["create", "start"] {
            let why = app(how).expect_err("does not start");
            assert!(why.contains("asked to fail"), "{why}");
        }
    }
}

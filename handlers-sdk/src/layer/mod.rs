//! The layer as an author writes it: hooks around the phases and invocations of every function.

pub(crate) mod hooks;
pub(crate) mod invocation;
pub(crate) mod phase;
pub(crate) mod reply_head;
#[cfg(feature = "tower")]
pub mod tower;

use crate::call::config::Config;
use crate::error::Error;
use crate::layer::invocation::Invocation;
use crate::layer::phase::Phase;
use crate::layer::reply_head::ReplyHead;
use faas_abi::*;

/// The next step after a layer's `before_invoke` or `before_record`. A failure is no flow: it is the hook's `Err`.
///
/// ```
/// # use handlers_sdk::{Error, Invocation, Layer, Response, function, layer};
/// # use handlers_sdk::testing::{App, Invoke};
/// use handlers_sdk::Flow;
///
/// /// Answers the requests by which browsers ask for permission.
/// #[derive(Default)]
/// struct Preflight;
///
/// #[layer]
/// impl Layer for Preflight {
///     fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
///         match invocation.http() {
///             Some(http) if http.method() == "OPTIONS" => invocation.respond(Response::new(204)),
///             _ => Ok(Flow::Continue),
///         }
///     }
/// }
/// # #[function]
/// # fn hello() -> &'static str { "hello" }
///
/// let app = App::builder().module(Preflight::MODULE).module(hello::MODULE).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::http("OPTIONS", "/")).status(), 204);
/// assert_eq!(app.invoke(Invoke::http("GET", "/")).text(), "hello");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The walk goes on to the next one further in.
    Continue,
    /// The reply is set ([`Invocation::respond`] makes this): nothing further in is called.
    Respond,
}

/// The choice of a layer about a failure. To replace it with another failure, return that as the hook's `Err`.
///
/// ```
/// # use handlers_sdk::{Error, Failure, Invocation, Layer, Response, function, layer};
/// # use handlers_sdk::testing::{App, Invoke};
/// use handlers_sdk::Recovery;
///
/// /// Answers with an empty page for an order that is not there.
/// #[derive(Default)]
/// struct Lenient;
///
/// #[layer]
/// impl Layer for Lenient {
///     fn invoke_failed(&self, invocation: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
///         match failure.kind {
///             "Shop.NoOrder" => invocation.recover(Response::html("")),
///             _ => Ok(Recovery::Pass),
///         }
///     }
/// }
///
/// #[function]
/// fn order(number: String) -> Result<String, Error> {
///     Err(Error::new("Shop.NoOrder", format!("there is no order {number}")))
/// }
///
/// let app = App::builder().module(Lenient::MODULE).module(order::MODULE).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::http("POST", "/").body("9")).status(), 200);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// The failure goes on to the next one further out.
    Pass,
    /// It is a failure no longer: a reply is set ([`Invocation::recover`] makes this).
    Recovered,
}

/// A failure, as a layer sees it on the way out.
///
/// ```
/// # use handlers_sdk::{Error, Invocation, Layer, Recovery, function, layer};
/// # use handlers_sdk::testing::{App, Invoke};
/// use handlers_sdk::Failure;
///
/// fn word(failure: &Failure<'_>) -> &'static str {
///     match failure {
///         failure if failure.is_panic() => "a mistake of ours",
///         failure if failure.is_cancelled() => "too late",
///         _ => "refused",
///     }
/// }
///
/// #[derive(Default)]
/// struct Counts;
///
/// #[layer]
/// impl Layer for Counts {
///     fn invoke_failed(&self, _: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
///         handlers_sdk::warn!({ kind = failure.kind }, "{}", word(failure));
///         Ok(Recovery::Pass)
///     }
/// }
/// # #[function]
/// # fn spill() -> String { panic!("on the floor") }
///
/// let app = App::builder().module(Counts::MODULE).module(spill::MODULE).start().expect("starts");
/// let line = &app.invoke(Invoke::event("")).logs[0];
/// assert_eq!((line.message.as_str(), line.field("kind")), ("a mistake of ours", Some("Panic")));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// The contract's status, below zero.
    pub status: i32,
    /// The kind of the failure: `"Order.SoldOut"`.
    pub kind: &'a str,
    /// The failure in words, for people.
    pub message: &'a str,
    /// The place of the failure, and what lies beneath it.
    pub detail: &'a str,
}

impl Failure<'_> {
    /// Returns `true` if the function or a layer panicked.
    pub fn is_panic(&self) -> bool {
        self.status == E_PANIC
    }

    /// Returns `true` if it was stopped: cancelled, or out of time.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.status, E_CANCELLED | E_DEADLINE)
    }
}

/// A layer: hooks around the phases of the process and around every invocation.
///
/// Write the hooks you need in an `impl` marked `#[layer]`. A hook that is not written is not called and costs nothing.
///
/// Every hook of a phase, an invocation or a record may be written as a plain `fn`, which runs on the runtime's thread
/// and must not block, or as an `async fn`, which may wait:
///
/// ```
/// use handlers_sdk::{Error, Flow, Invocation, Layer, Response, layer};
///
/// #[derive(Default)]
/// struct Auth;
///
/// # async fn is_known(_: &str) -> Result<bool, Error> { Ok(false) }
/// #[layer(required)]
/// impl Layer for Auth {
///     async fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
///         let token = invocation.http().and_then(|http| http.header("authorization")).unwrap_or_default();
///         if is_known(token).await? { Ok(Flow::Continue) } else { invocation.respond(Response::new(401)) }
///     }
/// }
/// ```
///
/// Such a hook is boxed and polled once where it is called. If it waits then, it is finished on the executor of its
/// library, and the runtime goes on with other invocations. A cancel drops its future. `#[layer(blocking)]` is for a
/// layer whose plain hooks wait for files, locks or sockets.
///
/// For each phase the layers are entered in their order, inward, and left in reverse. A layer that was entered is left
/// by exactly one of `after_…` and `…_failed`. Hooks of several invocations run at once: state needs a lock or an
/// atomic.
#[allow(unused_variables, reason = "the names are documentation")]
pub trait Layer: Sized + Send + Sync + 'static {
    /// Makes the layer. `#[layer]` writes `Default::default()` for it if you do not.
    ///
    /// ```
    /// # use handlers_sdk::{Config, Error, Layer, layer, testing::App};
    /// struct Signs(Vec<u8>);
    ///
    /// #[layer(name = "signs")]
    /// impl Layer for Signs {
    ///     fn create(config: &Config) -> Result<Self, Error> {
    ///         let key = config.secret("SIGNING_KEY").ok_or_else(|| Error::msg("expected SIGNING_KEY to be set"))?;
    ///         Ok(Signs(key.reveal().as_bytes().to_vec()))
    ///     }
    /// }
    ///
    /// let why = App::builder().module(Signs::MODULE).start().expect_err("there is no key");
    /// assert!(why.contains("expected SIGNING_KEY to be set"), "{why}");
    /// ```
    ///
    /// # Errors
    /// The layer cannot work. The runtime reports the error and does not start.
    fn create(config: &Config) -> Result<Self, Error>;

    /// Runs when the runtime starts, before any function that the layer surrounds is loaded. A layer of a single
    /// function has this phase just before that function starts.
    ///
    /// # Errors
    /// The phase fails with the error. This holds for every hook of a phase.
    fn before_runtime_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs on the way out of the runtime's start, after `before_runtime_start` of all inner layers. No function that
    /// the layer surrounds is loaded by then.
    ///
    /// # Errors
    /// It fails as [`before_runtime_start`](Self::before_runtime_start) does.
    fn after_runtime_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs if the start failed further in.
    ///
    /// # Errors
    /// The phase fails with this error instead, and the first one is its cause. This holds for every failed phase.
    fn runtime_start_failed(&self, phase: &mut Phase<'_>, failure: &Failure<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs before a function starts.
    ///
    /// # Errors
    /// It fails as [`before_runtime_start`](Self::before_runtime_start) does.
    fn before_function_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs after a function has started.
    ///
    /// # Errors
    /// It fails as [`before_runtime_start`](Self::before_runtime_start) does.
    fn after_function_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs if a function did not start.
    ///
    /// # Errors
    /// It fails as [`runtime_start_failed`](Self::runtime_start_failed) does.
    fn function_start_failed(&self, phase: &mut Phase<'_>, failure: &Failure<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs before the function is called: change the request, answer in the function's place, or refuse.
    ///
    /// # Errors
    /// The invocation fails with this error.
    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        Ok(Flow::Continue)
    }

    /// Runs after the function has answered: read or change the reply.
    ///
    /// # Errors
    /// The invocation fails after all.
    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs if the invocation failed, in the function or further in.
    ///
    /// # Errors
    /// The invocation fails with this error instead, and the first one is its cause.
    fn invoke_failed(&self, invocation: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        Ok(Recovery::Pass)
    }

    /// Runs before the function is called for one record of a batch: change it, pass it by ([`Flow::Respond`], which
    /// needs no reply here), or let it fail. [`Invocation::record`] has its id and group. The hooks of records run
    /// inside those of the batch, whose extensions they read.
    ///
    /// ```
    /// # use handlers_sdk::{Error, Flow, Invocation, Layer, function, layer};
    /// # use handlers_sdk::testing::{App, Invoke};
    /// /// Passes by the messages that are empty.
    /// #[derive(Default)]
    /// struct SkipsEmpty;
    ///
    /// #[layer]
    /// impl Layer for SkipsEmpty {
    ///     fn before_record(&self, record: &mut Invocation<'_>) -> Result<Flow, Error> {
    ///         Ok(if record.body().is_empty() { Flow::Respond } else { Flow::Continue })
    ///     }
    /// }
    ///
    /// #[function(record)]
    /// fn work(job: String) -> Result<(), Error> {
    ///     job.parse::<u32>().map(|_| ()).map_err(Error::from)
    /// }
    ///
    /// let app = App::builder().module(SkipsEmpty::MODULE).module(work::MODULE).start().expect("starts");
    /// let answer = app.invoke(Invoke::records([("m1", "7"), ("m2", ""), ("m3", "x")]));
    /// let failed: Vec<&str> = answer.failed_records.iter().map(|(id, _)| id.as_str()).collect();
    /// assert_eq!(failed, ["m3"]);
    /// ```
    ///
    /// # Errors
    /// The record fails with the error, and the others go on.
    fn before_record(&self, record: &mut Invocation<'_>) -> Result<Flow, Error> {
        Ok(Flow::Continue)
    }

    /// Runs after the function has handled the record.
    ///
    /// # Errors
    /// The record fails after all.
    fn after_record(&self, record: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs if the record failed, in the function or further in. [`Recovery::Recovered`] needs no reply here.
    ///
    /// ```
    /// # use handlers_sdk::{Error, Failure, Invocation, Layer, Recovery, function, layer};
    /// # use handlers_sdk::testing::{App, Invoke};
    /// /// Gives up on messages that will never fit, so that they do not come again.
    /// #[derive(Default)]
    /// struct GivesUp;
    ///
    /// #[layer]
    /// impl Layer for GivesUp {
    ///     fn record_failed(&self, record: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
    ///         let is_hopeless = failure.kind == "Runtime.UnmarshalError";
    ///         if is_hopeless {
    ///             handlers_sdk::warn!("gave up {}", record.record().map_or("", |record| record.id()));
    ///         }
    ///         Ok(if is_hopeless { Recovery::Recovered } else { Recovery::Pass })
    ///     }
    /// }
    ///
    /// #[function(record)]
    /// fn work(handlers_sdk::Json(_): handlers_sdk::Json<u32>) {}
    ///
    /// let app = App::builder().module(GivesUp::MODULE).module(work::MODULE).start().expect("starts");
    /// let answer = app.invoke(Invoke::records([("m1", "7"), ("m2", "x")]));
    /// assert!(answer.failed_records.is_empty());
    /// assert_eq!(answer.logs[0].message, "gave up m2");
    /// ```
    ///
    /// # Errors
    /// The record fails with this error instead.
    fn record_failed(&self, record: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        Ok(Recovery::Pass)
    }

    /// Runs once the head of a reply is fixed, of a stream too: the last moment for headers and status. It comes before
    /// `after_invoke`, and never waits.
    ///
    /// # Errors
    /// The error is logged, and the reply goes out as it is.
    fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs once the reply is out: the reply can be read, and not be changed any more.
    ///
    /// ```
    /// # use handlers_sdk::{Error, Invocation, Layer, function, layer};
    /// # use handlers_sdk::testing::{App, Invoke};
    /// /// Writes a line for each reply, when nobody waits for it any more.
    /// #[derive(Default)]
    /// struct AccessLog;
    ///
    /// #[layer]
    /// impl Layer for AccessLog {
    ///     fn replied(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
    ///         let status = invocation.reply_status().unwrap_or(0);
    ///         handlers_sdk::info!({ bytes = invocation.reply_bytes() }, "{} {status}", invocation.request_id());
    ///         Ok(())
    ///     }
    /// }
    /// # #[function]
    /// # fn hello() -> &'static str { "hello" }
    ///
    /// let app = App::builder().module(AccessLog::MODULE).module(hello::MODULE).start().expect("starts");
    /// app.invoke(Invoke::http("GET", "/"));
    /// let line = &app.close()[0];
    /// assert_eq!((line.message.as_str(), line.field("bytes")), ("test-request 200", Some("5")));
    /// ```
    ///
    /// # Errors
    /// The error is logged.
    fn replied(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs before the functions close.
    ///
    /// # Errors
    /// It fails as [`before_runtime_start`](Self::before_runtime_start) does.
    fn before_close(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs after they have closed. It is the place to flush the rest.
    ///
    /// # Errors
    /// It fails as [`before_runtime_start`](Self::before_runtime_start) does.
    fn after_close(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs if closing failed further in; `after_close` is not called then.
    ///
    /// # Errors
    /// It fails as [`runtime_start_failed`](Self::runtime_start_failed) does.
    fn close_failed(&self, phase: &mut Phase<'_>, failure: &Failure<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs before the process is frozen or snapshotted: flush, let go of connections.
    ///
    /// # Errors
    /// It fails as [`before_runtime_start`](Self::before_runtime_start) does.
    fn suspend(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs when the process goes on: clocks have jumped, and random values from before are not unique any more.
    ///
    /// ```
    /// # use handlers_sdk::{Error, Layer, Phase, abi, layer, testing::App};
    /// # use std::sync::atomic::{AtomicU32, Ordering};
    /// /// Makes its connections anew after a freeze, in which the old ones have timed out.
    /// #[derive(Default)]
    /// struct Pool(AtomicU32);
    ///
    /// #[layer]
    /// impl Layer for Pool {
    ///     fn resume(&self, _: &mut Phase<'_>) -> Result<(), Error> {
    ///         let generation = self.0.fetch_add(1, Ordering::Relaxed) + 1;
    ///         handlers_sdk::info!("connections of generation {generation}");
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let app = App::builder().module(Pool::MODULE).start().expect("starts");
    /// app.run_phase(abi::SUSPEND).and_then(|()| app.run_phase(abi::RESUME)).expect("goes on");
    /// assert_eq!(app.logs()[0].message, "connections of generation 1");
    /// ```
    ///
    /// # Errors
    /// It fails as [`before_runtime_start`](Self::before_runtime_start) does.
    fn resume(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Looks at an event the runtime knows nothing about: names its trigger and source, and fills the HTTP view.
    /// Returns `false` if the event is not this layer's. It never waits.
    ///
    /// ```
    /// # use handlers_sdk::{Error, FaasContext, Invocation, Layer, abi, function, layer};
    /// # use handlers_sdk::testing::{App, Invoke};
    /// /// Knows the calls by which a scheduler of our own keeps instances warm.
    /// #[derive(Default)]
    /// struct Warmers;
    ///
    /// #[layer]
    /// impl Layer for Warmers {
    ///     fn recognise(&self, invocation: &mut Invocation<'_>) -> Result<bool, Error> {
    ///         let is_ours = invocation.event() == b"warm up";
    ///         if is_ours {
    ///             invocation.set_meta(abi::META_TRIGGER, "warmup")?;
    ///         }
    ///         Ok(is_ours)
    ///     }
    /// }
    ///
    /// #[function]
    /// fn kind(ctx: FaasContext) -> String {
    ///     ctx.trigger().to_owned()
    /// }
    ///
    /// let app = App::builder().module(Warmers::MODULE).module(kind::MODULE).start().expect("starts");
    /// assert_eq!(app.invoke(Invoke::event("warm up")).text(), "warmup");
    /// assert_eq!(app.invoke(Invoke::event("work")).text(), "raw");
    /// ```
    ///
    /// # Errors
    /// The invocation fails with the error.
    fn recognise(&self, invocation: &mut Invocation<'_>) -> Result<bool, Error> {
        Ok(false)
    }

    /// Adds to every invocation, before any `before_invoke`. It never waits.
    ///
    /// ```
    /// # use handlers_sdk::{Error, FaasContext, Invocation, Layer, function, layer};
    /// # use handlers_sdk::testing::{App, Invoke};
    /// /// Gives every invocation a second at most, also those that other layers answer.
    /// #[derive(Default)]
    /// struct Hurry;
    ///
    /// #[layer]
    /// impl Layer for Hurry {
    ///     fn context(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
    ///         invocation.set_deadline_ns(invocation.now_ns() + 1_000_000_000)
    ///     }
    /// }
    ///
    /// #[function]
    /// fn left(ctx: FaasContext) -> String {
    ///     format!("{:?}", ctx.remaining())
    /// }
    ///
    /// let app = App::builder().module(Hurry::MODULE).module(left::MODULE).start().expect("starts");
    /// assert_eq!(app.invoke(Invoke::event("")).text(), "Some(1s)");
    /// ```
    ///
    /// # Errors
    /// The invocation fails with the error.
    fn context(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Says whether the layer is well. Readiness probes ask it, so it answers at once.
    ///
    /// ```
    /// # use handlers_sdk::{Error, Layer, layer};
    /// # use std::sync::atomic::{AtomicBool, Ordering};
    /// /// Is not ready until the keys are here, so that no traffic comes before.
    /// #[derive(Default)]
    /// struct Keys {
    ///     are_here: AtomicBool,
    /// }
    ///
    /// #[layer]
    /// impl Layer for Keys {
    ///     fn health(&self) -> Result<(), Error> {
    ///         if self.are_here.load(Ordering::Relaxed) { Ok(()) } else { Err(Error::msg("no keys yet")) }
    ///     }
    /// }
    ///
    /// let keys = handlers_sdk::testing::layer(Keys::MODULE, "").expect("it is made");
    /// assert_eq!(keys.health(), Err("Error: no keys yet".to_owned()));
    /// ```
    ///
    /// # Errors
    /// The layer is not well, and this is the reason.
    fn health(&self) -> Result<(), Error> {
        Ok(())
    }
}

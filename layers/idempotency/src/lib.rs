//! Lets an effect take place once, however often it is asked for: the first call with a key runs, others are refused
//! while it does, and get its reply once it is there. Keys and replies are kept by the layer that offers `faas.kv`.
//!
//! The README has the table of its configuration, and what a caller sees in each case.
#![forbid(unsafe_code)]

mod key;
mod machine;
#[cfg(test)]
mod model;
mod record;
mod reply;
mod settings;

use handlers_sdk::service::ServiceErrorKind;
use handlers_sdk::service::kv::{Kv, WriteOutcome};
use handlers_sdk::{
    Config, Error, Failure, Flow, Invocation, Layer, Level, Line, Recovery, ReplyHead, Response, layer,
};
use key::{Asked, Found};
use machine::{Begun, End, Ended, Refusal, Wrote};
use record::{Payload, Record, State};
use settings::Settings;
use std::sync::{Mutex, PoisonError};

/// The layer, with its settings.
#[derive(Debug)]
pub struct Idempotency {
    settings: Settings,
    kv: Kv,
}

/// The claim that a run has made.
struct Claim {
    key: Vec<u8>,
    version: u64,
    payload: Payload,
}

/// The claim for a record. Where an event is no batch, its record is the invocation itself, whose claim is another.
struct OfRecord(Option<Claim>);

/// A run that has a claim.
struct Running {
    claim: Option<Claim>,
    /// The reply headers that layers further out had set before.
    outer: Vec<(String, String)>,
    /// The status, and the reply's own headers, once its head is fixed.
    head: Mutex<(u16, Vec<(String, String)>)>,
}

impl Refusal {
    /// Returns status, kind and words for the caller.
    fn told(&self) -> (u16, &'static str, &'static str) {
        match self {
            Refusal::InProgress => {
                (409, "Idempotency.InProgress", "a call with this key is in progress: try again later")
            }
            Refusal::OtherPayload => (422, "Idempotency.KeyReused", "this key was used for something else"),
            Refusal::ReplyNotKept => (409, "Idempotency.ReplyNotKept", "it is done; its reply was not kept"),
            Refusal::FailedBefore(_) => (500, "Idempotency.FailedBefore", "the call with this key has failed"),
            Refusal::StoreDown(_) => {
                (503, "Idempotency.StoreDown", "it is not known whether this was done: try again later")
            }
            Refusal::Foreign => (500, "Idempotency.ForeignRecord", "something else is kept under this key"),
        }
    }
}

/// Refuses a request by a reply, an event or a record by a failure.
fn refuse(invocation: &mut Invocation<'_>, (status, kind, message): (u16, &str, &str)) -> Result<Flow, Error> {
    if invocation.http().is_none() {
        return Err(Error::new(kind, message).with_status(status));
    }
    let mut body = Line::new();
    body.text("errorType", kind).text("errorMessage", message).text("requestId", invocation.request_id());
    let reply = Response::new(status).header("content-type", "application/json").header("cache-control", "no-store");
    let reply = if matches!(status, 409 | 503) { reply.header("retry-after", "1") } else { reply };
    invocation.respond(reply.body(body.finish()))
}

impl Idempotency {
    /// Claims the key. Returns the result, with the claim if that is [`Begun::Run`].
    async fn begin(&self, invocation: &mut Invocation<'_>, asked: Asked) -> Result<(Begun, Option<Claim>), Error> {
        let Asked { told, key, payload } = asked;
        let lease = match self.settings.claims_stand {
            true => self.settings.expiry,
            false => machine::lease(invocation.remaining(), self.settings.lease),
        };
        let claimed = self.kv.put_if_absent(&key, machine::claim(payload), Some(lease)).await;
        let begun = machine::begun(claimed.map_err(|error| error.kind()), &payload, self.settings.store_down);
        match &begun {
            Begun::Run(version) => {
                invocation.set_extension("idempotency-key", &told)?;
                return Ok((Begun::Run(*version), Some(Claim { key, version: *version, payload })));
            }
            Begun::RunUnknown(kind) => {
                invocation.log(
                    Level::Warn,
                    format_args!("the store does not answer ({kind:?}): it runs, and may have run before"),
                    &[("key", &told)],
                );
            }
            Begun::Refuse(Refusal::StoreDown(kind)) => {
                invocation.log(
                    Level::Error,
                    format_args!("the store does not answer ({kind:?}): it is not run"),
                    &[("key", &told)],
                );
            }
            Begun::Refuse(Refusal::FailedBefore(kind)) => {
                invocation.log(
                    Level::Warn,
                    format_args!("it has failed before with {kind}, and is kept so"),
                    &[("key", &told)],
                );
            }
            Begun::Refuse(Refusal::Foreign) => {
                invocation.log(
                    Level::Error,
                    format_args!("the store has something under the key that this layer did not write"),
                    &[("key", &told)],
                );
            }
            Begun::Replay(_) | Begun::Refuse(_) => {}
        }
        Ok((begun, None))
    }

    /// Writes the end of a run over its claim.
    async fn finish(&self, invocation: &mut Invocation<'_>, claim: Option<Claim>, ended: Ended) {
        let Some(Claim { key, version, payload }) = claim else { return };
        match machine::ended(ended, self.settings.keep) {
            End::Leave => {}
            End::Release => {
                if let Err(error) = self.kv.remove(&key, Some(version)).await {
                    invocation.log(
                        Level::Warn,
                        format_args!("the key is not released, and will be when its lease is over: {error}"),
                        &[],
                    );
                }
            }
            End::Keep(state) => match self.keep(&key, version, Record { payload, state }).await {
                Wrote::Kept => {}
                Wrote::Overtaken => {
                    invocation.log(
                        Level::Error,
                        format_args!(
                            "it took longer than its lease, and another call with its key has begun meanwhile"
                        ),
                        &[],
                    );
                }
                Wrote::IfAbsent | Wrote::TooBig | Wrote::Unknown => {
                    invocation.log(
                        Level::Error,
                        format_args!("it is done, and the store may not know: the same may be done again"),
                        &[],
                    );
                }
            },
        }
    }

    async fn keep(&self, key: &[u8], version: u64, mut record: Record) -> Wrote {
        let expiry = Some(self.settings.expiry);
        let kind =
            |result: Result<WriteOutcome, handlers_sdk::service::ServiceError>| result.map_err(|error| error.kind());
        let over = |value| self.kv.put_if_version(key, version, value, expiry);
        let mut written: Result<WriteOutcome, ServiceErrorKind> = kind(over(record.write()).await);
        if machine::wrote(&written) == Wrote::TooBig {
            record.state = State::DoneUnkept;
            written = kind(over(record.write()).await);
        }
        if machine::wrote(&written) == Wrote::IfAbsent {
            written = kind(self.kv.put_if_absent(key, record.write(), expiry).await);
        }
        machine::wrote(&written)
    }

    fn ended(&self, invocation: &Invocation<'_>) -> Option<Ended> {
        let running = invocation.value::<Running>()?;
        if invocation.failed_records().next().is_some() {
            return Some(Ended::Failed("a record has failed".to_owned()));
        }
        let (status, own) = running.head.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let status = invocation.reply_status().unwrap_or(if status == 0 { 200 } else { status });
        Some(Ended::Reply(status, reply::of(invocation, own, self.settings.max_reply_bytes)))
    }
}

fn claimed(invocation: &mut Invocation<'_>) -> Option<Claim> {
    invocation.value_mut::<Running>()?.claim.take()
}

fn claimed_by_record(record: &mut Invocation<'_>) -> Option<Claim> {
    record.value_mut::<OfRecord>()?.0.take()
}

fn failed(failure: &Failure<'_>) -> Ended {
    if failure.is_cancelled() { Ended::CutShort } else { Ended::Failed(failure.kind.to_owned()) }
}

#[layer(name = "idempotency", required)]
impl Layer for Idempotency {
    fn create(config: &Config) -> Result<Self, Error> {
        let settings = Settings::read(config)?;
        let kv = config.kv().ok_or_else(|| {
            let message = "expected a layer further out that offers faas.kv, such as kv, found none";
            Error::new("Runtime.ConfigError", message)
        })?;
        Ok(Idempotency { settings, kv })
    }

    async fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        let asked = match key::of_invocation(&self.settings, invocation) {
            Found::Asked(asked) => asked,
            Found::Missing if self.settings.require_key => {
                return refuse(invocation, (400, "Idempotency.KeyMissing", "expected an idempotency key"));
            }
            Found::NotAsked | Found::Missing => return Ok(Flow::Continue),
            Found::Invalid(why) => {
                let message = format!("the idempotency key cannot be used: {why}");
                return refuse(invocation, (400, "Idempotency.KeyInvalid", &message));
            }
        };
        let (begun, claim) = self.begin(invocation, asked).await?;
        match begun {
            Begun::Run(_) => {
                let headers = invocation.reply_headers();
                let outer = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                invocation.set_value(Running { claim, outer, head: Mutex::default() })?;
                Ok(Flow::Continue)
            }
            Begun::RunUnknown(_) => Ok(Flow::Continue),
            Begun::Replay(reply) => reply::replay(invocation, reply),
            Begun::Refuse(refusal) => refuse(invocation, refusal.told()),
        }
    }

    fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {
        if let Some(running) = head.value::<Running>() {
            let own = head.own_headers(&running.outer);
            *running.head.lock().unwrap_or_else(PoisonError::into_inner) = (head.status(), own);
        }
        Ok(())
    }

    async fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        if let Some(ended) = self.ended(invocation) {
            let claim = claimed(invocation);
            self.finish(invocation, claim, ended).await;
        }
        Ok(())
    }

    async fn invoke_failed(&self, invocation: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        let claim = claimed(invocation);
        self.finish(invocation, claim, failed(failure)).await;
        Ok(Recovery::Pass)
    }

    async fn before_record(&self, record: &mut Invocation<'_>) -> Result<Flow, Error> {
        let asked = match key::of_record(&self.settings, record) {
            Found::Asked(asked) => asked,
            Found::Missing if self.settings.require_key => {
                return Err(Error::new("Idempotency.KeyMissing", "expected an idempotency key in the record"));
            }
            Found::NotAsked | Found::Missing => return Ok(Flow::Continue),
            Found::Invalid(why) => {
                return Err(Error::new("Idempotency.KeyInvalid", format!("the record's key cannot be used: {why}")));
            }
        };
        let (begun, claim) = self.begin(record, asked).await?;
        match begun {
            Begun::Run(_) => {
                record.set_value(OfRecord(claim))?;
                Ok(Flow::Continue)
            }
            Begun::RunUnknown(_) => Ok(Flow::Continue),
            // A record has no reply, so it is enough that it is done.
            Begun::Replay(_) | Begun::Refuse(Refusal::ReplyNotKept) => Ok(Flow::Respond),
            Begun::Refuse(refusal) => refuse(record, refusal.told()),
        }
    }

    async fn after_record(&self, record: &mut Invocation<'_>) -> Result<(), Error> {
        let claim = claimed_by_record(record);
        self.finish(record, claim, Ended::Reply(200, None)).await;
        Ok(())
    }

    async fn record_failed(&self, record: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        let claim = claimed_by_record(record);
        self.finish(record, claim, failed(failure)).await;
        Ok(Recovery::Pass)
    }
}

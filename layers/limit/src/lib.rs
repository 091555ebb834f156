//! Limits how often and how many at once may be served for each client, header, path, route or function, in this
//! instance. A request over the limit is answered with 429, an event fails so that its platform keeps it.
//!
//! The README has the table of its configuration.
#![forbid(unsafe_code)]

mod keys;
mod settings;

use handlers_sdk::{Config, Error, Failure, Flow, Invocation, Layer, Line, Recovery, Response, layer};
use keys::{Keys, Owner, Verdict};
use settings::{Key, Settings};
use std::borrow::Cow;
use std::net::Ipv6Addr;
use std::sync::Arc;

/// The layer, with its counts.
#[derive(Debug)]
pub struct Limit {
    settings: Settings,
    keys: Arc<Keys>,
    /// The policy as a header has it: `"default";q=100;w=60`. It is `None` without a rate.
    policy: Option<String>,
}

/// The place of an invocation among those that run. It is given back when the invocation is over, or with it at the
/// latest.
struct Seat(Option<(Arc<Keys>, Owner)>);

impl Seat {
    fn leave(&mut self) {
        if let Some((keys, owner)) = self.0.take() {
            keys.leave(&owner);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Returns the time in whole seconds, rounded up.
fn seconds(ns: u64) -> u64 {
    ns.div_ceil(1_000_000_000)
}

/// Returns the part of an address that is one client: for IPv6 the network, since each has 2^64 addresses of its own.
fn client(address: &str) -> Cow<'_, str> {
    match address.parse::<Ipv6Addr>() {
        Ok(address) if address.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64").into()
        }
        _ => address.into(),
    }
}

impl Limit {
    /// Returns the key that the invocation is counted under; `None` if it has no client, header or path, since it is no
    /// request.
    fn key<'a>(&self, invocation: &'a Invocation<'_>) -> Option<Cow<'a, str>> {
        Some(match &self.settings.key {
            Key::All => "".into(),
            Key::Function => invocation.function().into(),
            Key::Client => client(invocation.http()?.client_ip()),
            Key::Header(name) => invocation.http()?.header(name).unwrap_or_default().into(),
            Key::Path => invocation.http()?.path().into(),
            Key::Route => invocation.http().map(|http| http.route().unwrap_or(http.path()))?.into(),
        })
    }

    fn refuse(invocation: &mut Invocation<'_>, kind: &str, message: &str, again_in: u64) -> Result<Flow, Error> {
        if invocation.http().is_none() {
            return Err(Error::new(kind, message).with_status(429));
        }
        let mut body = Line::new();
        body.text("errorType", kind).text("errorMessage", message).text("requestId", invocation.request_id());
        let reply = Response::new(429)
            .header("content-type", "application/json")
            .header("cache-control", "no-store")
            .header("retry-after", seconds(again_in).max(1).to_string());
        invocation.respond(reply.body(body.finish()))
    }
}

#[layer(name = "limit", required)]
impl Layer for Limit {
    fn create(config: &Config) -> Result<Self, Error> {
        let settings = Settings::read(config)?;
        let policy = settings.rate.map(|rate| {
            let window = rate.per.as_secs().max(1);
            format!("\"default\";q={};w={window}", rate.count)
        });
        Ok(Limit { keys: Arc::new(Keys::new(&settings)), settings, policy })
    }

    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        let now = invocation.now_ns();
        let Some(key) = self.key(invocation) else { return Ok(Flow::Continue) };
        let (verdict, owner) = self.keys.enter(&key, now);
        if let Some(policy) = self.policy.as_deref().filter(|_| invocation.http().is_some()) {
            let told = match verdict {
                Verdict::Passes { left, full_in } => Some((left, full_in)),
                Verdict::TooMany { full_in, .. } => Some((0, full_in)),
                Verdict::TooManyAtOnce => None,
            };
            invocation.set_reply_header("ratelimit-policy", policy)?;
            if let Some((left, full_in)) = told {
                let value = format!("\"default\";r={left};t={}", seconds(full_in));
                invocation.set_reply_header("ratelimit", &value)?;
            }
        }
        match verdict {
            Verdict::Passes { .. } => {
                if self.settings.concurrency.is_some() {
                    invocation.set_value(Seat(Some((self.keys.clone(), owner))))?;
                }
                Ok(Flow::Continue)
            }
            Verdict::TooMany { again_in, .. } => {
                Limit::refuse(invocation, "Limit.TooManyRequests", "too many requests: try again later", again_in)
            }
            Verdict::TooManyAtOnce => {
                Limit::refuse(invocation, "Limit.TooManyAtOnce", "too many requests at once: try again later", 0)
            }
        }
    }

    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        if let Some(seat) = invocation.value_mut::<Seat>() {
            seat.leave();
        }
        Ok(())
    }

    fn invoke_failed(&self, invocation: &mut Invocation<'_>, _: &Failure<'_>) -> Result<Recovery, Error> {
        self.after_invoke(invocation).map(|()| Recovery::Pass)
    }
}

#[cfg(test)]
mod tests {
    use super::client;

    #[test]
    fn a_client_of_ipv6_is_its_network() {
        assert_eq!(client("2001:db8::1"), client("2001:db8::ffff:2"));
        assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
        assert_eq!(
            (client("192.0.2.1"), client("::ffff:192.0.2.1"), client("")),
            ("192.0.2.1".into(), "::ffff:192.0.2.1".into(), "".into())
        );
    }
}

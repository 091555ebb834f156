//! Keeps whole replies to GET and HEAD in the instance, as long as they and the configuration say, and answers with
//! them in the function's place. One call fetches, others wait for it; a reply that is too old may stand in for a
//! failure.
//!
//! The README has the table of its configuration.
#![forbid(unsafe_code)]

mod control;
mod flights;
mod settings;
mod store;

use control::Control;
use flights::{Fetch, Flights};
use handlers_sdk::{
    Config, Error, Failure, Flow, HttpView, Invocation, Layer, Pairs, Phase, Recovery, ReplyHead, Response, layer,
};
use settings::{Credentials, Settings};
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use store::{Kept, Moment, Store};

/// The layer, with its store.
#[derive(Debug)]
pub struct Cache {
    settings: Settings,
    store: Mutex<Store>,
    flights: Flights,
}

/// A call for which the cache has no reply.
struct Miss {
    key: String,
    /// The reply headers that layers further out had set before the cache was asked. They are no part of the kept
    /// reply, since those layers set them again.
    outer: Vec<(String, String)>,
    /// The reply's own headers, once its head is fixed.
    own: Mutex<Vec<(String, String)>>,
    /// `true` if its reply may be kept.
    keeps: bool,
    /// A kept reply that is too old, and good for a failure alone; `None` without one.
    stale: Option<Arc<Kept>>,
    fetch: Option<Fetch>,
}

/// The statuses whose replies are good for the configured time even if they do not say so.
const PLAIN: [u16; 3] = [200, 203, 204];
/// The statuses that are kept if the reply says how long.
const TOLD: [u16; 6] = [300, 301, 308, 404, 410, 414];
/// The headers that describe the body as it is. A layer that changes one of these after the head was fixed has changed
/// the body.
const OF_THE_BODY: [&str; 3] = ["content-encoding", "content-type", "etag"];

fn owned(pairs: Pairs<'_>) -> Vec<(String, String)> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn values<'a>(headers: &'a [(String, String)], wanted: &'a str) -> impl Iterator<Item = &'a str> {
    headers.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
}

fn header_of(http: HttpView<'_>, wanted: &str) -> Option<String> {
    http.header(wanted)?;
    let same = http.headers().filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value);
    let joined = same.collect::<Vec<_>>().join(", ");
    (!joined.is_empty()).then_some(joined)
}

impl Cache {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns all that the reply depends on, as a key; `None` if this request has nothing to do with the cache.
    fn key(&self, invocation: &Invocation<'_>) -> Option<String> {
        let http = invocation.http()?;
        let has = |name| http.header(name).is_some();
        let passes = |name, credentials| has(name) && credentials == Credentials::Pass;
        if !matches!(http.method(), "GET" | "HEAD")
            || has("range")
            || passes("authorization", self.settings.authorization)
            || passes("cookie", self.settings.cookies)
        {
            return None;
        }
        let mut key = [invocation.function(), http.method(), http.scheme(), http.host(), http.raw_path()].join("\n");
        match &self.settings.query {
            None => _ = write!(key, "\n{}", http.raw_query()),
            Some(names) => {
                for (name, value) in http.queries().filter(|(name, _)| names.iter().any(|one| one == name)) {
                    let _ = write!(key, "\n{}={}:{value}", name, value.len());
                }
            }
        }
        let own = self.settings.headers.iter().map(String::as_str);
        for name in own.chain(["authorization", "cookie"]).filter(|name| has(name)) {
            let _ = write!(key, "\n{name}: {}", header_of(http, name).unwrap_or_default());
        }
        // A known caller has replies of its own, whichever header has let it in.
        if let Some(claims) = invocation.extension("claims") {
            let _ = write!(key, "\n{claims}");
        }
        Some(key)
    }

    fn now(invocation: &Invocation<'_>) -> Moment {
        Moment { ns: invocation.now_ns(), wall: SystemTime::now() }
    }

    fn find(&self, key: &str, invocation: &Invocation<'_>) -> Option<Arc<Kept>> {
        let http = invocation.http()?;
        self.store().find(key, |name| header_of(http, name))
    }

    /// Keeps the reply, if it may be kept. Returns `true` if it was kept.
    fn keep(&self, miss: &Miss, invocation: &Invocation<'_>) -> bool {
        let own = miss.own.lock().unwrap_or_else(PoisonError::into_inner);
        let status = invocation.reply_status().unwrap_or(0);
        let control = Control::read(values(&own, "cache-control"));
        let is_plain = PLAIN.contains(&status) && values(&own, "expires").next().is_none();
        let Some(fresh_for) = control.fresh_for(self.settings.ttl, is_plain) else { return false };
        let vary: Vec<&str> = values(&own, "vary").flat_map(|value| value.split(',')).map(str::trim).collect();
        let sets_cookies = invocation.reply_cookies().next().is_some() || values(&own, "set-cookie").next().is_some();
        let is_changed = OF_THE_BODY.iter().any(|name| invocation.reply_header(name) != values(&own, name).next());
        let body = invocation.reply_body();
        if !(PLAIN.contains(&status) || TOLD.contains(&status))
            || vary.contains(&"*")
            || sets_cookies
            || is_changed
            || invocation.is_streamed()
            || invocation.is_reply_raw()
            || body.len() > self.settings.max_entry_bytes
        {
            return false;
        }
        let Some(http) = invocation.http() else { return false };
        let mut headers = own.clone();
        // A value's content type is the platform's choice, and a kept reply would not have it.
        if invocation.is_reply_value() && values(&own, "content-type").next().is_none() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let stale_for = match control.must_revalidate {
            true => Duration::ZERO,
            false => control.stale_if_error.unwrap_or(self.settings.stale_if_error),
        };
        let varied = vary.iter().filter(|name| !name.is_empty());
        let varied = varied.map(|name| (name.to_ascii_lowercase(), header_of(http, name))).collect();
        let at = Cache::now(invocation);
        let kept = Kept { status, headers, body: body.to_vec(), at, fresh_for, stale_for, varied };
        self.store().keep(&miss.key, kept);
        true
    }
}

/// Returns a kept reply in the form in which it goes out again.
fn reply(kept: &Kept, age: Duration, status: &str, asked: Option<&str>) -> Response {
    let is_known = kept.header("etag").zip(asked).is_some_and(|(tag, asked)| {
        let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        asked.trim() == "*" || asked.split(',').any(|one| weak(one) == weak(tag))
    });
    let not_modified = is_known && kept.status == 200;
    let mut reply = Response::new(if not_modified { 304 } else { kept.status });
    for (name, value) in &kept.headers {
        // A 304 has the headers that a cache needs, and no headers of a body that is not there.
        if !(not_modified && name.len() > 8 && name[..8].eq_ignore_ascii_case("content-")) {
            reply = reply.header(name, value);
        }
    }
    reply = reply.set_header("age", age.as_secs().to_string()).header("cache-status", status);
    if not_modified { reply } else { reply.body(kept.body.clone()) }
}

#[layer(name = "cache")]
impl Layer for Cache {
    fn create(config: &Config) -> Result<Self, Error> {
        let settings = Settings::read(config)?;
        Ok(Cache { store: Mutex::new(Store::new(settings.max_bytes)), flights: Flights::default(), settings })
    }

    async fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        let Some(key) = self.key(invocation) else { return Ok(Flow::Continue) };
        let Some(http) = invocation.http() else { return Ok(Flow::Continue) };
        let asked = Control::read(
            http.headers().filter(|(name, _)| name.eq_ignore_ascii_case("cache-control")).map(|(_, value)| value),
        );
        if asked.no_store {
            return Ok(Flow::Continue);
        }
        let wants_fresh =
            asked.no_cache || http.header("pragma").is_some_and(|value| value.eq_ignore_ascii_case("no-cache"));
        let if_none_match = http.header("if-none-match").map(str::to_owned);
        let is_conditional = if_none_match.is_some() || http.header("if-modified-since").is_some();
        let (mut fetch, mut stale, mut has_waited) = (None, None, false);
        loop {
            if let Some(kept) = self.find(&key, invocation) {
                let age = Cache::now(invocation).since(kept.at);
                let is_fresh = age < kept.fresh_for && asked.max_age.is_none_or(|most| age <= most);
                if is_fresh && !wants_fresh {
                    let left = kept.fresh_for.saturating_sub(age).as_secs();
                    let status = format!("faas; hit; ttl={left}");
                    return invocation.respond(reply(&kept, age, &status, if_none_match.as_deref()));
                }
                stale = (age < kept.fresh_for + kept.stale_for).then_some(kept);
            }
            if asked.only_if_cached {
                return invocation.respond(Response::new(504).header("cache-status", "faas; fwd=miss"));
            }
            // A caller that has waited in vain asks the function itself: that reply could not be kept.
            if has_waited || wants_fresh {
                break;
            }
            fetch = self.flights.fetch_or_wait(&key).await;
            if fetch.is_some() {
                break;
            }
            has_waited = true;
        }
        let outer = owned(invocation.reply_headers());
        // The reply to a condition may be good only for the caller that set it.
        let keeps = !is_conditional;
        invocation.set_value(Miss { key, outer, own: Mutex::default(), keeps, stale, fetch })?;
        Ok(Flow::Continue)
    }

    fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {
        if let Some(miss) = head.value::<Miss>() {
            *miss.own.lock().unwrap_or_else(PoisonError::into_inner) = head.own_headers(&miss.outer);
        }
        Ok(())
    }

    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        let Some(miss) = invocation.value::<Miss>() else { return Ok(()) };
        let failed = invocation.reply_status().is_some_and(|status| status >= 500);
        if let Some(stale) = miss.stale.clone().filter(|_| failed && !invocation.is_streamed()) {
            let own: Vec<String> =
                miss.own.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(name, _)| name.clone()).collect();
            let age = Cache::now(invocation).since(stale.at);
            for name in own {
                invocation.remove_reply_header(&name)?;
            }
            invocation.set_reply(reply(&stale, age, "faas; hit; fwd=stale; detail=stale-if-error", None))?;
        } else {
            let is_kept = miss.keeps && self.keep(miss, invocation);
            let status = if is_kept { "faas; fwd=miss; stored" } else { "faas; fwd=miss" };
            if !invocation.is_streamed() {
                invocation.set_reply_header("cache-status", status)?;
            }
        }
        if let Some(miss) = invocation.value_mut::<Miss>() {
            miss.fetch = None;
        }
        Ok(())
    }

    fn invoke_failed(&self, invocation: &mut Invocation<'_>, _: &Failure<'_>) -> Result<Recovery, Error> {
        let Some(miss) = invocation.value_mut::<Miss>() else { return Ok(Recovery::Pass) };
        miss.fetch = None;
        let Some(stale) = miss.stale.take() else { return Ok(Recovery::Pass) };
        let age = Cache::now(invocation).since(stale.at);
        invocation.recover(reply(&stale, age, "faas; hit; fwd=stale; detail=stale-if-error", None))
    }

    fn resume(&self, _: &mut Phase<'_>) -> Result<(), Error> {
        // The snapshot may be of any age, and go on in many places.
        self.store().clear();
        Ok(())
    }
}

//! Knative Serving and Knative Functions: a container behind a queue-proxy, which is sent requests and CloudEvents
//! alike.
//!
//! A request that says it is a CloudEvent is one; all else is a request, unless `FAAS_SIGNATURE` narrows it. Liveness
//! and readiness are the runtime's own, on the paths that Knative Functions ask. SIGTERM comes when the queue-proxy has
//! drained, but routes lag: requests are served for some seconds more.
//!
//! Sources: Knative's runtime contract (repository `knative/specs`), Serving's queue-proxy (`knative/serving`), the
//! language packs of Knative Functions (`knative/func`), and the webhook page of the CloudEvents specification.

use super::http::{self, PlainHttp};
use super::{
    BodyFrom, FailedInvocation, Listen, LocalResponse, PlatformConfig, PlatformEntry, Protocol, Response, Route,
    Serving, State, cloudevents, endpoint, http_common,
};
use crate::http1::{Head, Message};
use crate::invocation::Invocation;
use crate::process::{Identity, Process};
use crate::settings::{BadSetting, Env, Settings};
use crate::trigger::MessageFormat;
use std::time::Duration;

/// The word that `FAAS_PLATFORM` names the platform with.
pub const NAME: &str = "knative";

/// The number of invocations at once where nobody sets `FAAS_CONCURRENCY`: the most that a revision can be configured
/// for. The queue-proxy holds further requests back.
const CONCURRENCY: usize = 1000;

/// The time until routes have learnt of a pod's end.
const LAME_DUCK: Duration = Duration::from_secs(5);

/// The time that invocations may take after SIGTERM. A pod has as long to end as a request may take, 300 s if nothing
/// else is set. A moment is left to answer those that do not end.
const GRACE: Duration = Duration::from_secs(295);

/// The platform's entry in the list of all.
pub const ENTRY: PlatformEntry = PlatformEntry {
    name: NAME,
    title: "Knative, CloudEvents",
    short: "Knative",
    aliases: &[],
    marks: "`K_SERVICE` and `KUBERNETES_SERVICE_HOST`; or one of `FUNC_CREATED`, `FUNC_VERSION`, `LISTEN_ADDRESS`",
    mark,
    trusted_hops: 1,
    open,
};

fn mark(env: &Env<'_>) -> Option<&'static str> {
    let serving = env.get("K_SERVICE").and(env.get("KUBERNETES_SERVICE_HOST")).map(|_| "K_SERVICE");
    serving.or_else(|| env.first(&["FUNC_CREATED", "FUNC_VERSION", "LISTEN_ADDRESS"]).map(|(name, _)| name))
}

fn open(env: &Env<'_>, settings: &Settings) -> Result<PlatformConfig, BadSetting> {
    let or = |names: &[&str], own: String| env.first(names).map_or(own, |(_, value)| value);
    let own = http::identity(env, NAME);
    let identity = Identity {
        function: or(&["K_SERVICE"], own.function),
        version: or(&["K_REVISION", "FUNC_VERSION"], own.version),
        service: or(&["K_CONFIGURATION"], own.service),
        stage: or(&["K_INTERNAL_POD_NAMESPACE"], own.stage),
        ..own
    };
    let path = |name, default: &str| Ok(env.path(name)?.unwrap_or_else(|| default.into()));
    let server = Knative {
        http: PlainHttp::read(env, settings, http::PORT)?,
        listen: listen(env)?,
        concurrency: settings.concurrency.unwrap_or(CONCURRENCY),
        takes: Takes::read(env)?,
        webhook: env.flag("FAAS_WEBHOOK")?,
        live: path("LIVENESS_URL", "/health/liveness")?,
        ready: path("READINESS_URL", "/health/readiness")?,
    };
    Ok(PlatformConfig::new(identity, Protocol::Serving(Box::new(server))).with_grace(GRACE))
}

/// Returns the address to listen on: `LISTEN_ADDRESS` as Knative Functions set it, else `PORT`. `FAAS_HOST` outweighs
/// the host in either.
fn listen(env: &Env<'_>) -> Result<String, BadSetting> {
    const EXPECTED: &str = "host:port, with [] around an IPv6 address";
    let Some(address) = env.get("LISTEN_ADDRESS") else { return http_common::address(env, "PORT", http::PORT) };
    let parts = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
    let Some((host, port)) = parts.filter(|(host, _)| !host.contains(':') || host.starts_with('[')) else {
        return Err(BadSetting::new("LISTEN_ADDRESS", &address, EXPECTED));
    };
    // As Go writes it, no host is every host.
    let host = if host.is_empty() { "0.0.0.0" } else { host };
    if endpoint::host(host).is_none() {
        return Err(BadSetting::new("LISTEN_ADDRESS", &address, EXPECTED));
    }
    http_common::address_on(env, host, "", port)
}

/// The kinds of requests that the process takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// Events are taken as events, and everything else as requests.
    Both,
    /// Everything is taken as a request.
    Requests,
    /// Events are taken, and nothing else.
    Events,
}

impl Takes {
    fn read(env: &Env<'_>) -> Result<Takes, BadSetting> {
        match env.get("FAAS_SIGNATURE").as_deref() {
            None => Ok(Takes::Both),
            Some("http") => Ok(Takes::Requests),
            Some("cloudevent") => Ok(Takes::Events),
            Some(other) => Err(BadSetting::new("FAAS_SIGNATURE", other, "http, cloudevent or nothing")),
        }
    }
}

/// The protocol, as the variables of the platform set it up.
#[derive(Debug)]
pub struct Knative {
    http: PlainHttp,
    listen: String,
    concurrency: usize,
    takes: Takes,
    /// `true` if the handshake of webhooks is answered.
    webhook: bool,
    live: Vec<u8>,
    ready: Vec<u8>,
}

impl Knative {
    fn probe(&self, request: &Message, state: State) -> Option<Route> {
        match http_common::path(request) {
            path if path == self.live => Some(Route::text(200, "OK")),
            path if path == self.ready && state.is_ready() => Some(Route::Health),
            path if path == self.ready => Some(Route::text(503, "not ready")),
            _ => self.http.probe(request, state),
        }
    }
}

/// Returns the answer to a sender that asks whether it may send events: any may, as fast as it likes. It is `None` for
/// any other request.
fn welcome(request: &Message) -> Option<Route> {
    const ALL: &[(&str, &str)] =
        &[("webhook-allowed-origin", "*"), ("webhook-allowed-rate", "*"), ("allow", "POST, OPTIONS")];
    let asks = request.method() == b"OPTIONS" && request.header("webhook-request-origin").is_some();
    asks.then(|| Route::Local(LocalResponse::text(200, "").with(ALL)))
}

impl Serving for Knative {
    fn listen(&self) -> Listen<'_> {
        Listen::Tcp(&self.listen)
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn lame_duck(&self) -> Duration {
        LAME_DUCK
    }

    fn may_stream(&self, head: Head<'_>) -> bool {
        matches!(self.takes, Takes::Requests | Takes::Both) && http_common::may_stream(head)
    }

    fn route(&self, process: &Process, request: &Message, state: State) -> Route {
        if let Some(route) = self.probe(request, state) {
            return route;
        }
        if self.webhook
            && self.takes != Takes::Requests
            && let Some(route) = welcome(request)
        {
            return route;
        }
        let metadata = || self.http.metadata(process, request);
        match self.takes {
            Takes::Requests => Route::Invoke(metadata()),
            Takes::Both => cloudevents::route(request, metadata).unwrap_or_else(|| Route::Invoke(metadata())),
            Takes::Events if request.method() != b"POST" => cloudevents::only_post(),
            Takes::Events => cloudevents::route(request, metadata)
                .unwrap_or_else(|| Route::text(400, "the request is no CloudEvent")),
        }
    }

    fn respond(&self, invocation: &Invocation, response: &mut Response, scratch: &mut Vec<u8>) -> BodyFrom {
        match invocation.metadata().format {
            MessageFormat::CloudEvent => cloudevents::respond(invocation, response, scratch),
            _ => http_common::respond(invocation, response, scratch),
        }
    }

    fn failed(&self, call: FailedInvocation<'_>, response: &mut Response, scratch: &mut Vec<u8>) {
        match call.metadata.format {
            MessageFormat::CloudEvent => cloudevents::failed(call, response, scratch),
            _ => http_common::failed(call, response, scratch),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cloudevents::tests::{EVENT, invoked, process, request};
    use super::*;
    use faas_abi::host::Invocation as _;
    use faas_abi::{LIST_ATTRIBUTE, META_SOURCE, META_TRIGGER, NUM_IS_HTTP};

    fn with<T>(pairs: &[(&str, &str)], read: impl FnOnce(&Env<'_>) -> T) -> T {
        let look_up = crate::testing::look_up(pairs);
        read(&Env::new(&look_up))
    }

    fn opened(pairs: &[(&str, &str)]) -> Result<PlatformConfig, String> {
        with(pairs, |env| open(env, &Settings::read(env).expect("no setting is wrong here")))
            .map_err(|bad| bad.to_string())
    }

    fn server(pairs: &[(&str, &str)]) -> Box<dyn Serving> {
        match opened(pairs).expect("the variables fit").protocol {
            Protocol::Serving(server) => server,
            other => panic!("{other:?}"),
        }
    }

    fn status(server: &dyn Serving, request: &Message, state: State) -> u16 {
        match server.route(&process(), request, state) {
            Route::Local(answer) => answer.status,
            Route::Health => 1,
            Route::Invoke(_) => 0,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_service_in_a_cluster_is_knatives_and_one_outside_is_not() {
        let cluster = ("KUBERNETES_SERVICE_HOST", "10.0.0.1");
        assert_eq!(with(&[("K_SERVICE", "shop"), cluster], mark), Some("K_SERVICE"));
        assert_eq!(with(&[("K_SERVICE", "shop")], mark), None);
        assert_eq!(with(&[cluster], mark), None);
        assert_eq!(with(&[("FUNC_CREATED", "2026")], mark), Some("FUNC_CREATED"));
        assert_eq!(with(&[("LISTEN_ADDRESS", "[::]:8080")], mark), Some("LISTEN_ADDRESS"));
    }

    #[test]
    fn names_are_of_the_variables() {
        let all =
            [("K_SERVICE", "shop"), ("K_REVISION", "shop-00007"), ("K_CONFIGURATION", "conf"), ("FUNC_VERSION", "v")];
        let identity = opened(&all).expect("fits").identity;
        assert_eq!((&*identity.function, &*identity.version, &*identity.service), ("shop", "shop-00007", "conf"));
        let identity = opened(&[("FAAS_FUNCTION_NAME", "own"), ("FUNC_VERSION", "v")]).expect("fits").identity;
        assert_eq!((&*identity.function, &*identity.version, identity.platform), ("own", "v", "knative"));
    }

    #[test]
    fn the_listen_address_comes_before_the_port() {
        for (pairs, address) in [
            (&[][..], "0.0.0.0:8080"),
            (&[("PORT", "9000")], "0.0.0.0:9000"),
            (&[("PORT", "9000"), ("LISTEN_ADDRESS", "[::]:8081")], "[::]:8081"),
            (&[("LISTEN_ADDRESS", "127.0.0.1:8082")], "127.0.0.1:8082"),
            (&[("LISTEN_ADDRESS", ":8083")], "0.0.0.0:8083"),
            (&[("LISTEN_ADDRESS", "[::]:8084"), ("FAAS_HOST", "127.0.0.1")], "127.0.0.1:8084"),
        ] {
            assert_eq!(server(pairs).listen(), Listen::Tcp(address));
        }
        for wrong in ["8080", "host:", "host:x", "::1:80", "host:70000", "two words:80", "http://h:80"] {
            let why = opened(&[("LISTEN_ADDRESS", wrong)]).expect_err("it is none");
            assert!(why.starts_with("LISTEN_ADDRESS: expected host:port"), "{wrong}: {why}");
        }
    }

    #[test]
    fn probes_are_answered_as_the_state_demands() {
        let server = server(&[]);
        for path in ["/health/liveness", "/livez"] {
            for state in [State::Starting, State::Ready, State::Stopping] {
                assert_eq!(status(&*server, &request("GET", path, &[], ""), state), 200, "{path}");
            }
        }
        for path in ["/health/readiness", "/readyz"] {
            let probe = request("GET", path, &[], "");
            assert_eq!(status(&*server, &probe, State::Ready), 1, "{path}");
            assert_eq!(status(&*server, &probe, State::Starting), 503, "{path}");
            assert_eq!(status(&*server, &probe, State::Stopping), 503, "{path}");
        }
        for path in ["/health/other", "/"] {
            let asked = request("GET", path, &[("User-Agent", "kube-probe/1.33")], "");
            assert_eq!(status(&*server, &asked, State::Ready), 0, "{path}");
        }
    }

    #[test]
    fn paths_of_ones_own_take_the_place_of_the_usual_ones() {
        let server = server(&[("LIVENESS_URL", "/up"), ("READINESS_URL", "/ok")]);
        assert_eq!(status(&*server, &request("GET", "/up", &[], ""), State::Ready), 200);
        assert_eq!(status(&*server, &request("GET", "/ok?x", &[], ""), State::Ready), 1);
        assert_eq!(status(&*server, &request("GET", "/health/liveness", &[], ""), State::Ready), 0);
    }

    #[test]
    fn an_event_is_one_and_all_else_is_a_request() {
        let server = server(&[]);
        let event = invoked(&*server, request("POST", "/", &EVENT, "100C"));
        assert_eq!((event.meta(META_TRIGGER), event.meta(META_SOURCE)), (&b"event"[..], &b"cloudevents"[..]));
        assert_eq!((event.num(NUM_IS_HTTP), event.count(LIST_ATTRIBUTE), event.body()), (0, 5, &b"100C"[..]));
        assert_eq!(event.get(LIST_ATTRIBUTE, b"source"), Some(&b"/pots/3"[..]));
        for (method, headers) in [("POST", &EVENT[1..]), ("GET", &[][..])] {
            let other = invoked(&*server, request(method, "/a", headers, ""));
            assert_eq!((other.meta(META_TRIGGER), other.num(NUM_IS_HTTP)), (&b"http"[..], 1));
            assert_eq!(other.count(LIST_ATTRIBUTE), 0);
        }
    }

    #[test]
    fn what_claims_to_be_an_event_and_is_none_is_refused() {
        let server = server(&[]);
        let typed = |content_type| request("POST", "/", &[("content-type", content_type)], "[]");
        assert_eq!(status(&*server, &typed("application/cloudevents+json"), State::Ready), 400);
        assert_eq!(status(&*server, &typed("application/cloudevents+avro"), State::Ready), 415);
        assert_eq!(status(&*server, &typed("application/cloudevents-batch+json"), State::Ready), 204);
    }

    #[test]
    fn the_signature_narrows_what_is_taken() {
        let events = server(&[("FAAS_SIGNATURE", "cloudevent")]);
        assert_eq!(status(&*events, &request("POST", "/", &EVENT, ""), State::Ready), 0);
        assert_eq!(status(&*events, &request("POST", "/", &EVENT[1..], ""), State::Ready), 400);
        for method in ["GET", "HEAD", "OPTIONS", "PUT"] {
            assert_eq!(status(&*events, &request(method, "/", &[], ""), State::Ready), 405, "{method}");
        }
        let requests = server(&[("FAAS_SIGNATURE", "http")]);
        let seen = invoked(&*requests, request("POST", "/", &EVENT, "100C"));
        assert_eq!((seen.meta(META_TRIGGER), seen.num(NUM_IS_HTTP)), (&b"http"[..], 1));
        let why = opened(&[("FAAS_SIGNATURE", "event")]).expect_err("there is none");
        assert_eq!(why, "FAAS_SIGNATURE: expected http, cloudevent or nothing, found \"event\"");
    }

    #[test]
    fn the_handshake_of_webhooks_is_answered_where_it_is_wanted() {
        let asks = request("OPTIONS", "/", &[("WebHook-Request-Origin", "sender.example")], "");
        assert_eq!(status(&*server(&[]), &asks, State::Ready), 0, "a function may answer by itself");
        for signature in ["", "cloudevent"] {
            let server = server(&[("FAAS_WEBHOOK", "true"), ("FAAS_SIGNATURE", signature)]);
            let Route::Local(answer) = server.route(&process(), &asks, State::Ready) else { panic!("it answers") };
            assert_eq!((answer.status, answer.headers[0]), (200, ("webhook-allowed-origin", "*")));
        }
        let plain = request("OPTIONS", "/", &[], "");
        let events = server(&[("FAAS_WEBHOOK", "true"), ("FAAS_SIGNATURE", "cloudevent")]);
        assert_eq!(status(&*events, &plain, State::Ready), 405, "it asks for nothing");
    }
}

//! Services with completions, from both sides, through the tables of the contract: the side that asks waits, cancels
//! and hears, and the side that answers does so once.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::abi::CANCEL_PEER_GONE;
use handlers_sdk::service::http::{ClientReply, ClientRequest, Sent, Transport};
use handlers_sdk::service::params::{Got, Source, Value, Watch, Watching};
use handlers_sdk::service::{Offered, ServiceErrorKind};
use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{Config, Error, FaasContext, Flow, Invocation, Layer, function, layer};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

/// The requests that have not been answered, by their URL. Each test has a URL of its own.
static HELD: LazyLock<Mutex<HashMap<String, (ClientRequest, Sent)>>> = LazyLock::new(Mutex::default);
/// The numbers of requests that were cancelled.
static CANCELLED: Mutex<Vec<u64>> = Mutex::new(Vec::new());

/// Takes the request to that URL, which was sent.
fn held(url: &str) -> (ClientRequest, Sent) {
    let mut held = HELD.lock().expect("no test panics within");
    held.remove(url).unwrap_or_else(|| panic!("nobody has sent a request to {url}"))
}

struct Holds;

impl Transport for Holds {
    fn send(&self, request: ClientRequest, answer: Sent) {
        if request.url().ends_with("/at-once") {
            return answer.give(Ok(ClientReply::new(200).with_body(request.content().to_vec())));
        }
        assert!(!request.url().ends_with("/panics"), "it panics");
        HELD.lock().expect("no test panics within").insert(request.url().to_owned(), (request, answer));
    }

    fn cancelled(&self, number: u64) {
        CANCELLED.lock().expect("no test panics within").push(number);
    }
}

struct Provider(#[allow(dead_code, reason = "the service ends with the layer")] Offered);

#[layer(name = "provider")]
impl Layer for Provider {
    fn create(config: &Config) -> Result<Self, Error> {
        config.offer_http_client(Arc::new(Holds)).map(Provider)
    }
}

/// Asks for the URL that it is called with, and returns the result as a text.
#[function]
async fn asks(ctx: FaasContext, url: String) -> Result<String, Error> {
    let client = ctx.http_client().ok_or_else(|| Error::msg("there is no provider"))?;
    let request = ClientRequest::post(url).header("X-One", "1").header("X-One", "2").body("ping");
    Ok(match client.send(request).await {
        Ok(reply) => format!("{} {:?} {}", reply.status(), reply.headers().collect::<Vec<_>>(), reply.text()),
        Err(error) => error.to_string(),
    })
}

/// Does the same on a thread that may block.
#[function(blocking)]
fn waits(ctx: FaasContext, url: String) -> Result<String, Error> {
    let client = ctx.http_client().ok_or_else(|| Error::msg("there is no provider"))?;
    match client.send(ClientRequest::get(url).body("pong")).wait_for(Duration::from_nanos(1)) {
        None => Ok("not in time".to_owned()),
        Some(reply) => Ok(reply?.text().into_owned()),
    }
}

/// A layer that asks before the function is called.
#[derive(Default)]
struct Gate;

#[layer(name = "gate")]
impl Layer for Gate {
    async fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        let client = invocation.http_client().ok_or_else(|| Error::msg("there is no provider"))?;
        let reply = client.send(ClientRequest::get("http://gate/")).await?;
        invocation.set_extension("gate", &reply.text())?;
        Ok(Flow::Continue)
    }
}

#[function]
fn gated(ctx: FaasContext) -> String {
    ctx.extension("gate").unwrap_or("nothing").to_owned()
}

fn app(function: &'static handlers_sdk::abi::Module) -> App {
    App::builder().module(Provider::MODULE).module(function).start().expect("starts")
}

#[test]
fn a_request_and_its_reply_cross_the_tables_whole() {
    let app = app(asks::MODULE);
    let mut running = app.begin(Invoke::event("http://whole/"));
    assert!(running.is_pending());
    let (request, answer) = held("http://whole/");
    assert_eq!((request.method(), &**request.content()), ("POST", &b"ping"[..]));
    assert_eq!(request.headers().collect::<Vec<_>>(), [("X-One", "1"), ("X-One", "2")]);
    answer.give(Ok(ClientReply::new(404).with_header("a", "1").with_header("a", "2").with_body("none")));
    assert_eq!(running.wait().text(), r#"404 [("a", "1"), ("a", "2")] none"#);
}

#[test]
fn an_answer_that_comes_within_the_call_is_taken() {
    assert_eq!(app(asks::MODULE).invoke(Invoke::event("http://x/at-once")).text(), "200 [] ping");
    assert_eq!(app(waits::MODULE).invoke(Invoke::event("http://y/at-once")).text(), "pong");
}

#[test]
fn without_a_provider_there_is_no_client() {
    let answer = Invoke::event("http://nobody/").run(asks::MODULE);
    assert!(answer.failed.is_some_and(|failed| failed.message == "there is no provider"));
}

#[test]
fn a_failure_says_of_which_service_it_is_and_why() {
    let app = app(asks::MODULE);
    for (kind, words) in [
        (ServiceErrorKind::Deadline, "service faas.http: the provider did not answer in time"),
        (ServiceErrorKind::TooBig, "service faas.http: it is longer than it may be"),
        (ServiceErrorKind::NotFound, "service faas.http: it is not there"),
        (ServiceErrorKind::Invalid, "service faas.http: what was asked for cannot be"),
    ] {
        let running = app.begin(Invoke::event("http://fails/"));
        held("http://fails/").1.give(Err(kind));
        assert_eq!(running.wait().text(), words);
    }
}

#[test]
fn a_provider_that_forgets_or_panics_has_failed() {
    let app = app(asks::MODULE);
    let words = "service faas.http: the provider failed; its own log line says more";
    let running = app.begin(Invoke::event("http://forgets/"));
    drop(held("http://forgets/"));
    assert_eq!(running.wait().text(), words);
    assert_eq!(app.invoke(Invoke::event("http://x/panics")).text(), words);
}

#[test]
fn a_function_that_is_cancelled_takes_its_request_along() {
    let app = app(asks::MODULE);
    let running = app.begin(Invoke::event("http://cancelled/"));
    let (_, answer) = held("http://cancelled/");
    assert!(answer.is_wanted());
    running.cancel(CANCEL_PEER_GONE);
    assert!(running.wait().failed.is_some());
    assert!(!answer.is_wanted());
    assert!(CANCELLED.lock().expect("no test panics within").contains(&answer.number()));
    answer.give(Ok(ClientReply::new(200)));
}

#[test]
fn a_request_has_the_deadline_of_its_invocation_or_an_earlier_one_of_its_own() {
    let app = app(asks::MODULE);
    let running = app.begin(Invoke::event("http://limited/").remaining(Duration::from_secs(7)));
    let (request, answer) = held("http://limited/");
    assert_eq!(request.limit(), Some(Duration::from_secs(7)), "the kit's clock stands");
    answer.give(Ok(ClientReply::new(204)));
    running.wait();
    let running = app.begin(Invoke::event("http://unlimited/"));
    let (request, answer) = held("http://unlimited/");
    assert_eq!(request.limit(), None);
    answer.give(Ok(ClientReply::new(204)));
    running.wait();
}

#[test]
fn a_thread_that_waits_leaves_after_its_limit_and_the_request_with_it() {
    let app = app(waits::MODULE);
    assert_eq!(app.invoke(Invoke::event("http://thread/")).text(), "not in time");
    assert!(!held("http://thread/").1.is_wanted());
}

#[test]
fn a_layer_asks_before_its_function_is_called() {
    let app = App::builder().module(Provider::MODULE).module(Gate::MODULE).module(gated::MODULE);
    let app = app.start().expect("starts");
    let running = app.begin(Invoke::event(""));
    held("http://gate/").1.give(Ok(ClientReply::new(200).with_body("open")));
    assert_eq!(running.wait().text(), "open");
}

#[test]
fn what_is_open_when_the_provider_ends_ends_as_cancelled() {
    struct Late(handlers_sdk::service::http::Client);

    #[layer(name = "late")]
    impl Layer for Late {
        fn create(config: &Config) -> Result<Self, Error> {
            config.http_client().map(Late).ok_or_else(|| Error::msg("expected a provider further out"))
        }
    }

    static ENDED: Mutex<Vec<String>> = Mutex::new(Vec::new());

    impl Drop for Late {
        fn drop(&mut self) {
            let call = self.0.send(ClientRequest::get("http://late/"));
            std::thread::spawn(move || {
                let ended = call.wait().map(|reply| reply.status()).map_err(|error| error.kind());
                ENDED.lock().expect("no test panics within").push(format!("{ended:?}"));
            });
        }
    }

    let app = App::builder().module(Provider::MODULE).module(Late::MODULE).module(asks::MODULE).start();
    app.expect("starts").close();
    let is_ended = || ENDED.lock().expect("no test panics within").first().cloned();
    let ended = std::iter::repeat_with(|| {
        std::thread::yield_now();
        is_ended()
    });
    assert_eq!(ended.flatten().next().as_deref(), Some("Err(Cancelled)"));
}

/// The watches of a source that knows no value until a test says so.
static WATCHES: Mutex<Vec<Watch>> = Mutex::new(Vec::new());

struct Knows;

impl Source for Knows {
    fn get(&self, name: &str, answer: Got) {
        answer.give(match name {
            "db/password" => Ok(Value::new("hunter2", 3)),
            "slow" => Err(ServiceErrorKind::Deadline),
            _ => Err(ServiceErrorKind::NotFound),
        });
    }

    fn watch(&self, name: &str, watch: Watch) {
        assert_eq!(name, "rotated");
        WATCHES.lock().expect("no test panics within").push(watch);
    }
}

struct Params(#[allow(dead_code, reason = "the service ends with the layer")] Offered);

#[layer(name = "params")]
impl Layer for Params {
    fn create(config: &Config) -> Result<Self, Error> {
        config.offer_params(Arc::new(Knows)).map(Params)
    }
}

#[function]
async fn tells(ctx: FaasContext, name: String) -> Result<String, Error> {
    let params = ctx.params().ok_or_else(|| Error::msg("there is no provider"))?;
    match params.get(&name).await {
        Ok(value) => Ok(format!("{:?} {:?}", value.clone(), value.reveal_text())),
        Err(error) => Ok(error.to_string()),
    }
}

#[test]
fn a_parameter_is_told_and_not_shown() {
    let app = App::builder().module(Params::MODULE).module(tells::MODULE).start().expect("starts");
    let told = |name: &str| app.invoke(Invoke::event(name)).text();
    assert_eq!(told("db/password"), r#"Value { version: 3, .. } Some("hunter2")"#);
    assert_eq!(told("nothing"), "service faas.params: it is not there");
    assert_eq!(told("slow"), "service faas.params: the provider did not answer in time");
}

#[test]
fn a_watch_hears_of_each_change_once_and_of_its_end() {
    static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    static WATCHING: Mutex<Option<Watching>> = Mutex::new(None);

    struct Watches;

    #[layer(name = "watches")]
    impl Layer for Watches {
        fn create(config: &Config) -> Result<Self, Error> {
            let params = config.params().ok_or_else(|| Error::msg("expected a provider further out"))?;
            let watching = params.watch("rotated", |news| {
                let words = match news {
                    Ok(value) => value.reveal_text().unwrap_or_default().to_owned(),
                    Err(error) => format!("{:?}", error.kind()),
                };
                // The watcher ends its own watch from within.
                if words == "enough" {
                    WATCHING.lock().expect("no test panics within").take();
                }
                HEARD.lock().expect("no test panics within").push(words);
            })?;
            *WATCHING.lock().expect("no test panics within") = Some(watching);
            Ok(Watches)
        }
    }

    let app = App::builder().module(Params::MODULE).module(Watches::MODULE).module(tells::MODULE).start();
    let app = app.expect("starts");
    let watch = WATCHES.lock().expect("no test panics within").pop().expect("somebody watches");
    let tell = |value: &str, version| watch.tell(Ok(Value::new(value, version)));
    watch.tell(Err(ServiceErrorKind::NotFound));
    watch.tell(Err(ServiceErrorKind::NotFound));
    tell("one", 1);
    tell("one", 1);
    watch.tell(Err(ServiceErrorKind::Failed));
    tell("two", 2);
    watch.tell(Err(ServiceErrorKind::NotFound));
    tell("two", 2);
    tell("enough", 3);
    assert!(watch.is_over());
    tell("nobody hears this", 4);
    let heard = HEARD.lock().expect("no test panics within").clone();
    assert_eq!(heard, ["NotFound", "one", "two", "NotFound", "two", "enough", "Cancelled"]);
    app.close();
}

//! The service `faas.http` of a test: replies by method and URL.

use super::lock;
use crate::service::ServiceErrorKind;
use crate::service::http::{ClientReply, ClientRequest, Sent, Transport};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

/// A client for requests to others that sends nothing: the test says what is replied, and sees what was asked. Clones
/// are the same client.
///
/// What is said for one method and URL is used in the order in which it was said, and the last of it for all requests
/// that come later. A request that nothing is said for fails with [`ServiceErrorKind::NotFound`], as where nobody is there to be
/// asked.
///
/// ```
/// # use handlers_sdk::{Error, FaasContext, function};
/// use handlers_sdk::service::http::{ClientReply, ClientRequest};
/// use handlers_sdk::testing::{App, FakeHttp, Invoke};
///
/// /// Asks for a rate, and once more if the server is busy.
/// #[function]
/// async fn rate(ctx: FaasContext, currency: String) -> Result<String, Error> {
///     let client = ctx.http_client().ok_or_else(|| Error::msg("expected a layer such as http-client"))?;
///     let ask = || client.send(ClientRequest::get(format!("https://rates.example/{currency}")));
///     let mut reply = ask().await?;
///     if reply.status() == 503 {
///         reply = ask().await?;
///     }
///     Ok(reply.text().into_owned())
/// }
///
/// let rates = FakeHttp::new()
///     .reply("GET", "https://rates.example/EUR", ClientReply::new(503))
///     .reply("GET", "https://rates.example/EUR", ClientReply::new(200).with_body("1.07"));
/// let app = App::builder().module(rate::MODULE).http_client(&rates).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::event("EUR")).text(), "1.07");
/// assert_eq!(rates.requests().len(), 2);
///
/// let failed = app.invoke(Invoke::event("XXX")).failed.expect("nobody is there");
/// assert_eq!(failed.kind, "ServiceError");
/// assert_eq!(rates.requests()[2].url(), "https://rates.example/XXX");
/// ```
#[derive(Clone, Default)]
pub struct FakeHttp(pub(super) Arc<Sender>);

/// The answer of a test to whatever it said nothing special for.
type Otherwise = Arc<dyn Fn(&ClientRequest) -> Result<ClientReply, ServiceErrorKind> + Send + Sync>;

/// The state behind all clones of a client.
#[derive(Default)]
pub(super) struct Sender(Mutex<State>);

#[derive(Default)]
struct State {
    scripts: Vec<Script>,
    otherwise: Option<Otherwise>,
    requests: Vec<ClientRequest>,
    /// The requests that are left without an answer.
    hanging: Vec<Sent>,
    cancelled: usize,
}

/// The answers that requests of one method and URL get, in order.
struct Script {
    method: String,
    url: String,
    steps: VecDeque<Step>,
}

#[derive(Clone)]
enum Step {
    Answer(Result<ClientReply, ServiceErrorKind>),
    Hang,
}

impl FakeHttp {
    /// Returns a client for which nothing is said.
    pub fn new() -> FakeHttp {
        FakeHttp::default()
    }

    fn step(&self, method: &str, url: &str, step: Step) -> FakeHttp {
        let scripts = &mut lock(&self.0.0).scripts;
        match scripts.iter_mut().find(|script| script.is_for(method, url)) {
            Some(script) => script.steps.push_back(step),
            None => scripts.push(Script { method: method.to_owned(), url: url.to_owned(), steps: [step].into() }),
        }
        self.clone()
    }

    /// Replies to a request of that method for exactly that URL.
    pub fn reply(&self, method: &str, url: &str, reply: ClientReply) -> FakeHttp {
        self.step(method, url, Step::Answer(Ok(reply)))
    }

    /// Fails a request of that method for exactly that URL.
    ///
    /// ```
    /// # use handlers_sdk::{Error, FaasContext, function};
    /// # use handlers_sdk::service::http::ClientRequest;
    /// # use handlers_sdk::testing::{App, Invoke};
    /// use handlers_sdk::{service::ServiceErrorKind, testing::FakeHttp};
    /// # #[function]
    /// # async fn order(ctx: FaasContext) -> Result<String, Error> {
    /// #     let client = ctx.http_client().ok_or_else(|| Error::msg("expected a layer such as http-client"))?;
    /// #     let sent = client.send(ClientRequest::post("https://mail.example/send")).await;
    /// #     Ok(sent.map_or("kept for later", |_| "sent").to_owned())
    /// # }
    ///
    /// let mail = FakeHttp::new().fail("POST", "https://mail.example/send", ServiceErrorKind::Deadline);
    /// let app = App::builder().module(order::MODULE).http_client(&mail).start().expect("starts");
    /// assert_eq!(app.invoke(Invoke::event("")).text(), "kept for later");
    /// ```
    pub fn fail(&self, method: &str, url: &str, kind: ServiceErrorKind) -> FakeHttp {
        self.step(method, url, Step::Answer(Err(kind)))
    }

    /// Leaves a request of that method for exactly that URL without an answer. It ends when its caller gives it up, as
    /// at the deadline of the invocation, and fails as cancelled when the app ends.
    ///
    /// ```
    /// # use handlers_sdk::{Error, FaasContext, function};
    /// # use handlers_sdk::service::http::ClientRequest;
    /// # use handlers_sdk::testing::{App, Invoke};
    /// use handlers_sdk::testing::FakeHttp;
    /// use std::time::Duration;
    /// # #[function]
    /// # async fn order(ctx: FaasContext) -> Result<(), Error> {
    /// #     let client = ctx.http_client().ok_or_else(|| Error::msg("expected a layer such as http-client"))?;
    /// #     client.send(ClientRequest::get("https://slow.example/")).await?;
    /// #     Ok(())
    /// # }
    ///
    /// let slow = FakeHttp::new().hang("GET", "https://slow.example/");
    /// let app = App::builder().module(order::MODULE).http_client(&slow).timeout(Duration::from_secs(3));
    /// let app = app.start().expect("starts");
    /// let running = app.begin(Invoke::event(""));
    /// app.advance(Duration::from_millis(2950));
    /// assert_eq!((running.wait().status(), slow.cancelled()), (504, 1), "cancelled 50 ms before the deadline");
    /// ```
    pub fn hang(&self, method: &str, url: &str) -> FakeHttp {
        self.step(method, url, Step::Hang)
    }

    /// Answers every request that nothing else is said for.
    ///
    /// ```
    /// # use handlers_sdk::{Error, FaasContext, function};
    /// # use handlers_sdk::service::http::ClientRequest;
    /// # use handlers_sdk::testing::{App, Invoke};
    /// use handlers_sdk::{service::http::ClientReply, testing::FakeHttp};
    /// # #[function]
    /// # async fn fetch(ctx: FaasContext, path: String) -> Result<String, Error> {
    /// #     let client = ctx.http_client().ok_or_else(|| Error::msg("expected a layer such as http-client"))?;
    /// #     Ok(client.send(ClientRequest::get(format!("https://any.example{path}"))).await?.text().into_owned())
    /// # }
    ///
    /// let echo = FakeHttp::new().answer_with(|request| Ok(ClientReply::new(200).with_body(request.url().to_owned())));
    /// let app = App::builder().module(fetch::MODULE).http_client(&echo).start().expect("starts");
    /// assert_eq!(app.invoke(Invoke::event("/tea")).text(), "https://any.example/tea");
    /// ```
    pub fn answer_with(
        &self,
        answer: impl Fn(&ClientRequest) -> Result<ClientReply, ServiceErrorKind> + Send + Sync + 'static,
    ) -> FakeHttp {
        lock(&self.0.0).otherwise = Some(Arc::new(answer));
        self.clone()
    }

    /// Returns the requests that were sent so far, in their order.
    pub fn requests(&self) -> Vec<ClientRequest> {
        lock(&self.0.0).requests.clone()
    }

    /// Returns the number of requests whose callers gave them up.
    pub fn cancelled(&self) -> usize {
        lock(&self.0.0).cancelled
    }
}

impl Script {
    fn is_for(&self, method: &str, url: &str) -> bool {
        self.method.eq_ignore_ascii_case(method) && self.url == url
    }

    /// Returns the step for the request at hand. The last one is for all that come later.
    fn next(&mut self) -> Option<Step> {
        if self.steps.len() > 1 { self.steps.pop_front() } else { self.steps.front().cloned() }
    }
}

impl Transport for Sender {
    fn send(&self, request: ClientRequest, answer: Sent) {
        let (step, otherwise) = {
            let mut state = lock(&self.0);
            state.requests.push(request.clone());
            let script = state.scripts.iter_mut().find(|script| script.is_for(request.method(), request.url()));
            (script.and_then(Script::next), state.otherwise.clone())
        };
        // Answers wake callers, and the test's own code may use the client: neither happens under the lock.
        match (step, otherwise) {
            (Some(Step::Answer(result)), _) => answer.give(result),
            (Some(Step::Hang), _) => lock(&self.0).hanging.push(answer),
            (None, Some(otherwise)) => answer.give(otherwise(&request)),
            (None, None) => answer.give(Err(ServiceErrorKind::NotFound)),
        }
    }

    fn cancelled(&self, number: u64) {
        let mut state = lock(&self.0);
        state.cancelled += 1;
        state.hanging.retain(|answer| answer.number() != number);
    }
}

impl fmt::Debug for FakeHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeHttp").field("requests", &lock(&self.0.0).requests).finish_non_exhaustive()
    }
}

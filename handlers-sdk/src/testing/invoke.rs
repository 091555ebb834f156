//! The beginning of an invocation: an event or a request, its sender, and the way its reply is read.

use super::answer::Answer;
use super::app::App;
use super::platform::{self, Arrival, Kind};
use super::provided::Provided;
use super::reader::{Pace, Reader};
use crate::encoding::percent;
use faas_abi::*;
use faas_core::invocation::InvocationMetadata;
use faas_core::json::Writer;
use faas_core::text::Span;
use std::any::Any;
use std::time::Duration;

/// An event or HTTP request to invoke a function with.
///
/// ```
/// # use handlers_sdk::{Request, function};
/// use handlers_sdk::testing::Invoke;
/// use std::time::Duration;
///
/// #[function]
/// fn put(request: Request) -> String {
///     format!("{} {} {}", request.method(), request.path(), String::from_utf8_lossy(request.body()))
/// }
///
/// let invoke = Invoke::http("PUT", "/orders/7").header("x-shop", "tea").body("3").remaining(Duration::from_secs(2));
/// assert_eq!(invoke.run(put::MODULE).text(), "PUT /orders/7 3");
/// ```
#[derive(Clone, Debug)]
pub struct Invoke {
    pub(super) arrival: Arrival,
    pub(super) request_id: String,
    pub(super) metas: Vec<(u32, String)>,
    pub(super) path_params: Vec<(String, String)>,
    pub(super) remaining: Option<Duration>,
    pub(super) reader: ReadBy,
    /// A body that comes piece by piece, and how it ends.
    pub(super) parts: Option<(Vec<Vec<u8>>, Status)>,
    pub(super) function: Option<String>,
    pub(super) platform: Option<&'static str>,
    provided: Provided,
}

/// The reader of a streamed reply.
#[derive(Clone, Debug)]
pub(super) enum ReadBy {
    /// A reader with a fixed pace, which the test does not see.
    Pace(Pace),
    /// A reader that the test controls.
    Reader(Reader),
}

impl Invoke {
    fn new(kind: Kind, method: &str, target: &str, body: Vec<u8>) -> Invoke {
        let (method, target) = (method.to_owned(), target.to_owned());
        Invoke {
            arrival: Arrival { kind, method, target, headers: Vec::new(), body },
            request_id: "test-request".to_owned(),
            metas: Vec::new(),
            path_params: Vec::new(),
            remaining: None,
            reader: ReadBy::Pace(Pace::Fast),
            parts: None,
            function: None,
            platform: None,
            provided: Provided::default(),
        }
    }

    /// Makes an invocation of an event, which the runtime recognises by its look: an event of a queue is one of a
    /// queue, a request of a gateway a request.
    pub fn event(event: impl Into<Vec<u8>>) -> Invoke {
        Invoke::new(Kind::Event, "POST", "/", event.into())
    }

    /// Returns a batch of a queue: the id and the body of each message, in the form of SQS. Bytes that are not UTF-8
    /// become U+FFFD.
    ///
    /// ```
    /// use handlers_sdk::events::Queue;
    /// use handlers_sdk::function;
    /// use handlers_sdk::testing::Invoke;
    ///
    /// #[function]
    /// fn ids(queue: Queue) -> String {
    ///     queue.messages.iter().map(|message| message.id.as_str()).collect::<Vec<_>>().join(", ")
    /// }
    ///
    /// assert_eq!(Invoke::records([("m1", "1"), ("m2", "two")]).run(ids::MODULE).text(), "m1, m2");
    /// ```
    pub fn records<'a, P: Into<Vec<u8>>>(records: impl IntoIterator<Item = (&'a str, P)>) -> Invoke {
        let mut event = Vec::new();
        let mut json = Writer::new(&mut event);
        json.begin_object();
        json.key("Records").begin_array();
        for (id, body) in records {
            json.begin_object();
            json.key("messageId").string(id);
            json.key("eventSource").string("aws:sqs");
            json.key("body").string(String::from_utf8_lossy(&body.into()).as_bytes());
            json.end_object();
        }
        json.end_array().end_object();
        Invoke::event(event)
    }

    /// Returns a CloudEvent of these attributes; `specversion` need not be among them.
    ///
    /// ```
    /// # use handlers_sdk::{events::CloudEvent, function, testing::Invoke};
    /// #[function]
    /// fn kind(event: CloudEvent) -> String {
    ///     event.kind().to_owned()
    /// }
    ///
    /// let attributes = [("id", "1"), ("source", "/shop"), ("type", "org.example.order")];
    /// assert_eq!(Invoke::cloud_event(&attributes, "{}").on("knative").run(kind::MODULE).text(), "org.example.order");
    /// ```
    pub fn cloud_event(attributes: &[(&str, &str)], data: impl Into<Vec<u8>>) -> Invoke {
        let mut invoke = Invoke::new(Kind::CloudEvent, "POST", "/", data.into());
        let version = attributes.iter().all(|(name, _)| *name != "specversion").then_some(("specversion", "1.0"));
        for (name, value) in version.into_iter().chain(attributes.iter().copied()) {
            invoke = match name {
                "datacontenttype" => invoke.header("content-type", value),
                name => invoke.header(&format!("ce-{name}"), &percent::in_header(value)),
            };
        }
        invoke
    }

    /// Returns an HTTP request; `target` may have a query.
    pub fn http(method: &str, target: &str) -> Invoke {
        Invoke::new(Kind::Request, method, target, Vec::new())
    }

    /// Adds one more header of the request, or of the platform's message around the event.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Invoke {
        self.arrival.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body of the request.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Invoke {
        self.arrival.body = body.into();
        self
    }

    /// Sets a body that comes piece by piece: each part is waited for once. A function that does not ask for pieces
    /// gets it whole.
    ///
    /// ```
    /// # use handlers_sdk::{BodyReader, Error, function, testing::Invoke};
    /// use std::io::Read;
    ///
    /// #[function(blocking)]
    /// fn size(mut body: BodyReader) -> Result<String, Error> {
    ///     let mut all = Vec::new();
    ///     body.read_to_end(&mut all)?;
    ///     Ok(all.len().to_string())
    /// }
    ///
    /// assert_eq!(Invoke::http("POST", "/").body_in_parts(["abc", "de"]).run(size::MODULE).text(), "5");
    /// ```
    #[must_use]
    pub fn body_in_parts<P: Into<Vec<u8>>>(mut self, parts: impl IntoIterator<Item = P>) -> Invoke {
        self.parts = Some((parts.into_iter().map(Into::into).collect(), OK));
        self
    }

    /// Ends the parts of the body with this status of `handlers_sdk::abi` instead of an end: `E_CANCELLED` for a client
    /// that has gone.
    ///
    /// ```
    /// # use handlers_sdk::{BodyStream, StreamError, abi, function, testing::Invoke};
    /// #[function]
    /// async fn upload(mut body: BodyStream) -> Result<(), StreamError> {
    ///     while let Some(part) = body.next().await {
    ///         part?;
    ///     }
    ///     Ok(())
    /// }
    ///
    /// let cut = Invoke::http("POST", "/").body_in_parts(["abc"]).body_ends_with(abi::E_CANCELLED);
    /// let failed = cut.run(upload::MODULE).failed.expect("the client is gone");
    /// assert_eq!(failed.message, StreamError::PeerGone.to_string());
    /// ```
    #[must_use]
    pub fn body_ends_with(mut self, status: Status) -> Invoke {
        self.parts.get_or_insert_default().1 = status;
        self
    }

    /// Adds a path parameter, as if the platform had found it. [`Builder::route`](super::Builder::route) finds them in
    /// the path.
    #[must_use]
    pub fn path_param(mut self, name: &str, value: &str) -> Invoke {
        self.path_params.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets one of the texts that a platform sends beside an event, `abi::META_…`. There are request id, invoked name,
    /// tenant, trace, client context, identity and content type. There are also function, version, service, region and
    /// account of this call.
    ///
    /// ```
    /// # use handlers_sdk::{FaasContext, abi, function, testing::Invoke};
    /// #[function]
    /// fn tenant(ctx: FaasContext) -> Option<String> {
    ///     ctx.tenant().map(str::to_owned)
    /// }
    ///
    /// assert_eq!(Invoke::event("").meta(abi::META_TENANT, "acme").run(tenant::MODULE).text(), "acme");
    /// ```
    ///
    /// # Panics
    /// The text is no such one: it comes from the event itself, or from the app's [platform](super::Builder::on). The
    /// call of the invocation panics where the text stands beside a request on a platform that makes an event of it.
    #[must_use]
    pub fn meta(mut self, key: u32, value: &str) -> Invoke {
        if key == META_REQUEST_ID {
            value.clone_into(&mut self.request_id);
            return self;
        }
        let fits = fact(&mut InvocationMetadata::default(), key).is_some();
        assert!(fits, "no platform says the text {key} beside an event: it is part of the event, or see Builder::on");
        self.metas.push((key, value.to_owned()));
        self
    }

    /// Sets the time left until the invocation's deadline, by the app's [clock](super::App::advance).
    #[must_use]
    pub fn remaining(mut self, remaining: Duration) -> Invoke {
        self.remaining = Some(remaining);
        self
    }

    /// Names the function that the platform addresses with this very event. Without it the runtime finds the function
    /// as it does with a manifest: by routes, by events, or the only one there is.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::{App, Invoke}};
    /// #[function]
    /// fn order() -> &'static str {
    ///     "ordered"
    /// }
    ///
    /// #[function]
    /// fn cancel() -> &'static str {
    ///     "cancelled"
    /// }
    ///
    /// let app = App::builder().module(order::MODULE).module(cancel::MODULE).start().expect("starts");
    /// assert_eq!(app.invoke(Invoke::event("7").function("cancel")).text(), "cancelled");
    /// ```
    #[must_use]
    pub fn function(mut self, name: &str) -> Invoke {
        self.function = Some(name.to_owned());
        self
    }

    /// Sends the event as that platform does; [`Answer::on_platform`] is the reply that the platform gets. The name is
    /// one of `FAAS_PLATFORM`: `aws-lambda`, `aliyun-fc`, …
    ///
    /// ```
    /// use handlers_sdk::testing::Invoke;
    /// use handlers_sdk::{Response, function};
    ///
    /// #[function]
    /// fn teapot() -> Response {
    ///     Response::text("short and stout").status(418)
    /// }
    ///
    /// let answer = Invoke::http("GET", "/").on("aws-lambda").run(teapot::MODULE);
    /// let posted = answer.on_platform();
    /// assert_eq!(posted.path, "/2018-06-01/runtime/invocation/test-request/response");
    /// assert!(posted.text().starts_with(r#"{"statusCode":418,"#));
    /// ```
    ///
    /// # Panics
    /// There is no such platform.
    #[must_use]
    pub fn on(mut self, platform: &str) -> Invoke {
        self.platform = Some(platform::known(platform));
        self
    }

    /// Sets the reader of a stream, which takes chunks when the test says so.
    #[must_use]
    pub fn read_by(mut self, reader: &Reader) -> Invoke {
        self.reader = ReadBy::Reader(reader.clone());
        self
    }

    /// Lets the reader of a stream have no room after each chunk, until another thread has taken it.
    #[must_use]
    pub fn slow_peer(self) -> Invoke {
        self.paced(Pace::Slow)
    }

    /// Lets the reader of a stream go away after this number of chunks.
    ///
    /// ```
    /// # use handlers_sdk::{Sink, StreamError, function, testing::Invoke};
    /// #[function(stream)]
    /// fn count(mut out: Sink) -> Result<(), StreamError> {
    ///     for number in 0.. {
    ///         if out.write(format!("{number} ").as_bytes()) == Err(StreamError::PeerGone) {
    ///             break; // Nobody reads any more.
    ///         }
    ///     }
    ///     Ok(())
    /// }
    ///
    /// let answer = Invoke::http("GET", "/").peer_gone_after(2).run(count::MODULE);
    /// assert_eq!(answer.chunks.map(|chunks| chunks.concat()), Some(b"0 1 ".to_vec()));
    /// ```
    #[must_use]
    pub fn peer_gone_after(self, chunks: usize) -> Invoke {
        self.paced(Pace::GoneAfter(chunks))
    }

    /// Lets the reader of a stream take no more after this number of chunks. The invocation is then cancelled.
    #[must_use]
    pub fn stuck_and_cancelled_after(self, chunks: usize) -> Invoke {
        self.paced(Pace::StuckAfter(chunks))
    }

    fn paced(mut self, pace: Pace) -> Invoke {
        self.reader = ReadBy::Pace(pace);
        self
    }

    /// Gives this value wherever an `Inject<T>` asks for one, if the call is made by [`run`](Self::run).
    ///
    /// ```
    /// # use handlers_sdk::{Inject, function, testing::Invoke};
    /// struct Stock(u32);
    ///
    /// #[function]
    /// fn left(stock: Inject<Stock>) -> String {
    ///     format!("{} left", stock.0)
    /// }
    ///
    /// assert_eq!(Invoke::event("").provide(Stock(3)).run(left::MODULE).text(), "3 left");
    /// ```
    #[must_use]
    pub fn provide<T: Any + Send + Sync>(mut self, value: T) -> Invoke {
        self.provided.value(value);
        self
    }

    /// Starts the module by itself, on the invocation's platform if there is one, invokes it once and closes it.
    ///
    /// # Panics
    /// The module does not start.
    pub fn run(self, module: &'static Module) -> Answer {
        let builder = App::builder().module(module).providing(self.provided.clone());
        let builder = match self.platform {
            Some(platform) => builder.on(platform),
            None => builder,
        };
        let app = builder.start().unwrap_or_else(|why| panic!("the module does not start: {why}"));
        let mut answer = app.invoke(self);
        answer.logs = app.close();
        answer
    }
}

/// Returns the place of a text in the metadata of an invocation; `None` if a protocol does not set that text.
pub(super) fn fact(metadata: &mut InvocationMetadata, key: u32) -> Option<&mut Span> {
    Some(match key {
        META_INVOKED_AS => &mut metadata.invoked_as,
        META_TENANT => &mut metadata.tenant,
        META_TRACEPARENT => &mut metadata.traceparent,
        META_TRACESTATE => &mut metadata.tracestate,
        META_TRACE => &mut metadata.trace,
        META_CONTENT_TYPE => &mut metadata.content_type,
        META_CLIENT_CONTEXT => &mut metadata.client_context,
        META_IDENTITY => &mut metadata.identity,
        META_FUNCTION => &mut metadata.function,
        META_VERSION => &mut metadata.version,
        META_SERVICE => &mut metadata.service,
        META_REGION => &mut metadata.region,
        META_ACCOUNT => &mut metadata.account,
        _ => return None,
    })
}

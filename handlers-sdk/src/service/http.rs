//! Requests over HTTP to others, through the service `faas.http`: one layer owns connections, TLS and their threads,
//! and all others share them. The layer `http-client` is one.
//!
//! ```
//! use handlers_sdk::service::http::{ClientReply, ClientRequest, Sent, Transport};
//! use handlers_sdk::service::{ServiceErrorKind, Offered};
//! use handlers_sdk::testing::{App, Invoke};
//! use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer};
//! use std::sync::Arc;
//!
//! /// A function that asks somebody else.
//! #[function]
//! async fn rate(ctx: FaasContext, currency: String) -> Result<String, Error> {
//!     let client = ctx.http_client().ok_or_else(|| Error::msg("expected a layer such as http-client"))?;
//!     let request = ClientRequest::get(format!("https://rates.example/{currency}")).header("accept", "text/plain");
//!     let reply = client.send(request).await?;
//!     match reply.status() {
//!         200 => Ok(reply.text().into_owned()),
//!         status => Err(Error::msg(format!("no rate: status {status}"))),
//!     }
//! }
//!
//! /// A layer that answers in the place of the network.
//! struct Fake(#[allow(dead_code, reason = "the service ends with the layer")] Offered);
//!
//! struct Answers;
//!
//! impl Transport for Answers {
//!     fn send(&self, request: ClientRequest, answer: Sent) {
//!         answer.give(match request.url() {
//!             "https://rates.example/EUR" => Ok(ClientReply::new(200).with_header("content-type", "text/plain").with_body("1.07")),
//!             _ => Err(ServiceErrorKind::NotFound),
//!         });
//!     }
//! }
//!
//! #[layer(name = "fake")]
//! impl Layer for Fake {
//!     fn create(config: &Config) -> Result<Self, Error> {
//!         config.offer_http_client(Arc::new(Answers)).map(Fake)
//!     }
//! }
//!
//! let app = App::builder().module(Fake::MODULE).module(rate::MODULE).start().expect("it starts");
//! assert_eq!(app.invoke(Invoke::event("EUR")).text(), "1.07");
//! assert_eq!(app.invoke(Invoke::event("XXX")).failed.map(|failed| failed.kind).as_deref(), Some("ServiceError"));
//! ```

pub use crate::service::table::http::{Client, Sent};

#[cfg(feature = "json")]
use crate::error::Error;
use crate::host::bytes::Bytes;
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// A request to another server.
///
/// ```
/// use handlers_sdk::service::http::ClientRequest;
/// use std::time::Duration;
///
/// let request = ClientRequest::post("https://mail.example/send?key=s3cr3t")
///     .header("x-tag", "order")
///     .json(&["ada"])?
///     .within(Duration::from_secs(2))
///     .most_bytes(10_000);
/// assert_eq!((request.method(), &**request.content()), ("POST", &br#"["ada"]"#[..]));
/// let shown = r#"Request { method: "POST", url: "https://mail.example/send", .. }"#;
/// assert_eq!(format!("{request:?}"), shown, "what may be secret is not shown");
/// # Ok::<(), handlers_sdk::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "it does nothing unless it is sent"]
pub struct ClientRequest {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    pub(crate) limit: Option<Duration>,
    pub(crate) most_bytes: u64,
}

impl ClientRequest {
    /// Makes a request by that method to an absolute URL, `http` or `https`.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> ClientRequest {
        let (method, url) = (method.into(), url.into());
        ClientRequest { method, url, headers: Vec::new(), body: Bytes::from_static(b""), limit: None, most_bytes: 0 }
    }

    /// Makes a request by the method GET.
    pub fn get(url: impl Into<String>) -> ClientRequest {
        ClientRequest::new("GET", url)
    }

    /// Makes a request by the method POST.
    pub fn post(url: impl Into<String>) -> ClientRequest {
        ClientRequest::new("POST", url)
    }

    /// Adds a header. The provider writes `Host`, `Content-Length` and `Transfer-Encoding` itself.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> ClientRequest {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body of the request.
    pub fn body(mut self, body: impl Into<Bytes>) -> ClientRequest {
        self.body = body.into();
        self
    }

    /// Sets the body to a value as JSON, and its content type.
    ///
    /// # Errors
    /// The value cannot be written as JSON.
    #[cfg(feature = "json")]
    pub fn json(self, value: &impl serde::Serialize) -> Result<ClientRequest, Error> {
        Ok(self.header("content-type", "application/json").body(serde_json::to_vec(value)?))
    }

    /// Sets how long all of it may take, from the moment it is sent. Without it the provider has a limit of its own.
    /// The deadline of the invocation holds in any case.
    pub fn within(mut self, limit: Duration) -> ClientRequest {
        self.limit = Some(limit);
        self
    }

    /// Sets how many bytes the body of the reply may have at most. Without it the provider has a limit of its own.
    pub fn most_bytes(mut self, bytes: u64) -> ClientRequest {
        self.most_bytes = bytes;
        self
    }

    /// Returns the method, for the layer that sends the request.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Returns the absolute URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the headers in the order in which they were given.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Returns the body of the request.
    pub fn content(&self) -> &Bytes {
        &self.body
    }

    /// Returns how long it may take from now on; `None` if the request sets no limit.
    pub fn limit(&self) -> Option<Duration> {
        self.limit
    }

    /// Returns how many bytes the body of the reply may have; `None` if the request sets no limit.
    pub fn most(&self) -> Option<u64> {
        Some(self.most_bytes).filter(|most| *most > 0)
    }
}

/// Only the method and the URL without its query are shown, since the rest may be secret.
impl fmt::Debug for ClientRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.split(['?', '#']).next().unwrap_or_default();
        f.debug_struct("Request").field("method", &self.method).field("url", &url).finish_non_exhaustive()
    }
}

/// The reply to a request.
///
/// ```
/// use handlers_sdk::Error;
/// use handlers_sdk::service::http::ClientReply;
///
/// #[derive(serde::Deserialize)]
/// struct Rate {
///     eur: f64,
/// }
///
/// fn rate(reply: &ClientReply) -> Result<f64, Error> {
///     match reply.status() {
///         200 => Ok(reply.json::<Rate>()?.eur),
///         status => Err(Error::msg(format!("no rate: status {status}, {}", reply.text()))),
///     }
/// }
///
/// // A test makes one by hand.
/// assert_eq!(rate(&ClientReply::new(200).with_body(r#"{"eur":1.07}"#)).expect("a rate"), 1.07);
/// assert!(rate(&ClientReply::new(404).with_body("unknown")).is_err());
/// ```
#[derive(Clone)]
pub struct ClientReply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl ClientReply {
    /// Returns a reply with that status (200 to 599), for whoever provides them.
    pub fn new(status: u16) -> ClientReply {
        ClientReply { status, headers: Vec::new(), body: Bytes::from_static(b"") }
    }

    /// Adds a header, whose name is in lower case.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> ClientReply {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body of the reply.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> ClientReply {
        self.body = body.into();
        self
    }

    /// Returns the status of the reply.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the first value of a header, by its name in lower case; `None` without one.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// Returns all headers in order, with names in lower case.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Returns the whole body. A content coding, such as gzip, is not undone.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns the body as text, in which bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// The body is no JSON of that shape.
    #[cfg(feature = "json")]
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// Only status and length are shown, since the rest may be secret.
impl fmt::Debug for ClientReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// A sender of requests.
///
/// ```
/// # use handlers_sdk::service::Offered;
/// # use handlers_sdk::testing::{App, Invoke};
/// # use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer};
/// # use std::sync::Arc;
/// use handlers_sdk::service::ServiceErrorKind;
/// use handlers_sdk::service::http::{ClientReply, ClientRequest, Sent, Transport};
///
/// /// Lets requests to one host through, and answers them itself.
/// struct Fake;
///
/// impl Transport for Fake {
///     fn send(&self, request: ClientRequest, answer: Sent) {
///         let path = request.url().strip_prefix("https://shop.example/");
///         answer.give(path.map(|path| ClientReply::new(200).with_body(path.to_owned())).ok_or(ServiceErrorKind::NotFound));
///     }
/// }
/// # struct Client(#[allow(dead_code)] Offered);
/// # #[layer(name = "client")]
/// # impl Layer for Client {
/// #     fn create(config: &Config) -> Result<Self, Error> { config.offer_http_client(Arc::new(Fake)).map(Client) }
/// # }
/// # #[function(blocking)]
/// # fn fetch(ctx: FaasContext, url: String) -> Result<String, Error> {
/// #     let client = ctx.http_client().ok_or_else(|| Error::msg("nobody sends"))?;
/// #     Ok(client.send(ClientRequest::get(url)).wait()?.text().into_owned())
/// # }
/// # let app = App::builder().module(Client::MODULE).module(fetch::MODULE).start().expect("starts");
/// # assert_eq!(app.invoke(Invoke::event("https://shop.example/tea")).text(), "tea");
/// # assert!(app.invoke(Invoke::event("https://mail.example/")).failed.is_some());
/// ```
pub trait Transport: Send + Sync + 'static {
    /// Sends a request, and gives the answer from any thread. It returns at once.
    ///
    /// A redirect is a reply. Nothing is sent twice, unless nothing of it had left.
    fn send(&self, request: ClientRequest, answer: Sent);

    /// Notes that nobody waits for the answer of that [number](crate::service::Responder::number) any more: work for it
    /// may stop. It returns at once.
    fn cancelled(&self, number: u64) {
        let _ = number;
    }
}

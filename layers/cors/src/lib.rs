//! Lets pages of other origins call functions, as the Fetch standard has it: preflights are answered before the
//! function, and every reply says which origins may read it, errors of the function, of layers further in and of the
//! runtime among them.
//!
//! The README has the table of its configuration.
#![forbid(unsafe_code)]

mod origins;
mod settings;

use handlers_sdk::{Config, Error, Flow, Invocation, Layer, ReplyHead, Response, layer};
use settings::{Names, Settings, is_token};

const ALLOW_ORIGIN: &str = "access-control-allow-origin";
const ALLOW_CREDENTIALS: &str = "access-control-allow-credentials";
const EXPOSE_HEADERS: &str = "access-control-expose-headers";

/// The layer, as it is configured.
#[derive(Debug)]
pub struct Cors(Settings);

/// The headers that every reply to this origin carries, of whatever kind it is.
enum Told<'a> {
    /// The reply has `Access-Control-Allow-Origin` with this value, and the headers that go with it.
    Allowed(&'a str),
    /// The reply has no such header: the browser keeps the reply from the page.
    Nothing,
}

impl Cors {
    fn told<'a>(&self, origin: Option<&'a str>) -> Told<'a> {
        match origin {
            _ if self.0.origins.is_any() => Told::Allowed("*"),
            Some(origin) if self.0.origins.allow(origin) => Told::Allowed(origin),
            _ => Told::Nothing,
        }
    }

    /// Returns the headers of a reply that is not for a preflight.
    fn headers<'a>(&'a self, origin: Option<&'a str>) -> impl Iterator<Item = (&'static str, &'a str)> {
        let allowed = match self.told(origin) {
            Told::Allowed(value) => Some(value),
            Told::Nothing => None,
        };
        let credentials = self.0.credentials.then_some((ALLOW_CREDENTIALS, "true"));
        let exposed = (!self.0.exposed.is_empty()).then_some((EXPOSE_HEADERS, self.0.exposed.as_str()));
        allowed
            .into_iter()
            .flat_map(move |value| [Some((ALLOW_ORIGIN, value)), credentials, exposed].into_iter().flatten())
    }

    fn preflight(&self, origin: &str, method: &str, headers: Option<&str>, asks_private: bool) -> Response {
        let vary = match self.0.private_network {
            true => ", Access-Control-Request-Private-Network",
            false => "",
        };
        let vary = format!("Origin, Access-Control-Request-Method, Access-Control-Request-Headers{vary}");
        let mut reply = Response::new(204).header("vary", vary);
        let Told::Allowed(value) = self.told(Some(origin)) else { return reply };
        reply = reply.header(ALLOW_ORIGIN, value);
        if self.0.credentials {
            reply = reply.header(ALLOW_CREDENTIALS, "true");
        }
        let listed = |names: &Names, asked: Option<&str>, is_fit: fn(&str) -> bool| match names {
            Names::Listed(list) => Some(list.clone()).filter(|list| !list.is_empty()),
            Names::Asked => asked.filter(|asked| is_fit(asked)).map(str::to_owned),
        };
        let is_list = |text: &str| text.split(',').all(|name| is_token(name.trim()));
        if let Some(methods) = listed(&self.0.methods, Some(method), is_token) {
            reply = reply.header("access-control-allow-methods", methods);
        }
        if let Some(headers) = listed(&self.0.headers, headers, is_list) {
            reply = reply.header("access-control-allow-headers", headers);
        }
        if asks_private && self.0.private_network {
            reply = reply.header("access-control-allow-private-network", "true");
        }
        if let Some(seconds) = &self.0.max_age {
            reply = reply.header("access-control-max-age", seconds);
        }
        reply
    }
}

/// Returns `true` if a reply says already that it depends on the origin.
fn varies<'a>(values: impl Iterator<Item = (&'a str, &'a str)>) -> bool {
    let is_vary = |name: &str| name.eq_ignore_ascii_case("vary");
    let is_origin = |word: &str| word == "*" || word.eq_ignore_ascii_case("origin");
    values.filter(|(name, _)| is_vary(name)).any(|(_, value)| value.split(',').map(str::trim).any(is_origin))
}

#[layer(name = "cors")]
impl Layer for Cors {
    fn create(config: &Config) -> Result<Self, Error> {
        Settings::read(config).map(Cors)
    }

    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        let Some(http) = invocation.http() else { return Ok(Flow::Continue) };
        let origin = http.header("origin").map(str::to_owned);
        if let (Some(origin), "OPTIONS", Some(method)) =
            (&origin, http.method(), http.header("access-control-request-method"))
        {
            let asks_private = http.header("access-control-request-private-network") == Some("true");
            let reply = self.preflight(origin, method, http.header("access-control-request-headers"), asks_private);
            return invocation.respond(reply);
        }
        // The headers are set now, so that a failure's reply has them, too, whichever part makes it.
        for (name, value) in self.headers(origin.as_deref()) {
            invocation.set_reply_header(name, value)?;
        }
        if !self.0.origins.is_any() {
            invocation.add_reply_header("vary", "Origin")?;
        }
        Ok(Flow::Continue)
    }

    fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {
        if head.method().is_empty() {
            return Ok(());
        }
        // These replace the function's own: two values of one of these are none to a browser, and an origin that is not
        // allowed is not allowed by a function either.
        for name in [ALLOW_ORIGIN, ALLOW_CREDENTIALS, EXPOSE_HEADERS] {
            if head.header(name).is_some() {
                head.remove_header(name)?;
            }
        }
        let origin = head.request_header("origin").map(str::to_owned);
        for (name, value) in self.headers(origin.as_deref()) {
            head.set_header(name, value)?;
        }
        if !self.0.origins.is_any() && !varies(head.headers()) {
            head.add_header("vary", "Origin")?;
        }
        Ok(())
    }
}

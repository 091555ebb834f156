//! The reasons why a caller is not let in, and the replies to them (RFC 6750 §3, RFC 7617 §2, RFC 9110 §15.5.2).

use handlers_sdk::{Error, Flow, Invocation, Level, Line, Response};

/// The reason of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The request has no credentials.
    Missing,
    /// The credentials cannot be told apart.
    Ambiguous,
    /// The credentials are wrong. For a token this is the reason.
    Invalid(&'static str),
    WrongKey,
    WrongPassword,
    /// The caller is known, and lacks these scopes, or another claim.
    Forbidden(String),
    /// It is an event, and no events are let in.
    NoEvents,
    /// The keys are not there, so the credentials cannot be checked now.
    NoKeys,
    /// Too many passwords are looked at.
    Busy,
}

use Refusal::*;

impl Refusal {
    fn status(&self) -> u16 {
        match self {
            Missing | Invalid(_) | WrongKey | WrongPassword => 401,
            Ambiguous => 400,
            Forbidden(_) | NoEvents => 403,
            NoKeys | Busy => 503,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Missing => "Auth.Missing",
            Ambiguous | Invalid(_) | WrongKey | WrongPassword => "Auth.Invalid",
            Forbidden(_) | NoEvents => "Auth.Forbidden",
            NoKeys | Busy => "Auth.Unavailable",
        }
    }

    fn message(&self) -> String {
        match self {
            Missing => "expected credentials".to_owned(),
            Ambiguous => "expected credentials once".to_owned(),
            Invalid(why) => (*why).to_owned(),
            WrongKey => "the key is not valid".to_owned(),
            WrongPassword => "name and password are not valid".to_owned(),
            Forbidden(scopes) if scopes.is_empty() => "expected other claims".to_owned(),
            Forbidden(scopes) => format!("expected the scopes {scopes}"),
            NoEvents => "no events are let in".to_owned(),
            NoKeys => "the keys of the token's issuer cannot be had: try again later".to_owned(),
            Busy => "too many passwords are being looked at: try again later".to_owned(),
        }
    }
}

/// The ways in which credentials are asked for.
pub(crate) struct Challenges {
    pub(crate) realm: String,
    pub(crate) has_tokens: bool,
    pub(crate) has_passwords: bool,
    /// The header of API keys; `None` if there are no keys.
    pub(crate) key_header: Option<String>,
}

/// The seconds after which a caller may try again while there are no keys.
const AGAIN: u64 = 5;
/// The same while passwords are looked at, each of which takes a fraction of a second.
const SOON: u64 = 1;

impl Challenges {
    /// Refuses a request with a reply, and an event with a failure, which its platform is told of.
    ///
    /// # Errors
    /// The error is the failure of the event.
    pub(crate) fn refuse(&self, invocation: &mut Invocation<'_>, refusal: &Refusal) -> Result<Flow, Error> {
        let (status, kind, message) = (refusal.status(), refusal.kind(), refusal.message());
        let level = if status == 503 { Level::Warn } else { Level::Info };
        invocation.log(level, format_args!("refused: {message}"), &[("status", &status)]);
        if invocation.http().is_none() {
            return Err(Error::new(kind, message).with_status(status));
        }
        let mut body = Line::new();
        body.text("errorType", kind).text("errorMessage", &message).text("requestId", invocation.request_id());
        let mut reply =
            Response::new(status).header("content-type", "application/json").header("cache-control", "no-store");
        for challenge in self.of(refusal) {
            reply = reply.header("www-authenticate", challenge);
        }
        let again = match refusal {
            NoKeys => Some(AGAIN),
            Busy => Some(SOON),
            _ => None,
        };
        if let Some(seconds) = again {
            reply = reply.header("retry-after", seconds.to_string());
        }
        invocation.respond(reply.body(body.finish()))
    }

    /// Returns one challenge for each kind of credentials.
    fn of(&self, refusal: &Refusal) -> Vec<String> {
        let (realm, status) = (&self.realm, refusal.status());
        let mut all = Vec::new();
        if self.has_tokens && status != 503 {
            // A caller without credentials is told no error (RFC 6750 §3.1).
            let error = match refusal {
                Invalid(why) => format!(", error=\"invalid_token\", error_description=\"{why}\""),
                Ambiguous => ", error=\"invalid_request\"".to_owned(),
                Forbidden(scopes) if scopes.is_empty() => ", error=\"insufficient_scope\"".to_owned(),
                Forbidden(scopes) => format!(", error=\"insufficient_scope\", scope=\"{scopes}\""),
                _ => String::new(),
            };
            all.push(format!("Bearer realm=\"{realm}\"{error}"));
        }
        if status == 401 {
            all.extend(self.has_passwords.then(|| format!("Basic realm=\"{realm}\", charset=\"UTF-8\"")));
            // No scheme is registered for keys, and a 401 names at least one.
            let key = self.key_header.as_ref().map(|header| format!("ApiKey realm=\"{realm}\", header=\"{header}\""));
            all.extend(key);
        }
        all
    }
}

//! Lets in callers who prove their identity: by a signed token (JWT), a key, or a name and a password. No other caller
//! reaches the layers and functions further in, and functions are told the identity.
//!
//! The README has the tables of its configuration and of its answers.
#![forbid(unsafe_code)]

mod algorithm;
mod api_keys;
mod basic;
mod configured;
mod hashes;
mod identity;
mod issuer;
mod key_set;
mod keys;
mod refusal;
mod rules;
mod sent;
mod settings;
mod token;
mod unique;

use api_keys::ApiKeys;
use basic::Users;
use handlers_sdk::{Config, Error, Flow, Invocation, Layer, Phase, layer};
use identity::Identity;
use issuer::Issuer;
use keys::Keys;
use refusal::{Challenges, Refusal};
use rules::{Access, Rule};
use sent::{Places, Sent};
use settings::{Events, Written};
use std::fmt;
use token::Token;

/// The layer, as it is configured.
pub struct Auth {
    issuers: Vec<Issuer>,
    api_keys: Option<ApiKeys>,
    users: Option<Users>,
    places: Places,
    rules: Vec<Rule>,
    events: Events,
    challenges: Challenges,
}

/// The platforms on which only the platform can hand over an event. On all others events come to a port as requests do.
const HANDS_OVER: [&str; 8] =
    ["aws-lambda", "tencent-scf", "huawei-functiongraph", "aliyun-fc", "azure-functions", "fn", "openwhisk", "yandex"];

/// The kind of an invocation, as this layer sees it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Arrival {
    Request,
    /// An event that came over HTTP, with headers of its own.
    Delivered,
    Passes,
    Refused,
}

impl Auth {
    fn arrival(&self, invocation: &Invocation<'_>) -> Arrival {
        let route = invocation.http().map(handlers_sdk::HttpView::route);
        // For a WebSocket only the handshake brings credentials: without it there are no messages.
        let is_message = invocation.trigger() == "websocket" && route.flatten() != Some("$connect");
        match self.events {
            _ if route.is_some() && !is_message => Arrival::Request,
            Events::Pass => Arrival::Passes,
            Events::Refuse => Arrival::Refused,
            Events::Platform if HANDS_OVER.contains(&invocation.platform()) => Arrival::Passes,
            Events::Platform => Arrival::Delivered,
        }
    }

    /// Checks the credentials, and returns the identity with the name of the way in which it was proven. Returns `None`
    /// if a caller without an identity is let in.
    async fn check(&self, invocation: &Invocation<'_>) -> Result<Option<(&'static str, Identity)>, Refusal> {
        let needs = match (self.arrival(invocation), invocation.http()) {
            (Arrival::Passes, _) => return Ok(None),
            (Arrival::Refused, _) => return Err(Refusal::NoEvents),
            (Arrival::Request, Some(http)) => rules::needs(&self.rules, http.method(), http.raw_path()),
            _ => rules::needs(&[], "", ""),
        };
        if needs.access == Access::Open {
            return Ok(None);
        }
        let sent = match invocation.http() {
            Some(http) => self.places.find(http.headers(), |name| http.header(name), |name| http.cookie(name))?,
            None => {
                let headers = || invocation.platform_metadata();
                self.places.find(headers(), |name| sent::first(headers(), name), |_| None)?
            }
        };
        let (method, identity) = match sent {
            None if needs.access == Access::Optional => return Ok(None),
            None => return Err(Refusal::Missing),
            Some(Sent::Token(token)) => ("jwt", self.token(&token).await?),
            Some(Sent::Key(key)) => {
                let found = self.api_keys.as_ref().and_then(|keys| keys.find(&key));
                ("apiKey", found.ok_or(Refusal::WrongKey)?.clone())
            }
            Some(Sent::Basic(credentials)) => {
                let users = self.users.as_ref().ok_or(Refusal::WrongPassword)?;
                ("basic", users.find(&credentials)?.clone())
            }
        };
        needs.check(&identity.claims).map_err(Refusal::Forbidden)?;
        Ok(Some((method, identity)))
    }

    async fn token(&self, text: &str) -> Result<Identity, Refusal> {
        let token = Token::read(text).map_err(Refusal::Invalid)?;
        let issuer = self.issuers.iter().find(|issuer| issuer.is_named_by(&token));
        issuer.ok_or(Refusal::Invalid("the token's issuer is not accepted"))?.check(&token).await?;
        let name = token.claims.get("sub").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        Ok(Identity { name, json: token.claims_json, claims: token.claims })
    }
}

#[layer(name = "auth", required)]
impl Layer for Auth {
    fn create(config: &Config) -> Result<Self, Error> {
        let written: Written = config.deserialize()?;
        let cookie = written.jwt.as_ref().and_then(|jwt| jwt.cookie.clone());
        if let Some(name) = cookie.as_ref().filter(|name| !configured::is_token(name)) {
            return Err(config.mistake("jwt.cookie", "the name of a cookie", format!("{name:?}")));
        }
        let is_quotable = |c: char| (c.is_ascii_graphic() || c == ' ') && !"\"\\".contains(c);
        if written.realm.is_empty() || !written.realm.chars().all(is_quotable) {
            let expected = "a text of ASCII without quotes";
            return Err(config.mistake("realm", expected, format!("{:?}", written.realm)));
        }
        let issuers = written.jwt.map(|jwt| configured::issuers(config, jwt.issuers)).transpose()?.unwrap_or_default();
        let api_keys = written.api_key.map(|keys| configured::api_keys(config, keys)).transpose()?;
        let users = written.basic.map(|basic| configured::users(config, basic)).transpose()?;
        let (has_tokens, has_passwords) = (!issuers.is_empty(), users.is_some());
        if !has_tokens && !has_passwords && api_keys.is_none() {
            return Err(config.mistake("jwt", "at least one of jwt, apiKey, basic", "none"));
        }
        let key_header = api_keys.as_ref().map(|keys| keys.header.clone());
        Ok(Auth {
            issuers,
            api_keys,
            users,
            places: Places { has_tokens, has_passwords, key_header: key_header.clone(), cookie },
            rules: configured::rules(config, written.routes)?,
            events: written.events,
            challenges: Challenges { realm: written.realm, has_tokens, has_passwords, key_header },
        })
    }

    fn before_function_start(&self, _: &mut Phase<'_>) -> Result<(), Error> {
        for issuer in &self.issuers {
            if let Keys::Url(url) = &issuer.keys {
                url.ask_in_advance()?;
            }
        }
        Ok(())
    }

    async fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        match self.check(invocation).await {
            Ok(None) => Ok(Flow::Continue),
            Ok(Some((method, identity))) => identity.leave(invocation, method).map(|()| Flow::Continue),
            Err(refusal) => self.challenges.refuse(invocation, &refusal),
        }
    }
}

impl fmt::Debug for Auth {
    /// The configuration is not shown: it has hashes and secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").finish_non_exhaustive()
    }
}

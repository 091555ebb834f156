//! The parts of the layer, made of its configuration. Everything unclear is a mistake: nothing is guessed that lets
//! somebody in.

use crate::algorithm::Algorithm;
use crate::api_keys::{ApiKey, ApiKeys};
use crate::basic::{self, PasswordHash, User, Users};
use crate::hashes::Sha256;
use crate::identity::Identity;
use crate::issuer::Issuer;
use crate::key_set::KeySet;
use crate::keys::{FromFile, FromUrl, Keys, Times};
use crate::rules::{Access, Pattern, Rule};
use crate::settings;
use crate::token;
use handlers_sdk::{Config, Error};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The largest difference of clocks that is allowed for. Clocks that differ by more are wrong.
const MOST_LEEWAY: Duration = Duration::from_secs(600);

pub(crate) fn issuers(config: &Config, written: Vec<settings::Issuer>) -> Result<Vec<Issuer>, Error> {
    if written.is_empty() {
        return Err(config.mistake("jwt.issuers", "at least one", "none"));
    }
    let is_only = written.len() == 1;
    let mut issuers: Vec<Issuer> = Vec::new();
    for (index, written) in written.into_iter().enumerate() {
        let place = format!("jwt.issuers[{index}]");
        let is_twice = |name: &String| issuers.iter().any(|other| other.name.as_ref() == Some(name));
        match &written.issuer {
            None if !is_only => {
                return Err(config.mistake(&format!("{place}.issuer"), "its name, beside other issuers", "none"));
            }
            Some(name) if name.is_empty() || is_twice(name) => {
                let expected = "a name that no other issuer has";
                return Err(config.mistake(&format!("{place}.issuer"), expected, format!("{name:?}")));
            }
            _ => issuers.push(issuer(config, &place, written)?),
        }
    }
    Ok(issuers)
}

fn issuer(config: &Config, place: &str, written: settings::Issuer) -> Result<Issuer, Error> {
    let mistake = |key: &str, expected: &str, found: String| config.mistake(&format!("{place}.{key}"), expected, found);
    let has_secrets = written.secrets.is_some();
    let algorithms = match &written.algorithms {
        None if has_secrets => vec![Algorithm::Hs256],
        None => Algorithm::PUBLIC.to_vec(),
        Some(names) => {
            let read = |name: &String| Algorithm::read(name).filter(|algorithm| algorithm.is_secret() == has_secrets);
            let expected = match has_secrets {
                true => "HS256, HS384 or HS512, since the key is a secret",
                false => "RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA",
            };
            let all =
                names.iter().map(|name| read(name).ok_or_else(|| mistake("algorithms", expected, format!("{name:?}"))));
            all.collect::<Result<_, _>>()?
        }
    };
    if algorithms.is_empty() {
        return Err(mistake("algorithms", "at least one", "none".to_owned()));
    }
    if written.leeway.0 > MOST_LEEWAY {
        return Err(mistake("leeway", "at most 10m", format!("{:?}", written.leeway.0)));
    }
    for (key, time) in [("lifetime", written.lifetime), ("cooldown", written.cooldown), ("timeout", written.timeout)] {
        if time.0.is_zero() {
            return Err(mistake(key, "a time over zero", "0".to_owned()));
        }
    }
    if written.keep_for < written.lifetime {
        return Err(mistake(
            "keepFor",
            "a time that is not shorter than lifetime",
            format!("{:?}", written.keep_for.0),
        ));
    }
    let times = Times {
        lifetime: written.lifetime.0,
        keep_for: written.keep_for.0,
        cooldown: written.cooldown.0,
        timeout: written.timeout.0,
    };
    let keys = match (written.secrets, written.keys, written.keys_file, written.keys_url) {
        (Some(secrets), None, None, None) => {
            let least = algorithms.iter().filter_map(|algorithm| algorithm.least_secret()).max().unwrap_or_default();
            let bytes: Vec<Vec<u8>> = secrets.iter().map(|secret| secret.reveal().as_bytes().to_vec()).collect();
            let shortest = bytes.iter().map(Vec::len).min().unwrap_or_default();
            if shortest < least {
                let expected = format!("secrets of at least {least} bytes");
                return Err(mistake("secrets", &expected, format!("one of {shortest}")));
            }
            Keys::Fixed(Arc::new(KeySet::of_secrets(bytes.into_iter())))
        }
        (None, Some(keys), None, None) => {
            let (keys, left_out) =
                KeySet::read(&json!({"keys": keys})).map_err(|why| mistake("keys", "public keys", why))?;
            if let Some(why) = left_out.into_iter().next() {
                return Err(mistake("keys", "public keys for signatures", why));
            }
            Keys::Fixed(Arc::new(keys))
        }
        (None, None, Some(path), None) => {
            let file = FromFile::open(*config, path.into(), times.keep_for);
            Keys::File(file.map_err(|why| mistake("keysFile", "a set of keys", why))?)
        }
        (None, None, None, Some(url)) => {
            if !is_private(&url) {
                return Err(mistake("keysUrl", "a URL of https, or of this machine", format!("{url:?}")));
            }
            Keys::Url(FromUrl::new(*config, url, times))
        }
        _ => return Err(mistake("keys", "one of secrets, keys, keysFile, keysUrl", "none or several".to_owned())),
    };
    Ok(Issuer {
        name: written.issuer,
        audiences: written.audiences,
        algorithms,
        types: written.types.iter().map(|typ| token::kind(typ)).collect(),
        leeway: written.leeway.0.as_secs_f64(),
        needs_end: written.require_exp,
        keys,
    })
}

/// Returns `true` if the URL does not leave the machine. An attacker who can change keys on their way can sign tokens,
/// which nobody can within a machine.
fn is_private(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return url.starts_with("https://") };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => host,
        _ => authority,
    };
    ["localhost", "127.0.0.1", "[::1]"].contains(&host)
}

/// Makes the identity of a caller without a token: the claims of the configuration, and the name as `sub`.
fn identity(name: &str, mut claims: Map<String, Value>) -> Identity {
    claims.entry("sub").or_insert_with(|| name.into());
    let json = Value::Object(claims.clone()).to_string();
    Identity { name: name.to_owned(), json, claims }
}

/// Checks that each has a name of its own.
fn check_names<'a>(config: &Config, place: &str, names: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    let mut seen = Vec::new();
    for (index, name) in names.enumerate() {
        if name.is_empty() || seen.contains(&name) {
            let place = format!("{place}[{index}].name");
            return Err(config.mistake(&place, "a name that no other has", format!("{name:?}")));
        }
        seen.push(name);
    }
    if seen.is_empty() { Err(config.mistake(place, "at least one", "none")) } else { Ok(()) }
}

pub(crate) fn api_keys(config: &Config, written: settings::ApiKey) -> Result<ApiKeys, Error> {
    check_names(config, "apiKey.keys", written.keys.iter().map(|key| key.name.as_str()))?;
    if !is_token(&written.header) || written.header.eq_ignore_ascii_case("authorization") {
        let expected = "the name of a header of its own";
        return Err(config.mistake("apiKey.header", expected, format!("{:?}", written.header)));
    }
    let read = |(index, key): (usize, settings::Key)| {
        let expected = "64 hexadecimal digits: printf %s \"$KEY\" | sha256sum";
        let wrong = || config.mistake(&format!("apiKey.keys[{index}].sha256"), expected, "others");
        let hash = Sha256::read(key.sha256.reveal()).ok_or_else(wrong)?;
        Ok(ApiKey { hash, identity: identity(&key.name, key.claims) })
    };
    let keys = written.keys.into_iter().enumerate().map(read).collect::<Result<_, Error>>()?;
    Ok(ApiKeys { header: written.header.to_ascii_lowercase(), keys })
}

pub(crate) fn users(config: &Config, written: settings::Basic) -> Result<Users, Error> {
    check_names(config, "basic.users", written.users.iter().map(|user| user.name.as_str()))?;
    let read = |(index, user): (usize, settings::User)| {
        if user.name.contains(':') {
            let place = format!("basic.users[{index}].name");
            return Err(config.mistake(&place, "a name without a colon", format!("{:?}", user.name)));
        }
        let wrong = || config.mistake(&format!("basic.users[{index}].password"), basic::EXPECTED, "another text");
        let password = PasswordHash::read(user.password.reveal()).ok_or_else(wrong)?;
        Ok(User { password, identity: identity(&user.name, user.claims) })
    };
    let users = written.users.into_iter().enumerate().map(read).collect::<Result<_, Error>>()?;
    Users::new(users).map_err(|_| Error::new("Auth.Random", "the system gives no random bytes"))
}

pub(crate) fn rules(config: &Config, written: Vec<settings::Route>) -> Result<Vec<Rule>, Error> {
    let read = |(index, route): (usize, settings::Route)| {
        let mistake = |key: &str, expected: &str, found: String| {
            config.mistake(&format!("routes[{index}].{key}"), expected, found)
        };
        let path = Pattern::read(&route.path).ok_or_else(|| {
            mistake("path", "a path such as /health, /items/{id} or /admin/*", format!("{:?}", route.path))
        })?;
        if let Some(method) = route.methods.iter().find(|method| !is_token(method)) {
            return Err(mistake("methods", "methods", format!("{method:?}")));
        }
        let is_scope =
            |scope: &&String| scope.is_empty() || !scope.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\".contains(&b));
        if let Some(scope) = route.scopes.iter().find(is_scope) {
            return Err(mistake("scopes", "words without quotes", format!("{scope:?}")));
        }
        let needs_nothing = route.scopes.is_empty() && route.claims.is_empty();
        if route.access == Access::Open && !needs_nothing {
            return Err(mistake("access", "another one than open, with scopes or claims", "open".to_owned()));
        }
        let claims = route.claims.into_iter().map(|(name, value)| match value {
            Value::Array(values) => (name, values),
            one => (name, vec![one]),
        });
        let (methods, access, scopes) = (route.methods, route.access, route.scopes);
        Ok(Rule { methods, path, access, scopes, claims: claims.collect() })
    };
    written.into_iter().enumerate().map(read).collect()
}

/// Returns `true` if the text is a token of HTTP (RFC 9110 §5.6.2).
pub(crate) fn is_token(text: &str) -> bool {
    let is_of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_of_token)
}

//! The right to use the console: this machine has it, by one of its own names, and no page of another site.

use hyper::header::{HeaderMap, HeaderValue};
use std::net::SocketAddr;

/// The names of this machine for itself.
const NAMES: &[&str] = &["127.0.0.1", "localhost", "[::1]"];

/// Checks a request.
///
/// # Errors
/// The request is refused, with the reason. It comes from another machine; or its host is another name, since a page
/// can give its own name this machine's address; or the page of another site sends it.
pub(super) fn check(headers: &HeaderMap, is_post: bool, client: SocketAddr) -> Result<(), &'static str> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if !client.ip().to_canonical().is_loopback() {
        return Err("the console is for this machine alone");
    }
    let host = text("host").unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    if !NAMES.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return Err("the console answers to 127.0.0.1 and localhost alone");
    }
    if !is_post {
        return Ok(());
    }
    let is_own = match text("origin") {
        Some(origin) => origin.strip_prefix("http://").is_some_and(|origin| origin.eq_ignore_ascii_case(host)),
        // Every browser sends it with a POST. The value `none` is a person at the address bar.
        None => matches!(text("sec-fetch-site"), None | Some("same-origin" | "none")),
    };
    if is_own { Ok(()) } else { Err("a page of another site may not do this") }
}

/// Adds the headers by which a browser lets a page of the console load its own style and script, and do nothing else.
pub(super) fn fence(headers: &mut HeaderMap) {
    for (name, value) in [
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        // Without a referrer to its own site a browser's POST has the origin `null`.
        ("referrer-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_of(pairs: &[(&'static str, &'static str)], is_post: bool, client: &str) -> Result<(), &'static str> {
        let pairs = pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        check(&pairs.collect(), is_post, client.parse().unwrap())
    }

    #[test]
    fn only_this_machine_by_its_own_names_may_look() {
        for host in ["127.0.0.1:8080", "localhost", "LocalHost:1", "[::1]:8080"] {
            assert_eq!(check_of(&[("host", host)], false, "127.0.0.1:5"), Ok(()), "{host}");
        }
        for host in ["evil.example:8080", "127.0.0.1.evil.example", "", "localhost:x"] {
            assert!(check_of(&[("host", host)], false, "127.0.0.1:5").is_err(), "{host}");
        }
        assert!(check_of(&[("host", "127.0.0.1:8080")], false, "192.0.2.7:5").is_err());
        assert_eq!(check_of(&[("host", "[::1]:8080")], false, "[::ffff:127.0.0.1]:5"), Ok(()));
    }

    #[test]
    fn only_its_own_pages_and_programs_may_post() {
        let host = ("host", "127.0.0.1:8080");
        let post = |more: &[(&'static str, &'static str)]| check_of(&[&[host], more].concat(), true, "127.0.0.1:5");
        assert_eq!(post(&[]), Ok(()));
        assert_eq!(post(&[("origin", "http://127.0.0.1:8080")]), Ok(()));
        for origin in ["null", "http://evil.example", "http://127.0.0.1:9090", "https://127.0.0.1:8080"] {
            assert!(post(&[("origin", origin)]).is_err(), "{origin}");
        }
        assert!(post(&[("sec-fetch-site", "cross-site")]).is_err());
    }
}

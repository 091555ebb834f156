//! The proxy in front of each server.

use crate::url::{Origin, Url};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use handlers_sdk::{Config, Error};
use percent_encoding::percent_decode_str;
use std::fmt;
use std::net::IpAddr;

/// A proxy: its address, and the credentials of its user.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    pub(crate) origin: Origin,
    /// The value of `Proxy-Authorization`.
    pub(crate) user: Option<String>,
}

/// The user is not shown, since it has a password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.origin.host_and_port()).finish()
    }
}

/// The proxies for the two schemes, and the hosts that are reached without.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies {
    https: Option<Proxy>,
    http: Option<Proxy>,
    without: Vec<String>,
}

impl Proxy {
    /// Reads `http://user:password@host:port`; `None` if the text has another form.
    fn read(text: &str) -> Option<Proxy> {
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let (user, text) = match text.split_once("://")?.1.rsplit_once('@') {
            None => (None, text),
            Some((user, host)) => {
                let user: Vec<u8> = percent_decode_str(user).collect();
                (Some(format!("Basic {}", STANDARD.encode(user))), format!("http://{host}"))
            }
        };
        let url = Url::read(&text).ok()?;
        // Without a port it is the scheme's, as for every URL.
        (!url.origin.is_tls && url.target == "/").then_some(Proxy { origin: url.origin, user })
    }
}

impl Proxies {
    /// Returns the configured proxies, or those of the environment. `"none"` is no proxy, whatever the environment
    /// says.
    pub(crate) fn read(config: &Config, proxy: Option<&str>, without: Option<&str>) -> Result<Proxies, Error> {
        let mut proxies = Proxies::default();
        let expected = "none, or the URL of a proxy such as http://proxy.internal:3128";
        match proxy {
            Some("none") => return Ok(proxies),
            Some(text) => {
                // The message leaves out the text, which may have a password.
                let proxy = Proxy::read(text).ok_or_else(|| config.mistake("proxy", expected, "something else"))?;
                (proxies.http, proxies.https) = (Some(proxy.clone()), Some(proxy));
            }
            None => {
                let of = |names: &[&'static str]| {
                    let Some((name, text)) = variable(config, names) else { return Ok(None) };
                    let wrong = || config.mistake("proxy", format!("in {name} {expected}"), "something else");
                    Proxy::read(text).map(Some).ok_or_else(wrong)
                };
                proxies.https = of(&["HTTPS_PROXY", "https_proxy"])?;
                // Only names in small letters are read, as everybody does: in capitals a header `Proxy` of a CGI would
                // set the variable.
                proxies.http = of(&["http_proxy"])?;
            }
        }
        let without = without.or_else(|| variable(config, &["NO_PROXY", "no_proxy"]).map(|(_, text)| text));
        let names = without.unwrap_or_default().split(',').map(|name| name.trim().to_ascii_lowercase());
        proxies.without = names.filter(|name| !name.is_empty()).collect();
        Ok(proxies)
    }

    /// Returns the proxy for a server; `None` if it is reached without.
    pub(crate) fn of(&self, origin: &Origin) -> Option<&Proxy> {
        let proxy = if origin.is_tls { self.https.as_ref() } else { self.http.as_ref() };
        proxy.filter(|_| !self.is_without(origin))
    }

    fn is_without(&self, origin: &Origin) -> bool {
        // The machine itself is behind no proxy.
        let is_own = origin.host.parse::<IpAddr>().map_or(origin.host == "localhost", |ip| ip.is_loopback());
        is_own
            || self.without.iter().any(|name| {
                let (name, port) = match name.rsplit_once(':') {
                    Some((before, port)) if !before.contains(':') => (before, port.parse().ok()),
                    _ => (&**name, None),
                };
                let name = name.strip_prefix('*').unwrap_or(name);
                let domain = name.strip_prefix('.').unwrap_or(name);
                let is_below = origin.host.strip_suffix(domain).is_some_and(|host| host.ends_with('.'));
                (port.is_none() || port == Some(origin.port)) && (name.is_empty() || origin.host == domain || is_below)
            })
    }
}

fn variable(config: &Config, names: &[&'static str]) -> Option<(&'static str, &'static str)> {
    let set = |name: &&'static str| config.env(name).filter(|text| !text.is_empty()).map(|text| (*name, text));
    names.iter().find_map(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        Url::read(text).expect("a URL").origin
    }

    #[test]
    fn a_proxy_has_a_host_and_maybe_a_user() {
        let proxy = Proxy::read("http://us%65r:p%40ss@proxy:3128").expect("a proxy");
        assert_eq!(proxy.origin.host_and_port(), "proxy:3128");
        assert_eq!(proxy.user.as_deref(), Some("Basic dXNlcjpwQHNz"));
        let literal = Proxy::read("http://user:100%@proxy").and_then(|proxy| proxy.user);
        assert_eq!(literal.as_deref(), Some("Basic dXNlcjoxMDAl"), "a sign by itself codes nothing");
        assert!(!format!("{proxy:?}").contains("dXNl"));
        assert_eq!(Proxy::read("proxy:8080/").map(|proxy| proxy.origin.port), Some(8080));
        for text in ["https://proxy", "socks5://proxy", "http://proxy/path", "http://"] {
            assert_eq!(Proxy::read(text), None, "{text}");
        }
    }

    #[test]
    fn some_servers_are_reached_without() {
        let without = ["internal.example", ".corp", "*.lab", "10.0.0.1", "api.example:8443"].map(str::to_owned);
        let proxy = Proxy::read("http://proxy:1");
        let proxies = Proxies { https: proxy.clone(), http: proxy, without: without.to_vec() };
        for (url, is_proxied) in [
            ("https://shop.example", true),
            ("https://internal.example", false),
            ("https://a.internal.example", false),
            ("https://notinternal.example", true),
            ("http://a.corp", false),
            ("http://a.lab", false),
            ("http://10.0.0.1:99", false),
            ("https://api.example", true),
            ("https://api.example:8443", false),
            ("http://localhost:2773", false),
            ("http://127.0.0.1", false),
            ("http://[::1]", false),
        ] {
            assert_eq!(proxies.of(&origin(url)).is_some(), is_proxied, "{url}");
        }
        let all = Proxies { without: vec!["*".to_owned()], ..proxies };
        assert_eq!(all.of(&origin("https://shop.example")), None);
    }
}

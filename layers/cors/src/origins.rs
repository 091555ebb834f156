//! The origins that may read replies: exact ones, patterns with `*` in the place of subdomains or the port, `null`, or
//! all.

/// One allowed origin.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    /// An origin that is compared byte for byte, as browsers write it. `null` is one.
    Exact(String),
    /// A pattern such as `https://*.shop.example` or `http://localhost:*`.
    Pattern(Pattern),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    scheme: String,
    /// The host, with the dot in front if subdomains go before it.
    host: String,
    has_subdomains: bool,
    port: Port,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Port {
    Any,
    /// Exactly this port; empty for the scheme's own.
    Exact(String),
}

/// All origins that are allowed.
#[derive(Debug)]
pub(crate) struct Origins {
    is_any: bool,
    list: Vec<Origin>,
}

/// The form of an element that is expected, for messages.
pub(crate) const EXPECTED: &str =
    "*, null, or an origin such as https://shop.example, https://*.shop.example or http://localhost:*";

impl Origins {
    /// Reads the configured origins. The error is the index of the first text that is no origin.
    pub(crate) fn read(texts: &[String]) -> Result<Origins, usize> {
        let mut list = Vec::new();
        for (index, text) in texts.iter().enumerate().filter(|(_, text)| *text != "*") {
            list.push(Origin::read(text).ok_or(index)?);
        }
        Ok(Origins { is_any: texts.iter().any(|text| text == "*"), list })
    }

    /// Returns `true` if every origin may, so that the reply is the same for all.
    pub(crate) fn is_any(&self) -> bool {
        self.is_any
    }

    /// Returns `true` if this origin may read replies.
    pub(crate) fn allow(&self, origin: &str) -> bool {
        self.is_any || self.list.iter().any(|allowed| allowed.is(origin))
    }
}

/// Returns scheme, host and port of the text that a browser sends as `Origin`. The port is empty where it is the
/// scheme's own. It is `None` if the text has another form.
fn parts(origin: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = origin.split_once("://")?;
    // The colons of an IPv6 address stand in brackets.
    let after_host = rest.rfind(']').map_or(0, |end| end + 1);
    let (host, port) = match rest[after_host..].find(':') {
        Some(colon) => (&rest[..after_host + colon], &rest[after_host + colon + 1..]),
        None => (rest, ""),
    };
    Some((scheme, host, port))
}

impl Origin {
    fn read(text: &str) -> Option<Origin> {
        if text == "null" {
            return Some(Origin::Exact(text.to_owned()));
        }
        let (scheme, host, port) = parts(text)?;
        let is_scheme = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
        let has_subdomains = host.starts_with("*.");
        let host = if has_subdomains { &host[1..] } else { host };
        let is_host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).map_or_else(
            || host.chars().all(is_of_name) && !host.trim_matches('.').is_empty(),
            |address| !has_subdomains && address.parse::<std::net::Ipv6Addr>().is_ok(),
        );
        // A browser leaves out the port that is the scheme's own, so such an origin would never be met.
        let is_never_sent = matches!((scheme, port), ("http", "80") | ("https", "443"));
        let is_port = port == "*" || port.is_empty() && !text.ends_with(':') || port.parse::<u16>().is_ok();
        if scheme.is_empty() || !scheme.chars().all(is_scheme) || !is_host || !is_port || is_never_sent {
            return None;
        }
        if !has_subdomains && port != "*" {
            return Some(Origin::Exact(text.to_owned()));
        }
        let port = if port == "*" { Port::Any } else { Port::Exact(port.to_owned()) };
        Some(Origin::Pattern(Pattern { scheme: scheme.to_owned(), host: host.to_owned(), has_subdomains, port }))
    }

    fn is(&self, origin: &str) -> bool {
        match self {
            Origin::Exact(exact) => exact == origin,
            Origin::Pattern(pattern) => pattern.fits(origin),
        }
    }
}

impl Pattern {
    fn fits(&self, origin: &str) -> bool {
        let Some((scheme, host, port)) = parts(origin) else { return false };
        let is_host = if self.has_subdomains {
            host.strip_suffix(self.host.as_str()).is_some_and(|sub| !sub.is_empty() && sub.chars().all(is_of_name))
        } else {
            host == self.host
        };
        let is_port = match &self.port {
            Port::Any => port.is_empty() || port.parse::<u16>().is_ok(),
            Port::Exact(exact) => port == exact,
        };
        scheme == self.scheme && is_host && is_port
    }
}

/// Returns `true` for a character that a host name has once a browser has written it. Other characters end the host.
fn is_of_name(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(texts: &[&str]) -> Origins {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        Origins::read(&texts).expect("they are origins")
    }

    #[test]
    fn an_origin_is_met_byte_for_byte_and_a_pattern_by_its_parts() {
        let allowed =
            origins(&["https://shop.example", "https://*.shop.example", "http://localhost:*", "http://[::1]:8080"]);
        for origin in [
            "https://shop.example",
            "https://a.shop.example",
            "https://a.b.shop.example",
            "http://localhost",
            "http://localhost:3000",
            "http://[::1]:8080",
        ] {
            assert!(allowed.allow(origin), "{origin}");
        }
        for origin in [
            "http://shop.example",
            "https://shop.example:8443",
            "https://shop.example.evil.example",
            "https://evilshop.example",
            "https://.shop.example",
            "https://evil.example/.shop.example",
            "https://evil.example?.shop.example",
            "https://evil.example#@a.shop.example",
            "https://user@a.shop.example",
            "https://a.shop.example:8443",
            "http://localhost:x",
            "http://localhost:3000/",
            "http://localhost.evil.example:3000",
            "null",
            "",
        ] {
            assert!(!allowed.allow(origin), "{origin}");
        }
    }

    #[test]
    fn null_is_an_origin_of_its_own() {
        assert!(origins(&["null"]).allow("null") && !origins(&["null"]).allow("https://a.example"));
        assert!(origins(&["*"]).allow("null") && origins(&["*"]).is_any());
    }

    #[test]
    fn what_no_browser_sends_is_refused() {
        for text in [
            "",
            "shop.example",
            "https://",
            "https://shop.example/",
            "https://Shop.example",
            "https://shop.example:443",
            "http://shop.example:80",
            "https://shop.example:",
            "https://shop.example:99999",
            "https://a.*.example",
            "https://*shop.example",
            "https://*.",
            "https://*",
            "https://[::1",
            "*://shop.example",
        ] {
            let texts = ["https://a.example".to_owned(), text.to_owned()];
            assert_eq!(Origins::read(&texts).err(), Some(1), "{text:?}");
        }
    }
}

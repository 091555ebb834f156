//! The target of a request: an absolute URL, taken apart. Nothing here looks up a name.

/// The parts of a URL: the server, and the target asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) origin: Origin,
    /// The path and query, beginning with `/`.
    pub(crate) target: String,
}

/// The scheme, host and port of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) is_tls: bool,
    /// The host in lower case, without the brackets of an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Origin {
    /// Returns the text of `Host`. The port stands in it where it is not the scheme's own.
    pub(crate) fn authority(&self) -> String {
        let usual = if self.is_tls { 443 } else { 80 };
        if self.port == usual { self.bracketed() } else { self.host_and_port() }
    }

    /// Returns the host with its port in any case.
    pub(crate) fn host_and_port(&self) -> String {
        format!("{}:{}", self.bracketed(), self.port)
    }

    fn bracketed(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

impl Url {
    /// Reads a URL. It is ASCII, and has no user: that belongs into a header.
    ///
    /// # Errors
    /// The URL is wrong, for this reason. The words do not repeat the URL, in which a query may be secret.
    pub(crate) fn read(text: &str) -> Result<Url, &'static str> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the URL has a space, a control character or a letter that is not ASCII: encode it");
        }
        let (scheme, rest) = text.split_once("://").ok_or("the URL is not absolute")?;
        let is_tls = match scheme {
            _ if scheme.eq_ignore_ascii_case("https") => true,
            _ if scheme.eq_ignore_ascii_case("http") => false,
            _ => return Err("the URL is neither http nor https"),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
        if authority.contains('@') {
            return Err("the URL has a user: send a header Authorization instead");
        }
        let origin = origin(is_tls, authority).ok_or("the URL has no host, or its port is no number up to 65535")?;
        let slash = if target.starts_with('/') { "" } else { "/" };
        Ok(Url { origin, target: format!("{slash}{target}") })
    }
}

/// Returns host and port of an authority; `None` if they are wrong.
fn origin(is_tls: bool, authority: &str) -> Option<Origin> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        None if is_tls => 443,
        None => 80,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok().filter(|port| *port > 0)?
        }
        Some(_) => return None,
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte);
    let is_host = !host.is_empty() && host.bytes().all(is_name);
    is_host.then(|| Origin { is_tls, host: host.to_ascii_lowercase(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        for (text, is_tls, authority, host_and_port, target) in [
            ("http://a", false, "a", "a:80", "/"),
            ("HTTPS://A.example:443/x?y=1#z", true, "a.example", "a.example:443", "/x?y=1"),
            ("https://a:8443?q", true, "a:8443", "a:8443", "/?q"),
            ("http://[::1]:80/", false, "[::1]", "[::1]:80", "/"),
            ("http://[::1]", false, "[::1]", "[::1]:80", "/"),
            ("http://169.254.169.254/latest", false, "169.254.169.254", "169.254.169.254:80", "/latest"),
        ] {
            let url = Url::read(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            let found = (url.origin.is_tls, url.origin.authority(), url.origin.host_and_port(), url.target);
            assert_eq!(found, (is_tls, authority.to_owned(), host_and_port.to_owned(), target.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_url_or_hides_a_second_request_is_refused() {
        for text in [
            "",
            "/x",
            "a.example/x",
            "ftp://a",
            "http://",
            "http://:80",
            "http://a:",
            "http://a:b",
            "http://a:0",
            "http://a:70000",
            "http://u:p@a/",
            "http://a b/",
            "http://a/\r\nHost: b",
            "http://a/ü",
            "http://[::1",
            "http://[x]",
            "http://[::1]x",
            "http://a:+80",
            "http://a\\b/",
            "http://%41/",
        ] {
            assert!(Url::read(text).is_err(), "{text:?}");
        }
    }
}

//! A request that came over HTTP itself.
//!
//! Behind a proxy the client's address and scheme are what the last hop says: the last element of `x-forwarded-for`,
//! `x-forwarded-proto`. Without one they are the connection's own.

use super::view::{Body, HttpView, last_element};
use crate::fields::caseless;
use crate::http1::Message;

/// Fills a view from a message. `peer` is the address of the connection's other end, without its port.
pub(super) fn read(message: &Message, peer: &str, mut view: HttpView) -> HttpView {
    view.clear();
    view.set_method(message.method());
    let target = message.target();
    let (path, query) = match target.iter().position(|byte| *byte == b'?') {
        Some(at) => (&target[..at], &target[at + 1..]),
        None => (target, &[][..]),
    };
    view.set_raw_path(path);
    view.decode_path();
    view.set_raw_query(query);
    view.decode_query();
    view.set_host(message.host().unwrap_or_default());
    view.set_protocol(message.head().protocol().as_bytes());
    let mut scheme: &[u8] = b"http";
    let mut client = peer.as_bytes();
    for (name, value) in message.headers() {
        view.headers.add(name, value);
        if caseless(name, b"x-forwarded-proto") {
            scheme = last_element(value);
        } else if caseless(name, b"x-forwarded-for") {
            client = last_element(value);
        }
    }
    view.set_scheme(scheme);
    view.set_client_ip(client);
    view.read_cookies();
    view.body = if message.body().is_empty() { Body::Empty } else { Body::Whole };
    view
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::Assembly;
    use crate::trigger::{Form, Kind, Reading};

    fn request(target: &str, headers: &[(&str, &str)], body: &[u8]) -> HttpView {
        let mut assembly = Assembly::request(Vec::new(), b"PUT", target.as_bytes(), b"");
        headers.iter().for_each(|(name, value)| assembly.header(name.as_bytes(), value.as_bytes()));
        assembly.body().extend_from_slice(body);
        let reading = Reading::of_request(&assembly.finish(), "192.0.2.1", HttpView::default());
        assert_eq!((reading.kind, reading.source, reading.form), (Kind::Http, "http", Form::Native));
        reading.http.expect("a request has a view")
    }

    fn pairs(fields: &crate::fields::Fields) -> Vec<(&[u8], &[u8])> {
        fields.iter().collect()
    }

    #[test]
    fn a_request_is_told_as_it_came_and_decoded() {
        let view = request("/a%2Fb?x=1&x=%32+&y", &[("Host", "h.example"), ("Cookie", "a=1; b=2")], b"body");
        assert_eq!((view.method(), view.raw_path(), view.path()), (&b"PUT"[..], &b"/a%2Fb"[..], &b"/a/b"[..]));
        assert_eq!(view.raw_query(), b"x=1&x=%32+&y");
        assert_eq!(pairs(&view.query), [(&b"x"[..], &b"1"[..]), (b"x", b"2 "), (b"y", b"")]);
        assert_eq!(pairs(&view.cookies), [(&b"a"[..], &b"1"[..]), (b"b", b"2")]);
        assert_eq!((view.host(), view.protocol()), (&b"h.example"[..], &b"HTTP/1.1"[..]));
        assert!(matches!(view.body, Body::Whole));
        let newer = Assembly::request(Vec::new(), b"GET", b"/", b"").over_http2().finish();
        assert_eq!(read(&newer, "", HttpView::default()).protocol(), b"HTTP/2.0");
        assert!(matches!(request("/", &[], b"").body, Body::Empty));
    }

    #[test]
    fn behind_a_proxy_the_last_hop_says_client_and_scheme() {
        let bare = request("/", &[], b"");
        assert_eq!((bare.client_ip(), bare.scheme()), (&b"192.0.2.1"[..], &b"http"[..]));
        let headers =
            [("x-forwarded-for", "10.0.0.1"), ("X-Forwarded-For", "a, 10.0.0.2"), ("x-forwarded-proto", "https")];
        let proxied = request("/", &headers, b"");
        assert_eq!((proxied.client_ip(), proxied.scheme()), (&b"10.0.0.2"[..], &b"https"[..]));
    }
}

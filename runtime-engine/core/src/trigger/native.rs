//! A request that came over HTTP itself.
//!
//! Address and scheme are the connection's own, unless proxies in front are trusted and say others.

use super::view::{Body, HttpView};
use crate::http1::Message;

/// Fills an empty view from a message. `client` is the client's address as the platform says it, empty if it does not;
/// `peer` is that of the connection's other end, without its port, as the system says it.
pub(super) fn read(message: &Message, client: &[u8], peer: &str, view: &mut HttpView) {
    if !client.is_empty() {
        view.set_client_ip(client);
    }
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
    view.set_protocol(message.head().protocol().as_bytes());
    for (name, value) in message.headers() {
        view.headers.add(name, value);
    }
    view.read_way(b"http");
    // The target of a request may name the host too, and counts more than the header.
    view.set_host(message.host().unwrap_or_default());
    if view.client_ip().is_empty() {
        view.set_peer(peer);
    }
    view.body = if message.body().is_empty() { Body::Empty } else { Body::Whole };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::Assembly;
    use crate::trigger::{DecodedEvent, Kind, ReplyFormat, SpareView};

    fn request(target: &str, headers: &[(&str, &str)], body: &[u8]) -> Box<HttpView> {
        behind(0, "192.0.2.1", target, headers, body)
    }

    /// Returns the view of a request behind that many trusted proxies, the nearest of them with the address `peer`.
    fn behind(hops: usize, peer: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Box<HttpView> {
        let mut assembly = Assembly::request(Vec::new(), b"PUT", target.as_bytes(), b"");
        headers.iter().for_each(|(name, value)| assembly.header(name.as_bytes(), value.as_bytes()));
        assembly.body().extend_from_slice(body);
        let decoded = DecodedEvent::of_request(&assembly.finish(), peer, &mut SpareView::trusting(hops));
        assert_eq!((decoded.kind, decoded.source, decoded.form), (Kind::Http, "http", ReplyFormat::Native));
        decoded.http.expect("a request has a view")
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
        let mut view = HttpView::default();
        read(&newer, b"", "", &mut view);
        assert_eq!(view.protocol(), b"HTTP/2.0");
        assert!(matches!(request("/", &[], b"").body, Body::Empty));
    }

    #[test]
    fn a_client_says_its_address_and_scheme_only_through_trusted_proxies() {
        let bare = request("/", &[], b"");
        assert_eq!((bare.client_ip(), bare.scheme()), (&b"192.0.2.1"[..], &b"http"[..]));
        let headers = [
            ("x-forwarded-for", "10.0.0.1"),
            ("X-Forwarded-For", "a, 10.0.0.2:32554"),
            ("x-forwarded-proto", "https"),
            ("x-real-ip", "10.0.0.9"),
        ];
        for (hops, client, scheme) in
            [(0, &b"192.0.2.1"[..], &b"http"[..]), (1, b"10.0.0.2", b"https"), (3, b"10.0.0.1", b"https")]
        {
            let view = behind(hops, "192.0.2.1", "/", &headers, b"");
            assert_eq!((view.client_ip(), view.scheme()), (client, scheme), "{hops} trusted");
        }
    }

    #[test]
    fn the_other_end_of_a_connection_is_the_client_as_the_driver_says_it() {
        for peer in ["192.0.2.7", "2001:db8::7", ""] {
            assert_eq!(behind(1, peer, "/", &[], b"").client_ip(), peer.as_bytes());
        }
    }

    #[test]
    fn a_target_without_a_path_is_the_root() {
        let view = request("?a=1", &[], b"");
        assert_eq!((view.path(), view.raw_path(), view.raw_query()), (&b"/"[..], &b"/"[..], &b"a=1"[..]));
    }
}

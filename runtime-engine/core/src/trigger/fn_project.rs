//! Calls of the Fn agent that carry a request: its method, address and headers stand in headers of the call.
//!
//! Sources: the page on the function format in `fnproject/docs`; the kits `fdk-go` and `fdk-python`.

use super::view::{Body, HttpView, SpareView};
use super::{DecodedEvent, Kind, ReplyFormat};
use crate::fields::caseless;
use crate::http1::Message;

/// The beginning of the names of the request's own headers; the content type alone keeps its name.
const PREFIX: &[u8] = b"fn-http-h-";

/// Reads a call. The connection's other end is the agent, so only headers tell of the client.
pub(super) fn read(message: &Message, spare: &mut SpareView) -> DecodedEvent {
    let mut view = spare.take();
    view.set_method(message.method());
    view.set_protocol(b"HTTP/1.1");
    let mut url: &[u8] = b"";
    for (name, value) in message.headers() {
        if let Some((start, name)) = name.split_at_checked(PREFIX.len())
            && caseless(start, PREFIX)
        {
            view.headers.add(name, value);
        } else if caseless(name, b"content-type") {
            view.headers.add(name, value);
        } else if caseless(name, b"fn-http-method") {
            view.set_method(value);
        } else if caseless(name, b"fn-http-request-url") {
            url = value;
        }
    }
    let scheme = address(url, &mut view);
    view.read_way(scheme);
    view.body = if message.body().is_empty() { Body::Empty } else { Body::Whole };
    DecodedEvent::request(Kind::Http, "fn:http", ReplyFormat::Native, view)
}

/// Takes the address apart, which is a whole URL or begins with the path. Returns its scheme, which is `http` where it
/// names none.
fn address<'a>(url: &'a [u8], view: &mut HttpView) -> &'a [u8] {
    let (scheme, rest) = match url.windows(3).position(|three| three == b"://") {
        Some(at) if !url[..at].contains(&b'/') => (&url[..at], &url[at + 3..]),
        _ => (&b"http"[..], url),
    };
    let start = rest.iter().position(|byte| b"/?".contains(byte)).unwrap_or(rest.len());
    let (host, target) = rest.split_at(start);
    view.set_host(host);
    let query = target.iter().position(|byte| *byte == b'?');
    let path = &target[..query.unwrap_or(target.len())];
    view.set_coded_path(if path.is_empty() { b"/" } else { path });
    if let Some(at) = query {
        view.set_coded_query(&target[at + 1..]);
        view.decode_query();
    }
    scheme
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::Assembly;

    fn request(headers: &[(&str, &str)], body: &[u8]) -> Box<HttpView> {
        let mut assembly = Assembly::request(Vec::new(), b"POST", b"/call", b"localhost");
        headers.iter().for_each(|(name, value)| assembly.header(name.as_bytes(), value.as_bytes()));
        assembly.body().extend_from_slice(body);
        let decoded = read(&assembly.finish(), &mut SpareView::trusting(1));
        assert_eq!((decoded.kind, decoded.source, decoded.form), (Kind::Http, "fn:http", ReplyFormat::Native));
        decoded.http.expect("a request has a view")
    }

    #[test]
    fn the_request_stands_in_the_headers_of_the_call() {
        let view = request(
            &[
                ("Fn-Call-Id", "01A"),
                ("Fn-Intent", "httprequest"),
                ("Fn-Http-Method", "PUT"),
                ("Fn-Http-Request-Url", "https://shop.example/t/a%20b?x=1&x=2"),
                ("Fn-Http-H-Accept", "*/*"),
                ("fn-http-h-x-a", "1"),
                ("Fn-Http-H-X-A", "2"),
                ("Fn-Http-H-Cookie", "c=d"),
                ("Fn-Http-H-X-Forwarded-For", "10.0.0.1, 192.0.2.7"),
                ("Content-Type", "text/plain"),
                ("X-Own", "not the client's"),
            ],
            b"hi",
        );
        assert_eq!((view.method(), view.raw_path(), view.path()), (&b"PUT"[..], &b"/t/a%20b"[..], &b"/t/a b"[..]));
        assert_eq!(
            (view.scheme(), view.host(), view.raw_query()),
            (&b"https"[..], &b"shop.example"[..], &b"x=1&x=2"[..])
        );
        assert_eq!((view.query.len(), view.cookies.len(), view.client_ip()), (2, 1, &b"192.0.2.7"[..]));
        let names: Vec<&[u8]> = view.headers.iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            [&b"Accept"[..], b"x-a", b"X-A", b"Cookie", b"X-Forwarded-For", b"Content-Type"],
            "only the client's"
        );
        assert!(matches!(view.body, Body::Whole));
    }

    #[test]
    fn an_address_may_begin_with_its_path_and_headers_know_more_of_the_host() {
        let view = request(&[("Fn-Http-Request-Url", "/t/app?u=http://x/"), ("Fn-Http-H-Host", "shop.example")], b"");
        assert_eq!((view.method(), view.path(), view.raw_query()), (&b"POST"[..], &b"/t/app"[..], &b"u=http://x/"[..]));
        assert_eq!((view.host(), view.scheme()), (&b"shop.example"[..], &b"http"[..]));
        let view = request(&[("Fn-Http-Request-Url", "http://h:8080?a=1")], b"");
        assert_eq!((view.host(), view.path(), view.raw_query()), (&b"h:8080"[..], &b"/"[..], &b"a=1"[..]));
        let view = request(&[], b"");
        assert_eq!((view.path(), view.host()), (&b"/"[..], &b""[..]));
        assert!(matches!(view.body, Body::Empty));
    }
}

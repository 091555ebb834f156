//! A request that came over HTTP itself.
//!
//! Behind a proxy the client's address and scheme are what the last hop says: the last element of `x-forwarded-for`,
//! `x-forwarded-proto`. Without one they are the connection's own.

use super::view::{Body, HttpView, last_element};
use crate::fields::caseless;
use crate::http1::{Message, Version};

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
    view.set_protocol(match message.version() {
        Version::Http10 => b"HTTP/1.0",
        Version::Http11 => b"HTTP/1.1",
    });
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

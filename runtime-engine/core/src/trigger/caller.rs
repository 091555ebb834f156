//! The caller of a request, by the words of the proxies on the way: the one place that makes an address out of a
//! proxy's text, and that decides whose word counts.
//!
//! A proxy adds the address of whoever connected to it to the end of `X-Forwarded-For`; everything before that is what
//! it was sent, and a client may send anything. With `n` trusted proxies the `n`-th element from the end is therefore
//! the first that a client cannot choose. With none the header says nothing. How many there are is `FAAS_TRUSTED_HOPS`,
//! or the platform's own number.

use crate::fields::{Fields, caseless};
use std::net::Ipv4Addr;

/// The number of trusted proxies in front, the nearest included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hops(pub(super) usize);

impl Hops {
    /// Returns the element that the outermost trusted proxy added to a list header. The list may stand in one line or
    /// in several. A list that is shorter than the number of proxies has not come through all of them: its first
    /// element counts. `None` means that no proxy is trusted, or that the list has no element.
    pub(super) fn told<'a>(self, headers: &'a Fields, name: &[u8]) -> Option<&'a [u8]> {
        let mut left = self.0;
        let mut outermost = None;
        if left == 0 {
            return None;
        }
        for index in (0..headers.len()).rev() {
            let Some((other, list)) = headers.at(index) else { continue };
            if !caseless(other, name) {
                continue;
            }
            let elements = list.rsplit(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            for element in elements.filter(|element| !element.is_empty()) {
                outermost = Some(element);
                left -= 1;
                if left == 0 {
                    return outermost;
                }
            }
        }
        outermost
    }
}

/// Returns the address in a text such as `192.0.2.7`, `192.0.2.7:32554`, `[2001:db8::7]:443` or `::ffff:192.0.2.7`. It
/// has no port, brackets or quotes, and an IPv4 address stands as one. A text that is no address, as consoles send
/// some, stays as it is.
pub(super) fn address(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    let text = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text);
    let bare = match text.strip_prefix(b"[") {
        Some(inner) => inner.split(|byte| *byte == b']').next().unwrap_or_default(),
        None => without_port(text),
    };
    const MAPPED: &[u8] = b"::ffff:";
    let is_mapped = bare.get(..MAPPED.len()).is_some_and(|start| caseless(start, MAPPED));
    match bare.get(MAPPED.len()..).filter(|_| is_mapped) {
        Some(inner) if std::str::from_utf8(inner).is_ok_and(|inner| inner.parse::<Ipv4Addr>().is_ok()) => inner,
        _ => bare,
    }
}

/// Removes a port. Only a text with a single colon can end in one: an IPv6 address without brackets has several.
fn without_port(text: &[u8]) -> &[u8] {
    let mut parts = text.split(|byte| *byte == b':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(host), Some(port), None) if port.iter().all(u8::is_ascii_digit) => host,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_neither_port_nor_brackets() {
        for (text, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("10.1.22.195:32554", "10.1.22.195"),
            (" 192.0.2.7\t", "192.0.2.7"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:443", "2001:db8::7"),
            ("\"[2001:db8::7]:443\"", "2001:db8::7"),
            ("[2001:db8::7", "2001:db8::7"),
            ("::1", "::1"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("[::FFFF:192.0.2.7]:80", "192.0.2.7"),
            ("::ffff:c000:207", "::ffff:c000:207"),
            ("test-invoke-source-ip", "test-invoke-source-ip"),
            ("name:word", "name:word"),
            ("", ""),
        ] {
            assert_eq!(String::from_utf8_lossy(address(text.as_bytes())), expected, "{text}");
        }
    }
}

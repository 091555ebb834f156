//! The rules of the platform: its refusals before an instance sees a request, answers that it does not take, and
//! breaches that a good runtime avoids although the platform lets them pass.

use super::wire::{Head, Headers};

/// The most bytes of headers in a request, and in an answer.
const MAX_HEADERS: usize = 8 << 10;
/// The most bytes of path and query in a request.
const MAX_TARGET: usize = 4 << 10;
/// The most bytes of the body of a call that is waited for.
const MAX_BODY: usize = 32 << 20;
/// The most bytes of the body of a call that is not waited for.
const MAX_ASYNC: usize = 128 << 10;

/// Returns the reason why a request is not sent; `None` if it is sent.
pub(super) fn refuses(target: &str, headers: &Headers, body: usize, asynchronous: bool) -> Option<String> {
    let size: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > MAX_HEADERS {
        Some(format!("the headers have {size} bytes"))
    } else if target.len() > MAX_TARGET {
        Some(format!("path and query have {} bytes", target.len()))
    } else if body > if asynchronous { MAX_ASYNC } else { MAX_BODY } {
        Some(format!("the payload has {body} bytes"))
    } else {
        None
    }
}

/// Returns the reason why an answer is not taken; `None` if it is taken.
pub(super) fn rejects(head: &Head) -> Option<String> {
    (head.bytes > MAX_HEADERS).then(|| format!("BadResponse: the headers have {} bytes", head.bytes))
}

/// Returns the breaches in the answer to an event or request.
pub(super) fn breaches(head: &Head, is_event: bool) -> Vec<String> {
    let mut found = Vec::new();
    let said = head.all("x-fc-status");
    let failed = said == ["404"];
    if !matches!(said[..], [] | ["200" | "404"]) {
        found.push(format!("x-fc-status says {said:?}"));
    }
    if failed && (200..400).contains(&head.status) {
        found.push(format!("status {} with x-fc-status 404", head.status));
    }
    if is_event && !failed && head.status != 200 {
        found.push(format!("the platform takes status {} without x-fc-status 404 for a success", head.status));
    }
    for (name, _) in &head.headers {
        let name = name.to_ascii_lowercase();
        if name.starts_with("x-fc-") && name != "x-fc-status" {
            found.push(format!("a header of the platform's own: {name}"));
        }
        if matches!(&*name, "keep-alive" | "proxy-connection" | "upgrade") {
            found.push(format!("a header of the connection: {name}"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(status: u16, headers: &[(&str, &str)]) -> Head {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Head { status, headers, bytes: 100 }
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let headers = |size| vec![("a".to_owned(), "x".repeat(size))];
        assert_eq!(refuses("/", &headers(8 << 10), 0, false), Some("the headers have 8193 bytes".to_owned()));
        assert_eq!(
            refuses(&"/".repeat(4097), &headers(1), 0, false).as_deref(),
            Some("path and query have 4097 bytes")
        );
        assert!(refuses("/", &headers(1), (32 << 20) + 1, false).is_some());
        assert!(refuses("/", &headers(1), (128 << 10) + 1, true).is_some());
        assert_eq!(refuses(&"/".repeat(4096), &headers(8191), 32 << 20, false), None);
        assert!(rejects(&Head { bytes: 8193, ..head(200, &[]) }).is_some());
        assert!(rejects(&head(200, &[])).is_none());
    }

    #[test]
    fn an_answer_says_what_it_is_and_nothing_of_the_platforms() {
        for (status, headers, is_event, breaches_found) in [
            (200, &[][..], true, 0),
            (200, &[("x-fc-status", "200")][..], true, 0),
            (404, &[("X-Fc-Status", "404")][..], true, 0),
            (404, &[][..], true, 1),
            (201, &[("x-fc-status", "200")][..], true, 1),
            (200, &[("x-fc-status", "404")][..], true, 1),
            (404, &[][..], false, 0),
            (500, &[("x-fc-status", "404")][..], false, 0),
            (200, &[("x-fc-status", "200"), ("x-fc-status", "200")][..], false, 1),
            (200, &[("x-fc-status", "ok")][..], false, 1),
            (200, &[("x-fc-request-id", "1"), ("Keep-Alive", "1")][..], false, 2),
        ] {
            let found = breaches(&head(status, headers), is_event);
            assert_eq!(found.len(), breaches_found, "{status} {headers:?}: {found:?}");
        }
    }
}

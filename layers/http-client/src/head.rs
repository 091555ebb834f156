//! The head of a request as bytes. A text that would make two requests of one is refused here.

use crate::fault::Fault;
use crate::url::Url;
use handlers_sdk::service::ServiceErrorKind;
use handlers_sdk::service::http::ClientRequest;

/// The headers that only this file writes.
const OWN: [&str; 7] =
    ["host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "proxy-authorization"];

/// The agent that is named in a request whose caller names no agent: some servers refuse requests without one.
const USER_AGENT: &str = concat!("faas-http-client/", env!("CARGO_PKG_VERSION"));

/// Returns `true` for a method by which the same request a second time changes nothing more (RFC 9110, 9.2.2).
pub(crate) fn is_idempotent(method: &str) -> bool {
    ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"].contains(&method)
}

/// Returns `true` for a token (RFC 9110, 5.6.2).
fn is_token(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_letter)
}

fn is_value(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'\t' || byte >= b' ' && byte != 0x7f)
}

/// Writes the head. `proxy` is set where a proxy is sent the whole URL, and has the credentials of its user, if there
/// is one.
///
/// # Errors
/// A part cannot be sent. It is told by its name and without its value.
pub(crate) fn write(request: &ClientRequest, url: &Url, proxy: Option<&Option<String>>) -> Result<Vec<u8>, Fault> {
    let invalid = |why: String| Fault::new(ServiceErrorKind::Invalid, why);
    let method = request.method();
    if !is_token(method) || method.eq_ignore_ascii_case("CONNECT") {
        return Err(invalid("expected a method such as GET or POST, and not CONNECT".to_owned()));
    }
    let authority = url.origin.authority();
    let mut head = match proxy {
        None => format!("{method} {} HTTP/1.1\r\nhost: {authority}\r\n", url.target),
        Some(_) => format!("{method} http://{authority}{} HTTP/1.1\r\nhost: {authority}\r\n", url.target),
    };
    if let Some(Some(user)) = proxy {
        head.push_str(&format!("proxy-authorization: {user}\r\n"));
    }
    let mut has_agent = false;
    for (index, (name, value)) in request.headers().enumerate() {
        if !is_token(name) {
            // The name may be a value in a wrong place.
            let place = index + 1;
            return Err(invalid(format!(
                "the name of header {place} is empty, or has a character that no name may have"
            )));
        }
        if OWN.iter().any(|own| name.eq_ignore_ascii_case(own)) {
            return Err(invalid(format!("the header {name} is not the caller's to set")));
        }
        if !is_value(value) {
            return Err(invalid(format!("the value of the header {name} has a control character")));
        }
        has_agent |= name.eq_ignore_ascii_case("user-agent");
        head.push_str(name);
        head.push_str(": ");
        head.push_str(value);
        head.push_str("\r\n");
    }
    if !has_agent {
        head.push_str(&format!("user-agent: {USER_AGENT}\r\n"));
    }
    let length = request.content().len();
    if length > 0 || ["POST", "PUT", "PATCH"].contains(&method) {
        head.push_str(&format!("content-length: {length}\r\n"));
    }
    head.push_str("\r\n");
    Ok(head.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(request: &ClientRequest) -> Result<String, ServiceErrorKind> {
        let url = Url::read(request.url()).expect("a URL");
        write(request, &url, None).map(|head| String::from_utf8(head).expect("text")).map_err(|fault| fault.kind)
    }

    #[test]
    fn a_head_has_host_length_and_what_the_caller_says() {
        let request =
            ClientRequest::post("http://a:81/x?y").header("X-One", "1").header("user-agent", "me").body("four");
        let expected = "POST /x?y HTTP/1.1\r\nhost: a:81\r\nX-One: 1\r\nuser-agent: me\r\ncontent-length: 4\r\n\r\n";
        assert_eq!(written(&request).as_deref(), Ok(expected));
        let plain = written(&ClientRequest::get("http://a/")).expect("it can be sent");
        assert!(plain.contains("\r\nuser-agent: faas-http-client/") && !plain.contains("content-length"), "{plain}");
    }

    #[test]
    fn nothing_of_a_caller_begins_a_second_line_or_request() {
        for (name, value) in [
            ("x", "1\r\ny: 2"),
            ("x", "1\n"),
            ("x", "\0"),
            ("x\r\ny", "1"),
            ("x y", "1"),
            ("x:", "1"),
            ("", "1"),
            ("Host", "b"),
            ("content-Length", "0"),
            ("transfer-encoding", "chunked"),
            ("connection", "close"),
        ] {
            let request = ClientRequest::get("http://a/").header(name, value);
            assert_eq!(written(&request), Err(ServiceErrorKind::Invalid), "{name:?}: {value:?}");
        }
        for method in ["", "GET /x HTTP/1.1\r\n\r\nGET", "G T", "CONNECT", "connect"] {
            assert_eq!(written(&ClientRequest::new(method, "http://a/")), Err(ServiceErrorKind::Invalid), "{method:?}");
        }
    }

    #[test]
    fn a_name_that_is_no_name_is_told_by_its_place() {
        let url = Url::read("http://a/").expect("a URL");
        let request = ClientRequest::get("http://a/").header("x", "1").header("Bearer: secret", "x");
        let why = write(&request, &url, None).expect_err("it cannot be sent").why;
        assert!(why.contains("header 2 ") && !why.contains("secret"), "{why}");
    }

    #[test]
    fn a_proxy_is_sent_the_whole_url() {
        let url = Url::read("http://a/x").expect("a URL");
        let head = write(&ClientRequest::get("http://a/x"), &url, Some(&Some("Basic dTpw".to_owned())));
        let head = String::from_utf8(head.expect("it can be sent")).expect("text");
        assert!(
            head.starts_with("GET http://a/x HTTP/1.1\r\nhost: a\r\nproxy-authorization: Basic dTpw\r\n"),
            "{head}"
        );
    }
}

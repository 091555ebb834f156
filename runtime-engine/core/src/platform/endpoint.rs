//! Addresses in the environment: where a control plane is asked, and on which host to listen.

use crate::settings::BadSetting;
use std::net::Ipv6Addr;

/// The port that a client of HTTP takes for an address without a port.
const HTTP_PORT: u16 = 80;

/// Reads `host:port` out of the value of a variable that says where a control plane is. A URL is taken where it says no
/// more than that (`http://host:port/`). An address without a port means port 80, as it does to any client of HTTP.
///
/// # Errors
/// The value is no such address: a wrong one would be asked again and again, and named nowhere.
pub(super) fn endpoint(variable: &'static str, text: &str, expected: &'static str) -> Result<String, BadSetting> {
    let read = || {
        let address = bare(text);
        if let Ok(alone) = address.parse::<Ipv6Addr>() {
            return Some(format!("[{alone}]:{HTTP_PORT}"));
        }
        let (name, port) = match address.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
            Some((name, text)) => (name, port(text)?),
            None => (address, HTTP_PORT),
        };
        Some(format!("{}:{port}", host(name)?))
    };
    read().ok_or_else(|| BadSetting::new(variable, text, expected))
}

/// Returns the endpoint whose host and port stand in two variables, each with the description of its value.
///
/// # Errors
/// The value of one does not fit its description.
pub(super) fn endpoint_of_two(
    [name, port_name]: [(&'static str, &str, &'static str); 2],
) -> Result<String, BadSetting> {
    let bad =
        |(variable, text, expected): (&'static str, &str, &'static str)| BadSetting::new(variable, text, expected);
    let host = host(bare(name.1)).ok_or_else(|| bad(name))?;
    let port = port(port_name.1.trim()).ok_or_else(|| bad(port_name))?;
    Ok(format!("{host}:{port}"))
}

/// Returns a host as it stands before a port; `None` if the text is no host. It is a name, an IPv4 address, or an IPv6
/// address in brackets, which may be missing in the text.
pub(super) fn host(text: &str) -> Option<String> {
    let unbracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Ok(address) = unbracketed.unwrap_or(text).parse::<Ipv6Addr>() {
        return Some(format!("[{address}]"));
    }
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (!text.is_empty() && text.bytes().all(is_letter)).then(|| text.to_owned())
}

/// Returns an address without the scheme and the last slash that make a URL of it.
fn bare(text: &str) -> &str {
    let text = text.trim();
    match text.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("http://") => text[7..].strip_suffix('/').unwrap_or(&text[7..]),
        _ => text,
    }
}

fn port(text: &str) -> Option<u16> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten().filter(|port| *port > 0)
}

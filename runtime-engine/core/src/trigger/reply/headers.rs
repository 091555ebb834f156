//! Headers and cookies in the JSON of replies. Names are compared without case; Set-Cookie stands among the headers or
//! in the list of cookies, and is the one header that a comma may not join.

use super::Parts;
use crate::fields::{Fields, caseless_inline as caseless};
use crate::json::Writer;

/// Writes `headers` with single values, and `multiValueHeaders` with the names that repeat and with the cookies.
pub(super) fn split(json: &mut Writer<'_>, headers: &Fields, cookies: &Fields) {
    json.key("headers").begin_object();
    for (index, (name, value)) in headers.iter().enumerate() {
        if !is_cookie(name) && first(headers, index) && repeats(headers, name) == 1 {
            json.key(name).string(value);
        }
    }
    json.end_object();
    let many = headers.iter().any(|(name, _)| is_cookie(name) || repeats(headers, name) > 1);
    if many || !cookies.is_empty() {
        json.key("multiValueHeaders").begin_object();
        lists(json, headers, cookies, 2);
        json.end_object();
    }
}

/// Writes a list for each name that has at least `at_least` values, and one for the cookies.
pub(super) fn lists(json: &mut Writer<'_>, headers: &Fields, cookies: &Fields, at_least: usize) {
    for (index, (name, _)) in headers.iter().enumerate() {
        if is_cookie(name) || !first(headers, index) || repeats(headers, name) < at_least {
            continue;
        }
        json.key(name).begin_array();
        for (_, value) in headers.iter().filter(|(other, _)| caseless(other, name)) {
            json.string(value);
        }
        json.end_array();
    }
    if has_cookies(headers, cookies) {
        json.key("set-cookie").begin_array();
        cookie_values(headers, cookies).for_each(|value| {
            json.string(value);
        });
        json.end_array();
    }
}

/// Writes a single value for each name: repeats are joined by a comma, as HTTP allows. Cookies are left out.
pub(super) fn joined(json: &mut Writer<'_>, headers: &Fields) {
    let mut joined = Vec::new();
    for (index, (name, value)) in headers.iter().enumerate() {
        if is_cookie(name) || !first(headers, index) {
            continue;
        }
        json.key(name);
        if repeats(headers, name) == 1 {
            json.string(value);
            continue;
        }
        joined.clear();
        for (number, (_, value)) in headers.iter().filter(|(other, _)| caseless(other, name)).enumerate() {
            joined.extend_from_slice(if number == 0 { b"" } else { b", " });
            joined.extend_from_slice(value);
        }
        json.string(&joined);
    }
}

/// Writes the cookies as members of a map of single values, each under a spelling of its own. A map holds several
/// cookies only that way: JSON keys have a case, and header names have not.
fn spelled_cookies(json: &mut Writer<'_>, headers: &Fields, cookies: &Fields) {
    for (number, value) in cookie_values(headers, cookies).enumerate() {
        let mut name = *b"set-cookie";
        for (letter, bit) in name.iter_mut().filter(|byte| byte.is_ascii_alphabetic()).zip(0..) {
            if number >> bit & 1 == 1 {
                letter.make_ascii_uppercase();
            }
        }
        json.key(name).string(value);
    }
}

/// Writes the list `cookies`, if the reply has cookies.
pub(super) fn cookie_list(json: &mut Writer<'_>, headers: &Fields, cookies: &Fields) {
    if has_cookies(headers, cookies) {
        json.key("cookies").begin_array();
        cookie_values(headers, cookies).for_each(|value| {
            json.string(value);
        });
        json.end_array();
    }
}

fn has_cookies(headers: &Fields, cookies: &Fields) -> bool {
    !cookies.is_empty() || headers.iter().any(|(name, _)| is_cookie(name))
}

pub(super) fn cookie_values<'a>(headers: &'a Fields, cookies: &'a Fields) -> impl Iterator<Item = &'a [u8]> {
    let among_headers = headers.iter().filter(|(name, _)| is_cookie(name));
    among_headers.chain(cookies.iter()).map(|(_, value)| value)
}

fn is_cookie(name: &[u8]) -> bool {
    caseless(name, b"set-cookie")
}

fn repeats(headers: &Fields, name: &[u8]) -> usize {
    headers.iter().filter(|(other, _)| caseless(other, name)).count()
}

/// Returns `true` if the header at that place is the first of its name.
fn first(headers: &Fields, index: usize) -> bool {
    let Some((name, _)) = headers.at(index) else { return false };
    !headers.iter().take(index).any(|(other, _)| caseless(other, name))
}

/// Writes the member `headers`: each name once, its values joined, and every cookie under a spelling of its own.
pub(super) fn once_each(json: &mut Writer<'_>, parts: Parts<'_>) {
    json.key("headers").begin_object();
    joined(json, parts.headers);
    spelled_cookies(json, parts.headers, parts.cookies);
    json.end_object();
}

/// Writes the member `multiValueHeaders`: a list for each name, which keeps repeats.
pub(super) fn in_lists(json: &mut Writer<'_>, parts: Parts<'_>) {
    json.key("multiValueHeaders").begin_object();
    lists(json, parts.headers, parts.cookies, 1);
    json.end_object();
}

//! Replies: written in every form, read back with `serde_json`, and compared with the reply.
//!
//! As text, a reply is lines: the status, then `name: value` for a header or `=value` for a cookie, then an empty line
//! and the body. Parts that a runtime would not let a function set are left out.

use faas_core::fields::{Fields, caseless};
use faas_core::http1::write::{is_header_name, is_header_value};
use faas_core::trigger::reply::{Parts, write, write_prelude};
use faas_core::trigger::{HttpView, ReplyFormat};
use serde_json::Value as Tree;

/// A reply that a function might have given.
pub struct Reply {
    status: u16,
    headers: Fields,
    cookies: Fields,
    body: Vec<u8>,
}

impl Reply {
    fn new(status: u16, body: &[u8]) -> Reply {
        Reply { status, headers: Fields::default(), cookies: Fields::default(), body: body.to_vec() }
    }

    fn header(&mut self, name: &[u8], value: &[u8]) {
        if is_header_name(name) && is_header_value(value) {
            self.headers.add(name, value);
        }
    }

    fn cookie(&mut self, value: &[u8]) {
        if is_header_value(value) {
            self.cookies.add(b"", value);
        }
    }

    /// Reads a reply from text.
    pub fn of_text(text: &[u8]) -> Reply {
        let mut rest = text;
        let mut line = || {
            let end = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
            let line = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            line
        };
        let status = std::str::from_utf8(line()).ok().and_then(|digits| digits.parse().ok()).unwrap_or(200);
        let mut reply = Reply::new(status, b"");
        loop {
            match line() {
                b"" => break,
                [b'=', value @ ..] => reply.cookie(value),
                line => {
                    let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
                    reply.header(&line[..colon], line.get(colon + 1..).unwrap_or_default().trim_ascii());
                }
            }
        }
        reply.body = rest.to_vec();
        reply
    }

    /// Makes a reply that repeats the request.
    pub fn of_request(view: &HttpView, body: &[u8]) -> Reply {
        let mut reply = Reply::new(200, body);
        view.headers.iter().for_each(|(name, value)| reply.header(name, value));
        view.params.iter().for_each(|(name, value)| reply.header(name, value));
        view.cookies.iter().for_each(|(_, value)| reply.cookie(value));
        reply
    }

    fn parts(&self) -> Parts<'_> {
        Parts { status: self.status, headers: &self.headers, cookies: &self.cookies, body: &self.body }
    }

    /// Returns its headers as they have to come back, in lower case and in order, Set-Cookie apart.
    fn expected(&self) -> (Vec<(String, String)>, Vec<String>) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let is_cookie = |name: &[u8]| caseless(name, b"set-cookie");
        let headers = self.headers.iter().filter(|(name, _)| !is_cookie(name));
        let cookies = self.headers.iter().filter(|(name, _)| is_cookie(name)).chain(self.cookies.iter());
        (
            headers.map(|(name, value)| (text(name).to_lowercase(), text(value))).collect(),
            cookies.map(|(_, value)| text(value)).collect(),
        )
    }
}

/// Writes the reply in every form.
pub fn check(reply: &Reply) {
    for form in [
        ReplyFormat::ApiGatewayV1,
        ReplyFormat::ApiGatewayV2,
        ReplyFormat::Alb,
        ReplyFormat::Lattice,
        ReplyFormat::Native,
        ReplyFormat::Bare,
    ] {
        let mut out = b"before".to_vec();
        write(form, reply.parts(), &mut out);
        let out = out.strip_prefix(b"before").expect("what was there stays");
        match form {
            ReplyFormat::Native | ReplyFormat::Bare => assert_eq!(out, reply.body),
            _ => {
                let tree: Tree = serde_json::from_slice(out).expect("a reply is JSON");
                head(form, reply, &tree);
                body(reply, &tree);
            }
        }
    }
    let mut prelude = Vec::new();
    write_prelude(reply.status, &reply.headers, &reply.cookies, &mut prelude);
    let tree: Tree = serde_json::from_slice(&prelude).expect("a prelude is JSON");
    assert!(!prelude.contains(&0), "the NUL bytes behind a prelude end it");
    head(ReplyFormat::ApiGatewayV2, reply, &tree);
}

fn head(form: ReplyFormat, reply: &Reply, tree: &Tree) {
    assert_eq!(tree["statusCode"], reply.status);
    let described = tree["statusDescription"].as_str().map(|text| text.split(' ').next().map(str::to_owned));
    match form {
        ReplyFormat::Alb | ReplyFormat::Lattice => assert_eq!(described, Some(Some(reply.status.to_string()))),
        _ => assert_eq!(described, None),
    }
    let (headers, cookies) = reply.expected();
    let (single, lists) = (singles(&tree["headers"]), lists(&tree["multiValueHeaders"]));
    match form {
        ReplyFormat::ApiGatewayV1 => {
            let all: Vec<_> = single.iter().chain(&lists).cloned().collect();
            assert_eq!(names(&all), names(&single) + names(&lists), "no name stands in both maps");
            same(&without_cookies(&all), &headers);
            assert_eq!(only_cookies(&all), cookies);
        }
        ReplyFormat::Alb => {
            same(&without_cookies(&lists), &headers);
            assert_eq!(only_cookies(&lists), cookies);
            same(&without_cookies(&single), &joined(&headers));
            spelled(&single, &cookies);
        }
        ReplyFormat::Lattice => {
            assert!(lists.is_empty());
            same(&without_cookies(&single), &joined(&headers));
            spelled(&single, &cookies);
        }
        _ => {
            assert!(lists.is_empty());
            same(&single, &joined(&headers));
            let listed = tree["cookies"].as_array().cloned().unwrap_or_default();
            assert_eq!(listed, cookies);
        }
    }
}

fn body(reply: &Reply, tree: &Tree) {
    let text = tree["body"].as_str().expect("the body is a string");
    if tree["isBase64Encoded"] == true {
        assert_eq!(decoded(text), reply.body);
    } else {
        assert_eq!(tree["isBase64Encoded"], false);
        assert_eq!(text.as_bytes(), reply.body);
    }
}

/// Decodes base64 as RFC 4648 tells it, digit by digit.
fn decoded(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    assert!(text.len().is_multiple_of(4), "it is padded");
    let digits = text.trim_end_matches('=').bytes();
    let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
    for digit in digits {
        let value = DIGITS.iter().position(|&known| known == digit).expect("a digit");
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    assert_eq!(bits, 0, "the bits behind the last byte are zero");
    out
}

type Pairs = Vec<(String, String)>;

fn singles(map: &Tree) -> Pairs {
    let members = map.as_object().into_iter().flatten();
    members.map(|(name, value)| (name.clone(), value.as_str().expect("a single value").to_owned())).collect()
}

fn lists(map: &Tree) -> Pairs {
    let mut pairs = Vec::new();
    for (name, list) in map.as_object().into_iter().flatten() {
        let list = list.as_array().expect("a list of values");
        assert!(!list.is_empty(), "a name without a value");
        pairs.extend(list.iter().map(|value| (name.clone(), value.as_str().expect("a value").to_owned())));
    }
    pairs
}

fn names(pairs: &Pairs) -> usize {
    let mut names: Vec<String> = pairs.iter().map(|(name, _)| name.to_lowercase()).collect();
    names.sort();
    names.dedup();
    names.len()
}

fn is_cookie(name: &str) -> bool {
    name.eq_ignore_ascii_case("set-cookie")
}

fn without_cookies(pairs: &Pairs) -> Pairs {
    pairs.iter().filter(|(name, _)| !is_cookie(name)).cloned().collect()
}

fn only_cookies(pairs: &Pairs) -> Vec<String> {
    pairs.iter().filter(|(name, _)| is_cookie(name)).map(|(_, value)| value.clone()).collect()
}

/// Returns the headers with repeats joined, in the order of their first.
fn joined(headers: &Pairs) -> Pairs {
    let mut joined: Pairs = Vec::new();
    for (name, value) in headers {
        match joined.iter_mut().find(|(other, _)| other == name) {
            Some((_, values)) => *values = format!("{values}, {value}"),
            None => joined.push((name.clone(), value.clone())),
        }
    }
    joined
}

/// Checks that the same names have the same values in the same order; the order of names is a map's own.
fn same(seen: &Pairs, expected: &Pairs) {
    let mut seen: Pairs = seen.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect();
    let mut expected = expected.clone();
    seen.sort_by(|(a, _), (b, _)| a.cmp(b));
    expected.sort_by(|(a, _), (b, _)| a.cmp(b));
    assert_eq!(seen, expected);
}

/// Checks cookies under spellings of their own, of which there are 2^9.
fn spelled(single: &Pairs, cookies: &[String]) {
    let mut seen = only_cookies(single);
    let mut expected = cookies.to_vec();
    if expected.len() <= 512 {
        seen.sort();
        expected.sort();
        assert_eq!(seen, expected);
    }
}

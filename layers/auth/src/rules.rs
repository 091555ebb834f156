//! The requirements on a request, by its method and path. The grammar of paths is that of the routes: segments are
//! compared as they were sent, percent-coding undone in each by itself.

use crate::token::Claims;
use serde_json::Value;
use std::borrow::Cow;

/// The need for credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Access {
    /// Credentials are not looked at.
    Open,
    /// Credentials are checked if there are any, and other callers are let in without a name.
    Optional,
    /// Only callers with credentials are let in.
    Required,
}

/// The requirements on the requests of some paths.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The methods that the rule is for; empty for all.
    pub(crate) methods: Vec<String>,
    pub(crate) path: Pattern,
    pub(crate) access: Access,
    /// The scopes, all of which the caller has to have.
    pub(crate) scopes: Vec<String>,
    /// The names of claims, or JSON pointers into them, each with the values of which it has to have one.
    pub(crate) claims: Vec<(String, Vec<Value>)>,
}

/// A pattern of paths, as routes have it.
#[derive(Debug)]
pub(crate) struct Pattern {
    segments: Vec<Segment>,
    takes_rest: bool,
}

#[derive(Debug)]
enum Segment {
    Text(Vec<u8>),
    Any,
}

impl Pattern {
    /// Reads a pattern: `/users/:id`, `/users/{id}`, `/files/*`. Returns `None` if the text is no pattern.
    pub(crate) fn read(text: &str) -> Option<Pattern> {
        let mut pattern = Pattern { segments: Vec::new(), takes_rest: false };
        for segment in text.strip_prefix('/')?.split('/') {
            let braced = segment.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
            let rest = match braced {
                Some(name) => name.strip_prefix('*').or(name.strip_suffix('+')).filter(|name| !name.is_empty()),
                None => segment.strip_prefix('*'),
            };
            let name = rest.or(braced).or(segment.strip_prefix(':'));
            let is_named = name.is_some_and(|name| name.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c)));
            if pattern.takes_rest || (name.is_none() && segment.contains(['*', ':', '{', '}', '?', '#'])) {
                return None;
            }
            match name {
                None => pattern.segments.push(Segment::Text(decode(segment)?.into_owned())),
                Some(_) if rest.is_some() && is_named => pattern.takes_rest = true,
                Some(name) if is_named && !name.is_empty() => pattern.segments.push(Segment::Any),
                Some(_) => return None,
            }
        }
        Some(pattern)
    }

    fn fits(&self, path: &Path<'_>) -> bool {
        let (own, sent) = (&self.segments, &path.segments);
        let fits_each = own.iter().zip(sent).all(|(own, sent)| match own {
            Segment::Text(text) => text == &**sent,
            Segment::Any => !sent.is_empty(),
        });
        let is_long = if self.takes_rest { own.len() <= sent.len() } else { own.len() == sent.len() };
        fits_each && is_long
    }
}

/// Returns a segment without its percent-coding; `None` if it is wrongly coded.
fn decode(segment: &str) -> Option<Cow<'_, [u8]>> {
    if !segment.contains('%') {
        return Some(segment.as_bytes().into());
    }
    let (mut out, mut rest) = (Vec::with_capacity(segment.len()), segment.as_bytes());
    while let [byte, behind @ ..] = rest {
        rest = behind;
        out.push(match (byte, behind) {
            (b'%', [high, low, behind @ ..]) => {
                rest = behind;
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                u8::try_from(digit(high)? << 4 | digit(low)?).ok()?
            }
            (b'%', _) => return None,
            _ => *byte,
        });
    }
    Some(out.into())
}

/// The path of a request, in segments.
struct Path<'a> {
    segments: Vec<Cow<'a, [u8]>>,
    /// `true` if every reader understands the path alike: no segment is empty but the last, is a dot or two, holds a
    /// slash, or is wrongly coded.
    is_plain: bool,
}

impl Path<'_> {
    fn read(raw: &str) -> Path<'_> {
        let mut path = Path { segments: Vec::new(), is_plain: raw.starts_with('/') };
        let mut segments = raw.strip_prefix('/').unwrap_or(raw).split('/').peekable();
        while let Some(segment) = segments.next() {
            let decoded = decode(segment);
            let is_last = segments.peek().is_none();
            path.is_plain &= decoded.as_deref().is_some_and(|bytes| {
                let is_named = !bytes.is_empty() || is_last;
                is_named && ![&b"."[..], b".."].contains(&bytes) && !bytes.iter().any(|byte| b"/\\;\0".contains(byte))
            });
            path.segments.push(decoded.unwrap_or_else(|| segment.as_bytes().into()));
        }
        path
    }
}

/// The requirements on one request.
pub(crate) struct Needs<'a> {
    pub(crate) access: Access,
    rules: Vec<&'a Rule>,
}

/// Returns the requirements on a request: those of the first rule that fits, and credentials if no rule does. A path
/// that functions may read as another one is not opened by any rule, and has the requirements of all of them.
pub(crate) fn needs<'a>(rules: &'a [Rule], method: &str, raw_path: &str) -> Needs<'a> {
    if rules.is_empty() {
        return Needs { access: Access::Required, rules: Vec::new() };
    }
    let path = Path::read(raw_path);
    // As for routes, HEAD goes where GET does.
    let is = |one: &String| one.eq_ignore_ascii_case(method) || one == "GET" && method.eq_ignore_ascii_case("HEAD");
    let of_method = |rule: &&Rule| rule.methods.is_empty() || rule.methods.iter().any(is);
    if !path.is_plain {
        return Needs { access: Access::Required, rules: rules.iter().collect() };
    }
    let rule = rules.iter().filter(of_method).find(|rule| rule.path.fits(&path));
    Needs { access: rule.map_or(Access::Required, |rule| rule.access), rules: rule.into_iter().collect() }
}

impl Needs<'_> {
    /// Checks that the claims meet the requirements.
    ///
    /// # Errors
    /// The text has the scopes that the caller lacks; it is empty if the caller lacks another claim.
    pub(crate) fn check(&self, claims: &Claims) -> Result<(), String> {
        for rule in &self.rules {
            if !rule.scopes.iter().all(|scope| has_scope(claims, scope)) {
                return Err(rule.scopes.join(" "));
            }
            let has = |(name, values): &(String, Vec<Value>)| {
                let found = if name.starts_with('/') { pointed(claims, name) } else { claims.get(name) };
                found.is_some_and(|found| match found {
                    Value::Array(all) => all.iter().any(|one| values.contains(one)),
                    one => values.contains(one),
                })
            };
            if !rule.claims.iter().all(has) {
                return Err(String::new());
            }
        }
        Ok(())
    }
}

/// Returns the value at a JSON pointer (RFC 6901) into the claims; `None` if there is none.
fn pointed<'a>(claims: &'a Claims, pointer: &str) -> Option<&'a Value> {
    let mut steps = pointer[1..].split('/').map(|step| step.replace("~1", "/").replace("~0", "~"));
    let first = claims.get(&steps.next()?)?;
    steps.try_fold(first, |value, step| match value {
        Value::Array(all) => all.get(step.parse::<usize>().ok()?),
        other => other.get(&step),
    })
}

/// Returns `true` if the claims have a scope, in `scope` (words of one text, RFC 8693) or `scp` (a list or words, as
/// Microsoft and Okta have it).
fn has_scope(claims: &Claims, scope: &str) -> bool {
    ["scope", "scp"].iter().filter_map(|name| claims.get(*name)).any(|value| match value {
        Value::String(words) => words.split(' ').any(|word| word == scope),
        Value::Array(all) => all.iter().any(|one| one == scope),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(methods: &[&str], path: &str, access: Access, scopes: &[&str]) -> Rule {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let path = Pattern::read(path).unwrap_or_else(|| panic!("{path} is one"));
        Rule { methods: own(methods), path, access, scopes: own(scopes), claims: Vec::new() }
    }

    fn claims(value: Value) -> Claims {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let rules = [
            rule(&[], "/health", Access::Open, &[]),
            rule(&["GET"], "/items/{id}", Access::Optional, &[]),
            rule(&[], "/admin/*", Access::Required, &["admin"]),
            rule(&[], "/public/*", Access::Open, &[]),
        ];
        for (method, path, access, is_met) in [
            ("GET", "/health", Access::Open, true),
            ("GET", "/health/", Access::Required, true),
            ("GET", "/health2", Access::Required, true),
            ("GET", "/healt%68", Access::Open, true),
            ("GET", "/items/7", Access::Optional, true),
            ("HEAD", "/items/7", Access::Optional, true),
            ("POST", "/items/7", Access::Required, true),
            ("GET", "/items/", Access::Required, true),
            ("GET", "/admin", Access::Required, false),
            ("GET", "/admin/a/b", Access::Required, false),
            ("GET", "/administrator", Access::Required, true),
            ("GET", "/public/", Access::Open, true),
            ("GET", "/", Access::Required, true),
        ] {
            let needs = needs(&rules, method, path);
            let is_enough = needs.check(&claims(json!({}))).is_ok();
            assert_eq!((needs.access, is_enough), (access, is_met), "{method} {path}");
        }
    }

    #[test]
    fn a_path_that_may_be_read_as_another_is_opened_by_no_rule_and_meets_them_all() {
        let rules =
            [rule(&[], "/public/*", Access::Open, &[]), rule(&["POST"], "/admin/*", Access::Required, &["admin"])];
        for path in [
            "/public/../admin",
            "/public/%2e%2E/admin",
            "/public/./x",
            "//public/x",
            "/public//x",
            "/public/a%2Fb",
            "/public/a%5cb",
            "/public/a\\b",
            "/public/a;x=1/b",
            "/public/%00",
            "/public/%zz",
            "/public/%",
            "public/x",
            "",
        ] {
            let needs = needs(&rules, "GET", path);
            assert_eq!(needs.access, Access::Required, "{path}");
            assert_eq!(needs.check(&claims(json!({}))), Err("admin".to_owned()), "{path}");
            assert_eq!(needs.check(&claims(json!({"scope": "x admin"}))), Ok(()), "{path}");
        }
    }

    #[test]
    fn scopes_and_claims_are_found_where_issuers_write_them() {
        let mut rule = rule(&[], "/*", Access::Required, &["read", "write"]);
        let check = |rule: &Rule, value: Value| Needs { access: rule.access, rules: vec![rule] }.check(&claims(value));
        for good in [json!({"scope": "write read"}), json!({"scp": ["read", "write"]}), json!({"scp": "read write"})] {
            assert_eq!(check(&rule, good.clone()), Ok(()), "{good}");
        }
        for bad in [json!({}), json!({"scope": "read"}), json!({"scope": "read writer"}), json!({"scope": {"read": 1}})]
        {
            assert_eq!(check(&rule, bad.clone()), Err("read write".to_owned()), "{bad}");
        }
        rule.scopes.clear();
        rule.claims = vec![
            ("email_verified".to_owned(), vec![json!(true)]),
            ("/realm_access/roles".to_owned(), vec![json!("admin"), json!("owner")]),
        ];
        assert_eq!(check(&rule, json!({"email_verified": true, "realm_access": {"roles": ["x", "owner"]}})), Ok(()));
        for bad in [
            json!({"email_verified": "true", "realm_access": {"roles": ["owner"]}}),
            json!({"email_verified": true, "realm_access": {"roles": []}}),
            json!({"email_verified": true, "/realm_access/roles": "owner"}),
        ] {
            assert_eq!(check(&rule, bad.clone()), Err(String::new()), "{bad}");
        }
    }

    #[test]
    fn what_is_no_path_of_routes_is_refused() {
        for text in
            ["", "health", "/a*", "/*/a", "/a/{", "/a?x=1", "/a/%zz", "/:", "/{}", "/users:batch", "/a/:x+", "/{*}"]
        {
            assert!(Pattern::read(text).is_none(), "{text}");
        }
    }
}

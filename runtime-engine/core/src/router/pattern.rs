//! The grammar of patterns. A pattern is a slash and segments with slashes between them; each segment is a text, a
//! parameter, or, as the last one, the rest of the path.

use super::error::PatternFault;
use crate::encoding::percent;

/// One segment of a pattern.
#[derive(Debug, PartialEq)]
pub(super) enum Segment<'p> {
    /// This text, its percent-coding undone.
    Literal(Vec<u8>),
    /// Any text but the empty one, under this name.
    Parameter(&'p str),
    /// The rest of the path, which may be empty, under this name.
    Rest(&'p str),
}

/// The name of a rest that is written without one.
const UNNAMED: &str = "*";

/// A fault and its position, in bytes from the beginning of the text.
type At = (usize, PatternFault);

/// Reads a pattern. Unless slashes at the end are told apart (`strict`), one there is left out.
pub(super) fn parse(pattern: &str, strict: bool) -> Result<Vec<Segment<'_>>, At> {
    let body = pattern.strip_prefix('/').ok_or((0, PatternFault::NoSlash))?;
    let body = if strict { Some(body) } else { without_last_slash(body) };
    let mut segments = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    let mut at = 1;
    for text in body.iter().flat_map(|body| body.split('/')) {
        if let Some(Segment::Rest(_)) = segments.last() {
            return Err((at - 1, PatternFault::RestNotLast));
        }
        let segment = segment(text).map_err(|(inside, fault)| (at + inside, fault))?;
        if let Segment::Parameter(name) | Segment::Rest(name) = segment {
            if names.contains(&name) {
                return Err((at, PatternFault::DuplicateName(name.to_owned())));
            }
            names.push(name);
        }
        segments.push(segment);
        at += text.len() + 1;
    }
    Ok(segments)
}

/// Returns the text between the first slash and the last one; `None` if there is no segment: the pattern is `/`.
fn without_last_slash(body: &str) -> Option<&str> {
    match body {
        "" => None,
        body => Some(body.strip_suffix('/').unwrap_or(body)),
    }
}

fn segment(text: &str) -> Result<Segment<'_>, At> {
    match text.as_bytes().first() {
        Some(b':') => {
            let (name, after) = word(&text[1..]);
            check_end(name, after).map_err(|fault| (1 + name.len(), fault))?;
            Ok(Segment::Parameter(named(name)?))
        }
        Some(b'*') => {
            let (name, after) = word(&text[1..]);
            check_end(name, after).map_err(|fault| (1 + name.len(), fault))?;
            Ok(Segment::Rest(if name.is_empty() { UNNAMED } else { name }))
        }
        Some(b'{') => braces(text),
        _ => literal(text),
    }
}

fn literal(text: &str) -> Result<Segment<'_>, At> {
    for (at, sign) in text.char_indices() {
        match sign {
            '?' | '#' => return Err((at, PatternFault::BeyondPath(sign))),
            ':' | '*' | '{' | '}' | '(' | ')' => return Err((at, PatternFault::SignInText(sign))),
            _ => {}
        }
    }
    let mut plain = Vec::new();
    percent::decode_into(&mut plain, text.as_bytes(), false);
    Ok(Segment::Literal(plain))
}

/// Reads a segment that begins with `{`.
fn braces(text: &str) -> Result<Segment<'_>, At> {
    let end = text.find('}').ok_or((0, PatternFault::OpenBrace))?;
    let inside = &text[1..end];
    let repeated = |name: &str| PatternFault::Repeated(name.to_owned());
    let (name, at, is_rest) = if let Some(name) = inside.strip_prefix('*') {
        (name, 2, true)
    } else if let Some(name) = inside.strip_suffix('+') {
        (name, 1, true)
    } else {
        (inside, 1, false)
    };
    if let Some(name) = name.strip_prefix('*') {
        return Err((at, repeated(name)));
    }
    let strange = |sign: char| !is_word(sign) && !matches!(sign, '-' | '.');
    if let Some((inside, sign)) = name.char_indices().find(|&(_, sign)| strange(sign)) {
        let before = name[..inside].to_owned();
        let fault = match &name[inside..] {
            "?" => PatternFault::Optional(before),
            "*" => PatternFault::Repeated(before),
            _ if matches!(sign, ':' | '=' | '(' | '<') && inside > 0 => PatternFault::Constraint(before),
            _ => PatternFault::NameCharacter(sign),
        };
        return Err((at + inside, fault));
    }
    let name = named(name)?;
    check_end(name, &text[end + 1..]).map_err(|fault| (end + 1, fault))?;
    Ok(if is_rest { Segment::Rest(name) } else { Segment::Parameter(name) })
}

/// Checks that the segment ends after a parameter of this name, so that `after` is empty.
fn check_end(name: &str, after: &str) -> Result<(), PatternFault> {
    let name = name.to_owned();
    Err(match after.chars().next() {
        None => return Ok(()),
        _ if after == "?" && !name.is_empty() => PatternFault::Optional(name),
        Some('*') | Some('+') if after.len() == 1 => PatternFault::Repeated(name),
        Some(sign @ ('?' | '#')) => PatternFault::BeyondPath(sign),
        Some('(') if !name.is_empty() => PatternFault::Constraint(name),
        Some(sign) if name.is_empty() => PatternFault::NameCharacter(sign),
        Some(_) => PatternFault::TextAfterParameter,
    })
}

/// Returns `text` in two parts: the word that it begins with, which may be empty, and the rest.
fn word(text: &str) -> (&str, &str) {
    text.split_at(text.find(|sign| !is_word(sign)).unwrap_or(text.len()))
}

fn is_word(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}

fn named(name: &str) -> Result<&str, At> {
    if name.is_empty() { Err((0, PatternFault::EmptyName)) } else { Ok(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Segment<'static> {
        Segment::Literal(text.as_bytes().to_vec())
    }

    #[test]
    fn a_pattern_is_read_segment_by_segment() {
        use Segment::{Parameter, Rest};
        let table: &[(&str, &[Segment<'static>])] = &[
            ("/", &[]),
            ("/a", &[literal("a")]),
            ("/a/", &[literal("a")]),
            ("/a//", &[literal("a"), literal("")]),
            ("//", &[literal("")]),
            ("//a", &[literal(""), literal("a")]),
            ("/users/:id", &[literal("users"), Parameter("id")]),
            ("/users/{id}/x", &[literal("users"), Parameter("id"), literal("x")]),
            ("/{user-id}/{a.b}", &[Parameter("user-id"), Parameter("a.b")]),
            ("/:größe_1", &[Parameter("größe_1")]),
            ("/*", &[Rest("*")]),
            ("/*/", &[Rest("*")]),
            ("/a/*path", &[literal("a"), Rest("path")]),
            ("/a/{path+}", &[literal("a"), Rest("path")]),
            ("/a/{*path}", &[literal("a"), Rest("path")]),
            ("/caf%C3%A9/a%2Fb", &[literal("café"), literal("a/b")]),
            ("/café", &[literal("café")]),
            ("/100%/%zz", &[literal("100%"), literal("%zz")]),
            (
                "/%3Aid/%2A/%7Bx%7D/%3F%23/%28%29",
                &[literal(":id"), literal("*"), literal("{x}"), literal("?#"), literal("()")],
            ),
            ("/c++/./..", &[literal("c++"), literal("."), literal("..")]),
        ];
        for (pattern, segments) in table {
            assert_eq!(parse(pattern, false).as_deref(), Ok(*segments), "{pattern}");
        }
    }

    #[test]
    fn the_last_slash_is_a_segment_where_slashes_are_told_apart() {
        assert_eq!(parse("/", true), Ok(vec![literal("")]));
        assert_eq!(parse("/a", true), Ok(vec![literal("a")]));
        assert_eq!(parse("/a/", true), Ok(vec![literal("a"), literal("")]));
        assert_eq!(parse("/*", true), Ok(vec![Segment::Rest("*")]));
        assert_eq!(parse("/*/", true), Err((2, PatternFault::RestNotLast)));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_position() {
        use PatternFault::*;
        let id = || "id".to_owned();
        let table = [
            ("", 0, NoSlash),
            ("users", 0, NoSlash),
            ("*", 0, NoSlash),
            ("/a?x=1", 2, BeyondPath('?')),
            ("/a/:id#x", 6, BeyondPath('#')),
            ("/a/:id?x=1", 6, BeyondPath('?')),
            ("/*?x", 2, BeyondPath('?')),
            ("/{id}?x", 5, BeyondPath('?')),
            ("/a/:", 3, EmptyName),
            ("/a/{}", 3, EmptyName),
            ("/a/{*}", 3, EmptyName),
            ("/a/{+}", 3, EmptyName),
            ("/:-x", 2, NameCharacter('-')),
            ("/*.html", 2, NameCharacter('.')),
            ("/{a b}", 3, NameCharacter(' ')),
            ("/{*a+}", 4, NameCharacter('+')),
            ("/{:id}", 2, NameCharacter(':')),
            ("/:id/{id}", 5, DuplicateName(id())),
            ("/:id/x/*id", 7, DuplicateName(id())),
            ("/detail/:id.html", 11, TextAfterParameter),
            ("/:from-:to", 6, TextAfterParameter),
            ("/{id}.html", 5, TextAfterParameter),
            ("/{a}{b}", 4, TextAfterParameter),
            ("/*rest.html", 6, TextAfterParameter),
            ("/api*", 4, SignInText('*')),
            ("/users:batch", 6, SignInText(':')),
            ("/v{n}", 2, SignInText('{')),
            ("/a}", 2, SignInText('}')),
            ("/(a|b)", 1, SignInText('(')),
            ("/a)", 2, SignInText(')')),
            ("/é*", 3, SignInText('*')),
            ("/{id", 1, OpenBrace),
            ("/{id/}", 1, OpenBrace),
            ("/:id(\\d+)", 4, Constraint(id())),
            ("/:id{[0-9]+}", 4, TextAfterParameter),
            ("/{id}(\\d+)", 5, Constraint(id())),
            ("/{id:int}", 4, Constraint(id())),
            ("/{id:int?}", 4, Constraint(id())),
            ("/{id=5}", 4, Constraint(id())),
            ("/:id?", 4, Optional(id())),
            ("/{id?}", 4, Optional(id())),
            ("/**", 2, Repeated(String::new())),
            ("/:id*", 4, Repeated(id())),
            ("/:id+", 4, Repeated(id())),
            ("/{id*}", 4, Repeated(id())),
            ("/{**id}", 3, Repeated(id())),
            ("/*/a", 2, RestNotLast),
            ("/a/{p+}/b", 7, RestNotLast),
            ("/*//", 2, RestNotLast),
        ];
        for (pattern, at, fault) in table {
            assert_eq!(parse(pattern, false), Err((at, fault)), "{pattern}");
        }
    }
}

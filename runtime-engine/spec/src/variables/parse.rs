//! The grammar of variables: their places in a text, and the parts of each.

/// A piece of a text with variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A piece of text as it is.
    Text(String),
    /// A variable with its alternatives.
    Variable {
        /// The whole of it, `${` and `}` included.
        written: String,
        /// The sources of its value: the first that has one counts.
        alternatives: Vec<Source>,
    },
}

/// The source of a value. Names and paths may have variables in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A variable of the environment.
    Env(String),
    /// A value of the yml itself.
    This(String),
    /// A value of another file; without a key, the whole file.
    File {
        /// The path of the file.
        path: String,
        /// The path to the value in it.
        key: String,
    },
    /// The stage that the yml is read for.
    Stage,
    /// An option of the command line.
    Opt(String),
    /// A secret, whose name is all that is known.
    Secret(String),
    /// This text. The second member is `true` if it is in quotes.
    Literal(String, bool),
    /// Another variable, as it is written.
    Nested(String),
    /// A source that is not known, by its word.
    Unknown(String),
}

/// A mistake in a text with variables.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The byte at which the variable begins.
    pub(super) at: usize,
    /// The mistake as a sentence.
    pub(super) message: String,
    /// The right way to write it.
    pub(super) help: String,
}

/// Takes a text apart. `$${` is the text `${`.
pub(super) fn parse(text: &str) -> Result<Vec<Part>, Fault> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            plain.push_str(&rest[..at - 1]);
            plain.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        plain.push_str(&rest[..at]);
        let offset = text.len() - rest.len() + at;
        let inner = &rest[at + 2..];
        if inner.starts_with('{') {
            let name = inner.trim_start_matches('{').split('}').next().unwrap_or_default().trim();
            return Err(Fault {
                at: offset,
                message: "a variable has one pair of braces".to_owned(),
                help: format!("write `${{{name}}}`, or `$$${{{{` for the text itself").replace("$$$", "$$"),
            });
        }
        let Some(end) = closing(inner) else {
            return Err(Fault {
                at: offset,
                message: "the variable that begins here is not closed".to_owned(),
                help: "write `}` behind it, or `$${` for the text `${`".to_owned(),
            });
        };
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain)));
        }
        let alternatives: Vec<Source> = split(&inner[..end]).into_iter().enumerate().map(source).collect();
        parts.push(Part::Variable { written: rest[at..at + 2 + end + 1].to_owned(), alternatives });
        rest = &inner[end + 1..];
    }
    plain.push_str(rest);
    if !plain.is_empty() || parts.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}

/// Returns the place of the brace that closes a variable, given the text behind its opening one; `None` if it is
/// missing.
fn closing(inner: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut quote = None;
    for (at, byte) in inner.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'{') => depth += 1,
            (None, b'}') if depth == 0 => return Some(at),
            (None, b'}') => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Returns the alternatives of a variable, parted by commas outside of quotes, braces and parentheses.
fn split(inner: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let (mut start, mut depth, mut quote) = (0, 0usize, None);
    for (at, byte) in inner.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'{' | b'(') => depth += 1,
            (None, b'}' | b')') => depth = depth.saturating_sub(1),
            (None, b',') if depth == 0 => {
                all.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    all.push(&inner[start..]);
    all
}

/// Reads one alternative. From the second one on, a word that names no source is a value.
fn source((index, text): (usize, &str)) -> Source {
    let text = text.trim();
    for quote in ['\'', '"'] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote)) {
            return Source::Literal(inner.to_owned(), true);
        }
    }
    if text.starts_with("${") {
        return Source::Nested(text.to_owned());
    }
    if text == "stage" || text == "sls:stage" {
        return Source::Stage;
    }
    if let Some((path, key)) = text.strip_prefix("file(").and_then(|rest| rest.split_once(')')) {
        let key = key.strip_prefix([':', '.']).unwrap_or(key);
        return Source::File { path: path.trim().trim_matches(['\'', '"']).to_owned(), key: key.trim().to_owned() };
    }
    let named = text.split_once([':', '.']).map(|(word, name)| (word.trim(), name.trim()));
    match named {
        Some(("env" | "self" | "opt" | "secret", "")) => Source::Unknown(text.to_owned()),
        Some(("env", name)) => Source::Env(name.to_owned()),
        Some(("self", path)) => Source::This(path.to_owned()),
        Some(("opt", name)) => Source::Opt(name.to_owned()),
        Some(("secret", name)) => Source::Secret(name.to_owned()),
        _ if index > 0 => Source::Literal(text.to_owned(), false),
        Some((word, _)) => Source::Unknown(word.to_owned()),
        None => Source::Unknown(text.to_owned()),
    }
}

/// Returns `true` if a text reads like the inside of a variable.
pub(super) fn is_known_source(text: &str) -> bool {
    !matches!(source((0, text)), Source::Unknown(_) | Source::Literal(..) | Source::Nested(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(text: &str) -> Vec<Source> {
        match &parse(text).expect("it is well formed")[..] {
            [Part::Variable { alternatives, .. }] => alternatives.clone(),
            other => panic!("expected one variable, found {other:?}"),
        }
    }

    #[test]
    fn each_source_is_known_by_its_word() {
        let owned = str::to_owned;
        let literal = |text: &str, is_quoted| Source::Literal(owned(text), is_quoted);
        for (text, expected) in [
            ("${env.X}", vec![Source::Env(owned("X"))]),
            ("${ env:X , 'a, b' }", vec![Source::Env(owned("X")), literal("a, b", true)]),
            ("${env:X, default}", vec![Source::Env(owned("X")), literal("default", false)]),
            ("${self:a.b.0}", vec![Source::This(owned("a.b.0"))]),
            ("${self.a}", vec![Source::This(owned("a"))]),
            (
                "${opt:stage, self:provider.stage, 'dev'}",
                vec![Source::Opt(owned("stage")), Source::This(owned("provider.stage")), literal("dev", true)],
            ),
            ("${file(./a.yml):b.c}", vec![Source::File { path: owned("./a.yml"), key: owned("b.c") }]),
            ("${file(a.json)}", vec![Source::File { path: owned("a.json"), key: owned("") }]),
            ("${stage}", vec![Source::Stage]),
            ("${secret:db/password}", vec![Source::Secret(owned("db/password"))]),
            ("${env:A, ${env:B, 'c'}}", vec![Source::Env(owned("A")), Source::Nested(owned("${env:B, 'c'}"))]),
            ("${self:custom.${stage}.name}", vec![Source::This(owned("custom.${stage}.name"))]),
            ("${AWS::Region}", vec![Source::Unknown(owned("AWS"))]),
            ("${Bucket}", vec![Source::Unknown(owned("Bucket"))]),
        ] {
            assert_eq!(sources(text), expected, "{text}");
        }
    }

    #[test]
    fn a_doubled_sign_is_the_text_itself() {
        assert_eq!(parse("a$${b}c").expect("well formed"), [Part::Text("a${b}c".to_owned())]);
        assert_eq!(parse("$5 {x}").expect("well formed"), [Part::Text("$5 {x}".to_owned())]);
    }

    #[test]
    fn what_is_not_closed_or_has_two_braces_is_a_fault() {
        for text in ["a ${env:X", "${{ x }}", "${self:a.${stage}"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}

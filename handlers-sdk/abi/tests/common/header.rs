//! `faas.h` as data: its constants, its structs, and each member's type, as far as the header's own style of C goes.
#![allow(dead_code, reason = "each test target uses its part")]

use std::fmt;

/// A C type of the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Named(String),
    Pointer { target: Box<Type>, is_const: bool },
    Function { result: Box<Type>, params: Vec<Type> },
}

/// A struct of the header and its members in order.
#[derive(Debug)]
pub(crate) struct Struct {
    pub(crate) name: String,
    pub(crate) members: Vec<(String, Type)>,
}

/// The headers, in the order in which they are one text here.
pub(crate) const FILES: [&str; 5] = ["faas.h", "faas_http.h", "faas_telemetry.h", "faas_kv.h", "faas_params.h"];

/// Returns all headers as one text.
pub(crate) fn text() -> String {
    let read = |file| {
        let path = super::compiler::include().join(file);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    FILES.map(read).concat()
}

/// Returns the names that are defined with a value and without parameters, in order: name and value.
fn defined() -> Vec<(String, String)> {
    let text = without_comments(&text());
    let defines = text.lines().filter_map(|line| line.strip_prefix("#define "));
    defines
        .filter_map(|define| define.split_once(' '))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .filter(|(name, value)| !name.contains('(') && name != "FAAS_EXPORT" && !value.is_empty())
        .collect()
}

/// Returns the names of the constants that are numbers, in order.
pub(crate) fn constants() -> Vec<String> {
    defined().into_iter().filter(|(_, value)| !value.starts_with('"')).map(|(name, _)| name).collect()
}

/// Returns the constants that are texts, in order: name and value, in quotes.
pub(crate) fn names() -> Vec<(String, String)> {
    defined().into_iter().filter(|(_, value)| value.starts_with('"')).collect()
}

/// Returns the structs that have members, in order.
pub(crate) fn structs() -> Vec<Struct> {
    let text = without_comments(&text());
    let code: String =
        text.lines().filter(|line| !line.starts_with('#')).fold(String::new(), |all, line| all + line + "\n");
    let mut structs = Vec::new();
    for part in code.split("typedef struct ").skip(1) {
        let (head, rest) = part.split_once([';', '{']).expect("a typedef has an end");
        if part.as_bytes()[head.len()] == b'{' {
            let (body, _) = rest.split_once('}').expect("a struct has an end");
            let members = body.split(';').map(str::trim).filter(|member| !member.is_empty());
            structs.push(Struct { name: head.trim().to_owned(), members: members.map(declaration).collect() });
        }
    }
    structs
}

/// Returns the type of `faas_module_v1`.
pub(crate) fn entry() -> Type {
    let text = without_comments(&text());
    let (_, rest) = text.split_once("\nFAAS_EXPORT ").expect("the entry is declared");
    let (declared, _) = rest.split_once(';').expect("a declaration has an end");
    let mut tokens = Tokens::new(declared);
    let result = tokens.pointers();
    assert_eq!(tokens.next(), "faas_module_v1");
    Type::Function { result: Box::new(result), params: tokens.params() }
}

fn without_comments(text: &str) -> String {
    let mut rest = text;
    let mut out = String::new();
    while let Some((before, comment)) = rest.split_once("/*") {
        out += before;
        rest = comment.split_once("*/").expect("a comment has an end").1;
    }
    out + rest
}

fn declaration(text: &str) -> (String, Type) {
    let mut tokens = Tokens::new(text);
    let found = tokens.declaration();
    assert!(tokens.is_empty(), "not understood: {text}");
    (found.0.expect("a member has a name"), found.1)
}

/// The words and punctuation of the header, read from the front.
struct Tokens(Vec<String>);

impl Tokens {
    fn new(text: &str) -> Tokens {
        let mut tokens: Vec<String> = Vec::new();
        let mut in_word = false;
        for letter in text.chars() {
            let is_word = letter.is_alphanumeric() || letter == '_';
            match tokens.last_mut() {
                Some(word) if is_word && in_word => word.push(letter),
                _ if letter.is_whitespace() => {}
                _ => tokens.push(letter.to_string()),
            }
            in_word = is_word;
        }
        tokens.reverse();
        Tokens(tokens)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn peek(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }

    fn next(&mut self) -> String {
        self.0.pop().expect("the header's declarations are whole")
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.peek() == token;
        if found {
            self.0.pop();
        }
        found
    }

    /// Returns a name with its `const`s and stars.
    fn pointers(&mut self) -> Type {
        let mut is_const = self.eat("const");
        let mut found = Type::Named(self.next());
        while self.eat("*") {
            found = Type::Pointer { target: Box::new(found), is_const };
            is_const = self.eat("const");
        }
        found
    }

    /// Returns a member or parameter: `type name` or `type (*name)(params)`.
    fn declaration(&mut self) -> (Option<String>, Type) {
        let found = self.pointers();
        if self.eat("(") {
            assert!(self.eat("*"), "a function pointer");
            let name = self.next();
            assert!(self.eat(")"), "a function pointer");
            return (Some(name), Type::Function { result: Box::new(found), params: self.params() });
        }
        let is_name = self.peek().starts_with(|letter: char| letter.is_alphabetic());
        (is_name.then(|| self.next()), found)
    }

    fn params(&mut self) -> Vec<Type> {
        assert!(self.eat("("), "parameters");
        let mut params = Vec::new();
        while !self.eat(")") {
            params.push(self.declaration().1);
            self.eat(",");
        }
        params
    }
}

/// Writes the type as C does, without names.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Named(name) => f.write_str(name),
            Type::Pointer { target, is_const } => write!(f, "{target}{}*", if *is_const { " const " } else { " " }),
            Type::Function { result, params } => {
                let params: Vec<String> = params.iter().map(Type::to_string).collect();
                write!(f, "{result} (*)({})", params.join(", "))
            }
        }
    }
}

impl Type {
    /// Returns the type as the Rust mirror writes it, without spaces.
    pub(crate) fn in_rust(&self) -> String {
        match self {
            Type::Named(name) => rust_name(name),
            Type::Pointer { target, is_const } => {
                format!("*{}{}", if *is_const { "const" } else { "mut" }, target.in_rust())
            }
            Type::Function { .. } => format!("Option<{}>", self.function_in_rust()),
        }
    }

    /// Returns the type as [`in_rust`](Type::in_rust) does, for a function that is not a pointer.
    pub(crate) fn function_in_rust(&self) -> String {
        let Type::Function { result, params } = self else { panic!("not a function: {self}") };
        let params: Vec<String> = params.iter().map(Type::in_rust).collect();
        let result = match result.in_rust().as_str() {
            "c_void" => String::new(),
            other => format!("->{other}"),
        };
        format!("unsafeextern\"C\"fn({}){result}", params.join(","))
    }
}

fn rust_name(c: &str) -> String {
    let rust = match c {
        "void" => "c_void",
        "size_t" => "usize",
        "uint8_t" => "u8",
        "uint32_t" => "u32",
        "int32_t" => "i32",
        "uint64_t" => "u64",
        "double" => "f64",
        other => {
            let words = other.strip_prefix("faas_").unwrap_or_else(|| panic!("a type outside the contract: {other}"));
            return words.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
        }
    };
    rust.to_owned()
}

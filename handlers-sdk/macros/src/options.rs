//! The words in an attribute's parentheses.

use proc_macro2::{Span, TokenStream};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, ExprPath, Ident, Lit, Path, Result, Token, Type};

/// A word of the options: `word` or `word = value`.
pub(crate) struct Word {
    pub(crate) name: Ident,
    pub(crate) value: Option<Expr>,
}

impl Parse for Word {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name = input.call(syn::ext::IdentExt::parse_any)?;
        let value = if input.parse::<Option<Token![=]>>()?.is_some() { Some(input.parse()?) } else { None };
        Ok(Word { name, value })
    }
}

pub(crate) fn words(tokens: TokenStream) -> Result<Vec<Word>> {
    let parser = Punctuated::<Word, Token![,]>::parse_terminated;
    Ok(syn::parse::Parser::parse2(parser, tokens)?.into_iter().collect())
}

/// Returns the given name, or that of the type in snake case.
pub(crate) fn name_of(given: Option<String>, this: &Type) -> Result<String> {
    match (given, this) {
        (Some(name), _) => Ok(name),
        (None, Type::Path(path)) => {
            Ok(snake(&path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()))
        }
        _ => Err(Error::new_spanned(this, "expected a named type")),
    }
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for (index, character) in name.chars().enumerate() {
        if character.is_uppercase() && index > 0 {
            out.push('_');
        }
        out.extend(character.to_lowercase());
    }
    out
}

impl Word {
    pub(crate) fn flag(&self) -> Result<bool> {
        match &self.value {
            None => Ok(true),
            Some(_) => Err(Error::new(self.name.span(), format!("`{}` takes no value", self.name))),
        }
    }

    fn expected(&self, what: &str) -> Error {
        let message = format!("expected `{} = {what}`", self.name);
        match &self.value {
            Some(value) => Error::new_spanned(value, message),
            None => Error::new(self.name.span(), message),
        }
    }

    pub(crate) fn text(&self) -> Result<String> {
        match &self.value {
            Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => Ok(text.value()),
            _ => Err(self.expected("\"text\"")),
        }
    }

    pub(crate) fn number(&self) -> Result<Expr> {
        self.value.clone().ok_or_else(|| self.expected("number"))
    }

    pub(crate) fn path(&self) -> Result<Path> {
        match &self.value {
            Some(Expr::Path(ExprPath { path, .. })) => Ok(path.clone()),
            _ => Err(self.expected("path::to_function")),
        }
    }

    /// Returns an HTTP status, which has to be one that an error may have.
    pub(crate) fn status(&self) -> Result<u16> {
        let number = match &self.value {
            Some(Expr::Lit(ExprLit { lit: Lit::Int(number), .. })) => number.base10_parse().ok(),
            _ => None,
        };
        match number {
            Some(status @ 400..=599) => Ok(status),
            _ => Err(self.expected("400 to 599")),
        }
    }

    pub(crate) fn unknown(&self, known: &str) -> Error {
        Error::new(self.name.span(), format!("unknown option `{}`; there are: {known}", self.name))
    }
}

/// Checks a name. A handler is named `library.function`, so a name has neither dots nor slashes.
pub(crate) fn checked_name(name: &str, span: Span) -> Result<()> {
    if name.is_empty() || name.contains(['.', '/', '\\', '\0']) {
        return Err(Error::new(span, format!("expected a name without dots and slashes, found {name:?}")));
    }
    Ok(())
}

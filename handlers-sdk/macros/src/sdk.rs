//! The path of the SDK: `::handlers_sdk`, unless the author writes `crate = path`.
//!
//! The output of the macros names the SDK by that path. Where an author's crate has it under another name, the path is
//! replaced in the output, at one place for all macros.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{Error, LitStr, Path, Result, Token};

/// The option `crate = path` or `crate = "path"`.
struct Where(Path);

impl Parse for Where {
    fn parse(input: ParseStream<'_>) -> Result<Where> {
        input.parse::<Token![crate]>()?;
        input.parse::<Token![=]>()?;
        let at = input.span();
        let path = if input.peek(LitStr) { input.parse::<LitStr>()?.parse() } else { input.parse() };
        match path {
            Ok(path) if input.is_empty() => Ok(Where(path)),
            _ => Err(Error::new(at, "expected the path of the SDK: `crate = path`")),
        }
    }
}

/// Writes code with `write`, to which it hands the options without `crate = path`, and has it name the SDK by that
/// path.
pub(crate) fn located(
    options: TokenStream,
    write: impl FnOnce(TokenStream) -> Result<TokenStream>,
) -> Result<TokenStream> {
    let (sdk, options) = taken(options)?;
    let written = write(options)?;
    Ok(match sdk {
        Some(sdk) => renamed(written, &sdk.into_token_stream()),
        None => written,
    })
}

/// Returns the path of `crate = path`, and the options without it.
pub(crate) fn taken(options: TokenStream) -> Result<(Option<Path>, TokenStream)> {
    let mut sdk = None;
    let mut rest = TokenStream::new();
    for option in split(options) {
        if option.clone().into_iter().next().is_some_and(|first| first.to_string() == "crate") {
            // A comma may follow the option.
            let option = option.into_iter().filter(|token| token.to_string() != ",").collect();
            sdk = Some(syn::parse2::<Where>(option)?.0);
        } else {
            rest.extend(option);
        }
    }
    Ok((sdk, rest))
}

/// Returns the options, each with the comma behind it.
fn split(options: TokenStream) -> Vec<TokenStream> {
    let mut parts = vec![TokenStream::new()];
    for token in options {
        let is_end = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',');
        if let Some(part) = parts.last_mut() {
            part.extend([token]);
        }
        if is_end {
            parts.push(TokenStream::new());
        }
    }
    parts
}

/// Puts `sdk` in the place of every `::handlers_sdk`.
pub(crate) fn renamed(tokens: TokenStream, sdk: &TokenStream) -> TokenStream {
    let mut out: Vec<TokenTree> = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let mut copy = Group::new(group.delimiter(), renamed(group.stream(), sdk));
                copy.set_span(group.span());
                out.push(TokenTree::Group(copy));
            }
            TokenTree::Ident(name) if name == "handlers_sdk" && ends_in_colons(&out) => {
                out.truncate(out.len() - 2);
                out.extend(sdk.clone().into_iter().map(|mut token| {
                    token.set_span(token.span().located_at(name.span()));
                    token
                }));
            }
            other => out.push(other),
        }
    }
    out.into_iter().collect()
}

/// The words after which a path begins.
const BEFORE_PATHS: [&str; 16] = [
    "as", "break", "const", "dyn", "else", "for", "if", "impl", "in", "match", "mut", "ref", "return", "static", "use",
    "where",
];

/// Returns `true` if the last tokens are a `::` that begins a path.
fn ends_in_colons(tokens: &[TokenTree]) -> bool {
    let is_colon = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':');
    let goes_on = |token: &TokenTree| matches!(token, TokenTree::Ident(word) if !BEFORE_PATHS.iter().any(|before| word == before));
    match tokens {
        [first, second] => is_colon(first) && is_colon(second),
        [.., before, first, second] => is_colon(first) && is_colon(second) && !goes_on(before),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::located;
    use proc_macro2::TokenStream;
    use quote::quote;
    use syn::Result;

    fn written(options: TokenStream, write: impl FnOnce(TokenStream) -> Result<TokenStream>) -> String {
        located(options, write).expect("it is written").to_string()
    }

    /// Returns the output of each macro for a small input.
    fn all(option: &TokenStream) -> Vec<String> {
        let function = quote!(
            async fn f(a: A, b: B) -> Result<R, E> {
                g(a, b).await
            }
        );
        let class =
            quote!(impl Shop { #[init] fn new() -> Self { Shop } #[timer(every = "1h")] fn tidy(&self, a: A) {} });
        let layer =
            quote!(impl Layer for Guard { fn before_invoke(&self, i: &mut Invocation<'_>) -> Flow { Flow::Go } });
        vec![
            written(quote!(name = "x", #option, start = begin), |options| crate::function::expand(options, function)),
            written(quote!(#option), |options| crate::functions::expand(options, class)),
            written(quote!(#option, order = 7), |options| crate::layer::expand(options, layer)),
            written(quote!(#option), |options| {
                crate::provider::expand(
                    options,
                    quote!(
                        fn pool() -> Pool {
                            Pool
                        }
                    ),
                )
            }),
            written(quote!(#option, functions: [a, b::c], layers: [L]), crate::module::expand),
            crate::error::expand(quote!(
                #[faas(#option, status = 409)]
                enum Bad {
                    #[faas(public)]
                    Worse,
                }
            ))
            .expect("it is written")
            .to_string(),
        ]
    }

    #[test]
    fn no_macro_names_the_sdk_but_where_it_is_said_to_be() {
        for option in [quote!(crate = faas::sdk), quote!(crate = "faas::sdk")] {
            for written in all(&option) {
                assert!(!written.contains("handlers_sdk"), "{written}");
                assert!(written.contains("faas :: sdk :: __private"), "{written}");
            }
        }
    }

    #[test]
    fn a_path_of_the_authors_that_ends_in_that_name_stays() {
        let item = quote!(
            fn f() {
                crate::vendored::handlers_sdk::info!("x");
            }
        );
        let written =
            written(quote!(crate = crate::vendored::handlers_sdk), |options| crate::function::expand(options, item));
        assert!(written.contains("crate :: vendored :: handlers_sdk :: info"), "{written}");
        assert!(!written.contains("vendored :: crate") && !written.contains("{ :: handlers_sdk"), "{written}");
    }

    #[test]
    fn a_path_that_is_none_is_refused() {
        for options in [quote!(crate), quote!(crate = 7), quote!(crate = "a b"), quote!(crate = a b)] {
            assert!(located(options, Ok).is_err());
        }
    }
}

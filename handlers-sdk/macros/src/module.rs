//! The macro `module!`, which makes one table of several entries.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Ident, Path, Result, Token, bracketed};

#[derive(Default)]
struct Input {
    functions: Vec<Path>,
    classes: Vec<Path>,
    layers: Vec<Path>,
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut parsed = Input::default();
        while !input.is_empty() {
            let what: Ident = input.parse()?;
            input.parse::<Token![:]>()?;
            let list;
            bracketed!(list in input);
            let paths = Punctuated::<Path, Token![,]>::parse_terminated(&list)?;
            match what.to_string().as_str() {
                "functions" => parsed.functions.extend(paths),
                "classes" => parsed.classes.extend(paths),
                "layers" => parsed.layers.extend(paths),
                _ => {
                    return Err(Error::new(what.span(), "expected `functions: […]`, `classes: […]` or `layers: […]`"));
                }
            }
            if input.parse::<Option<Token![,]>>()?.is_none() && !input.is_empty() {
                return Err(input.error("expected `,`"));
            }
        }
        if parsed.functions.is_empty() && parsed.classes.is_empty() && parsed.layers.is_empty() {
            return Err(input.error("expected at least one function, class or layer"));
        }
        Ok(parsed)
    }
}

/// Makes two entries of one kind and name a compile-time error.
fn distinct(paths: &[Path], definition: &TokenStream) -> TokenStream {
    let pairs = paths.iter().enumerate().flat_map(|(index, one)| paths[..index].iter().map(move |other| (one, other)));
    let checks = pairs.map(|(one, other)| {
        let name = |path: &Path| path.to_token_stream().to_string().replace(' ', "");
        let message = format!(
            "`{}` and `{}` have the same name in this module: give one of them another by `name = \"…\"`",
            name(other),
            name(one)
        );
        let is_same =
            quote!(::handlers_sdk::__private::same(<#one as #definition>::NAME, <#other as #definition>::NAME));
        quote_spanned!(one.span()=> ::core::assert!(!#is_same, #message);)
    });
    quote!(#(#checks)*)
}

pub(crate) fn expand(tokens: TokenStream) -> Result<TokenStream> {
    let Input { functions, classes, layers } = syn::parse2(tokens)?;
    let function = quote!(::handlers_sdk::__private::FunctionDef);
    let layer = quote!(::handlers_sdk::__private::LayerDef);
    let distinct_functions = distinct(&functions, &function);
    let distinct_layers = distinct(&layers, &layer);
    Ok(quote! {
        const _: () = {
            #distinct_functions
            #distinct_layers
        };

        /// Returns the functions and layers of this crate as one table, for static linking.
        pub fn faas_module() -> &'static ::handlers_sdk::__private::Module {
            const PARTS: &[&[&::handlers_sdk::__private::Function]] = &[
                &[#(&<#functions as #function>::TABLE),*],
                #(<#classes as ::handlers_sdk::__private::ClassDef>::FUNCTIONS),*
            ];
            const FUNCTIONS: &[&::handlers_sdk::__private::Function] =
                &::handlers_sdk::__private::joined::<{ ::handlers_sdk::__private::count(PARTS) }>(PARTS);
            const MODULE: &::handlers_sdk::__private::Module = &::handlers_sdk::__private::module(
                &::handlers_sdk::__private::Package {
                    name: ::core::env!("CARGO_PKG_NAME"),
                    version: ::core::env!("CARGO_PKG_VERSION"),
                },
                FUNCTIONS,
                &[#(&<#layers as #layer>::TABLE),*],
            );
            MODULE
        }
    })
}

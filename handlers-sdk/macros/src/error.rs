//! The derive `#[derive(FaasError)]`, which describes an error for its callers.

use crate::options::{Word, words};
use crate::sdk::{renamed, taken};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Data, DeriveInput, Error, Fields, Path, Result};

/// The words that `#[faas(…)]` has for an error or for one of its variants.
#[derive(Default)]
struct Said {
    status: Option<u16>,
    kind: Option<String>,
    message: Option<Message>,
    sdk: Option<Path>,
}

/// The message that callers read.
enum Message {
    /// The text that the error itself displays.
    Own,
    /// A text of the attribute.
    Text(String),
}

impl Said {
    fn read(attributes: &[Attribute]) -> Result<Said> {
        let mut said = Said::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("faas")) {
            let (sdk, options) = taken(attribute.meta.require_list()?.tokens.clone())?;
            said.sdk = said.sdk.or(sdk);
            for word in words(options)? {
                said.add(&word)?;
            }
        }
        Ok(said)
    }

    fn add(&mut self, word: &Word) -> Result<()> {
        match word.name.to_string().as_str() {
            "status" => self.status = Some(word.status()?),
            "kind" => self.kind = Some(word.text()?),
            "public" => {
                word.flag()?;
                self.message = Some(Message::Own);
            }
            "message" => self.message = Some(Message::Text(word.text()?)),
            _ => return Err(word.unknown("status, kind, public, message, crate")),
        }
        Ok(())
    }
}

/// Returns the description of a variant. The words of the whole type hold for it unless it has its own.
fn described(said: &Said, whole: &Said, path: &str) -> TokenStream {
    let kind = match said.kind.as_ref().or(whole.kind.as_ref()) {
        Some(kind) => kind.to_token_stream(),
        None => quote!(::core::concat!(::core::module_path!(), "::", #path)),
    };
    let status = match said.status.or(whole.status) {
        Some(status) => quote!(::core::option::Option::Some(#status)),
        None => quote!(::core::option::Option::None),
    };
    let message = match said.message.as_ref().or(whole.message.as_ref()) {
        Some(Message::Own) => quote!(::core::option::Option::Some(::std::string::ToString::to_string(error))),
        Some(Message::Text(text)) => {
            quote!(::core::option::Option::Some(::std::string::String::from(#text)))
        }
        None => quote!(::core::option::Option::None),
    };
    quote!(::handlers_sdk::__private::Described { kind: #kind, status: #status, message: #message })
}

pub(crate) fn expand(input: TokenStream) -> Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    if !input.generics.params.is_empty() {
        let message = "an error that callers are told of has no generics: its type is found while the program runs";
        return Err(Error::new_spanned(&input.generics, message));
    }
    let ident = &input.ident;
    let whole = Said::read(&input.attrs)?;
    let shown = match &input.data {
        Data::Enum(data) => {
            let mut arms = Vec::new();
            for variant in &data.variants {
                let said = Said::read(&variant.attrs)?;
                if let Some(path) = &said.sdk {
                    return Err(Error::new_spanned(path, "`crate` is said of the whole enum, not of a variant"));
                }
                let name = &variant.ident;
                let fields = match &variant.fields {
                    Fields::Named(_) => quote!({ .. }),
                    Fields::Unnamed(_) => quote!((..)),
                    Fields::Unit => quote!(),
                };
                let described = described(&said, &whole, &format!("{ident}::{name}"));
                arms.push(quote!(#ident::#name #fields => #described,));
            }
            quote!(match error { #(#arms)* })
        }
        Data::Struct(_) => described(&Said::default(), &whole, &ident.to_string()),
        Data::Union(data) => {
            return Err(Error::new_spanned(data.union_token, "expected an enum or a struct, found a union"));
        }
    };
    // It is spelt with the author's identifier, so that the compiler names a type that is no error.
    let checked = quote::quote_spanned! {ident.span()=>
        const fn is_an_error<T: ::std::error::Error + 'static>() {}
        const _: () = is_an_error::<#ident>();
    };
    let written = quote! {
        const _: () = {
            #checked

            fn describe(
                error: &(dyn ::std::error::Error + 'static),
            ) -> ::core::option::Option<::handlers_sdk::__private::Described> {
                let error = error.downcast_ref::<#ident>()?;
                ::core::option::Option::Some(#shown)
            }

            ::handlers_sdk::__register!(
                "faas_errors",
                ::handlers_sdk::__private::Describe,
                &(describe as ::handlers_sdk::__private::Describe)
            );
        };
    };
    Ok(match &whole.sdk {
        Some(sdk) => renamed(written, &sdk.to_token_stream()),
        None => written,
    })
}

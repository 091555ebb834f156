//! `#[function]`.

use crate::options::{checked_name, words};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, FnArg, ItemFn, Path, Result};

/// Phase numbers of `faas.h`.
const PHASES: [(&str, u32); 5] = [("start", 1), ("close", 3), ("suspend", 4), ("resume", 5), ("replied", 6)];

#[derive(Default)]
struct Options {
    name: Option<String>,
    blocking: bool,
    inline: bool,
    default: bool,
    stream: bool,
    record: bool,
    triggers: Vec<String>,
    phases: Vec<(u32, Path)>,
}

fn options(tokens: TokenStream) -> Result<Options> {
    let mut options = Options::default();
    for word in words(tokens)? {
        match word.name.to_string().as_str() {
            "name" => {
                let name = word.text()?;
                checked_name(&name, word.name.span())?;
                options.name = Some(name);
            }
            "blocking" => options.blocking = word.flag()?,
            "inline" => options.inline = word.flag()?,
            "default" => options.default = word.flag()?,
            "stream" => options.stream = word.flag()?,
            "trigger" => {
                let kind = word.text()?;
                if !KINDS.contains(&kind.as_str()) {
                    let message = format!("expected a kind of event, one of {}, found {kind:?}", KINDS.join(", "));
                    return Err(Error::new(word.name.span(), message));
                }
                options.triggers.push(kind);
            }
            "record" => options.record = word.flag()?,
            phase => match PHASES.iter().find(|(name, _)| *name == phase) {
                Some((_, number)) => options.phases.push((*number, word.path()?)),
                None => {
                    return Err(word.unknown(
                        "name, blocking, inline, default, stream, record, trigger, start, close, suspend, resume, replied",
                    ));
                }
            },
        }
        if options.blocking && options.inline {
            return Err(Error::new(word.name.span(), "a function is `blocking` or `inline`, not both"));
        }
        if options.stream && options.record {
            return Err(Error::new(
                word.name.span(),
                "a function is `stream` or `record`, not both: a record has no reply",
            ));
        }
    }
    Ok(options)
}

/// The kinds of events of the manifest.
const KINDS: [&str; 12] =
    ["http", "timer", "queue", "topic", "storage", "log", "stream", "table", "event", "websocket", "authorizer", "raw"];

/// The triggers as a manifest writes events: every event of each of these kinds.
fn json(kinds: &[String]) -> String {
    if kinds.is_empty() {
        return String::new();
    }
    let events: Vec<String> = kinds.iter().map(|kind| format!("{{\"{kind}\":true}}")).collect();
    format!("[{}]", events.join(","))
}

pub(crate) fn expand(tokens: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options = options(tokens)?;
    let function: ItemFn = syn::parse2(item)?;
    let signature = &function.sig;
    if !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(&signature.generics, "a function that a runtime calls has no generics"));
    }
    if let Some(unsafety) = &signature.unsafety {
        return Err(Error::new_spanned(unsafety, "a function that a runtime calls is not unsafe"));
    }
    let mut types = Vec::new();
    for argument in &signature.inputs {
        match argument {
            FnArg::Typed(argument) => types.push(&argument.ty),
            FnArg::Receiver(this) => return Err(Error::new_spanned(this, "expected a free `fn`, found a method")),
        }
    }

    let ident = &signature.ident;
    let visibility = &function.vis;
    let plain = ident.to_string();
    let name = options.name.clone().unwrap_or_else(|| plain.trim_start_matches("r#").to_owned());
    let arguments: Vec<_> = (0..types.len()).map(|index| format_ident!("argument_{index}")).collect();
    let awaited = signature.asyncness.map(|_| quote!(.await));
    let end = match (options.stream, options.record) {
        (true, _) => quote!(streamed),
        (_, true) => quote!(recorded),
        _ => quote!(replied),
    };
    let body = quote! {
        #(let #arguments: #types = match ::handlers_sdk::__private::argument(ctx) {
            ::core::result::Result::Ok(argument) => argument,
            ::core::result::Result::Err(error) => return ::handlers_sdk::__private::refused(error),
        };)*
        ::handlers_sdk::__private::#end(ctx, #ident(#(#arguments),*) #awaited)
    };
    let call = if signature.asyncness.is_some() {
        quote! {
            let owned = ::core::clone::Clone::clone(ctx);
            ::handlers_sdk::__private::running(async move {
                let ctx = &owned;
                #body
            })
        }
    } else {
        quote! {
            let answer = || -> ::handlers_sdk::__private::Outcome { #body };
            ::handlers_sdk::__private::Call::Ended(answer())
        }
    };

    let is_async = signature.asyncness.is_some();
    let blocking = options.blocking || (options.stream && !is_async);
    let inline = options.inline || (is_async && !options.blocking);
    // FAAS_IS_BLOCKING, FAAS_IS_INLINE, FAAS_IS_DEFAULT, FAAS_IS_PER_RECORD of `faas.h`.
    let flags =
        u32::from(blocking) | u32::from(inline) << 1 | u32::from(options.default) << 4 | u32::from(options.record) << 6;
    let phase_bits = options.phases.iter().fold(0u32, |bits, (phase, _)| bits | 1 << phase);
    let streams = options.stream;
    let triggers = json(&options.triggers);
    let phase_numbers = options.phases.iter().map(|(phase, _)| phase);
    let phase_paths = options.phases.iter().map(|(_, path)| path);
    let phase = (!options.phases.is_empty()).then(|| {
        quote! {
            fn phase(phase: u32, ctx: &::handlers_sdk::FaasContext) -> ::handlers_sdk::__private::Call {
                match phase {
                    #(#phase_numbers => ::handlers_sdk::__private::phase(#phase_paths, ctx),)*
                    _ => ::handlers_sdk::__private::Call::Ended(::handlers_sdk::__private::Outcome::Done),
                }
            }
        }
    });
    let doc = format!("The function `{name}` as an entry of a module.");

    Ok(quote! {
        #function

        #[doc = #doc]
        #[allow(non_camel_case_types)]
        #[derive(Debug)]
        #visibility struct #ident {}

        const _: () = {
            impl ::handlers_sdk::__private::FunctionDef for #ident {
                const NAME: &'static str = #name;
                const FLAGS: u32 = #flags;
                const PHASES: u32 = #phase_bits;
                const STREAMS: bool = #streams;
                const TRIGGERS: &'static str = #triggers;

                fn call(ctx: &::handlers_sdk::FaasContext) -> ::handlers_sdk::__private::Call {
                    #call
                }

                #phase
            }

            impl #ident {
                /// A module of this function alone, for static linking.
                pub const MODULE: &'static ::handlers_sdk::__private::Module = &::handlers_sdk::__private::module(
                    &::handlers_sdk::__private::Package {
                        name: ::core::env!("CARGO_PKG_NAME"),
                        version: ::core::env!("CARGO_PKG_VERSION"),
                    },
                    &[&<#ident as ::handlers_sdk::__private::FunctionDef>::TABLE],
                    &[],
                );
            }
        };

        ::handlers_sdk::__register!(
            "faas_functions",
            ::handlers_sdk::__private::Function,
            &<#ident as ::handlers_sdk::__private::FunctionDef>::TABLE
        );
    })
}

//! The attribute `#[function]`, which makes a function of a `fn`.

use crate::arguments::{Callee, Outcome, checked, context, place};
use crate::function_options::{Options, WORDS};
use crate::options::words;
use crate::triggers::KINDS;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Ident, ItemFn, Path, Result};

/// The numbers of the phases in `faas.h`.
const PHASES: [(&str, u32); 5] = [("start", 1), ("close", 3), ("suspend", 4), ("resume", 5), ("replied", 6)];

/// The number `FAAS_FUNCTION_START` of `faas.h`.
const START: u32 = 1;
/// The bit `FAAS_F_STREAM_IN` of `faas.h`.
const STREAM_IN: u64 = 1 << 2;

/// The options in the parentheses of `#[function]`.
#[derive(Default)]
struct Attribute {
    options: Options,
    /// The name of the type beside the function; `None` for the function's own name.
    table: Option<Ident>,
    /// `true` if it returns an application.
    service: bool,
    /// `true` if it has the shape of a function of `lambda_runtime`.
    lambda: bool,
    triggers: Vec<String>,
    phases: Vec<(u32, Path)>,
}

fn attribute(tokens: TokenStream) -> Result<Attribute> {
    let mut attribute = Attribute::default();
    for word in words(tokens)? {
        if attribute.options.word(&word)? {
            continue;
        }
        match word.name.to_string().as_str() {
            "service" => attribute.service = word.flag()?,
            "lambda" => attribute.lambda = word.flag()?,
            "table" => attribute.table = Some(word.path()?.require_ident()?.clone()),
            "trigger" => {
                let kind = word.text()?;
                if KINDS.iter().all(|(known, _)| *known != kind) {
                    let kinds: Vec<&str> = KINDS.iter().map(|(known, _)| *known).collect();
                    let message = format!("expected a kind of event, one of {}, found {kind:?}", kinds.join(", "));
                    return Err(Error::new(word.name.span(), message));
                }
                attribute.triggers.push(kind);
            }
            phase => match PHASES.iter().find(|(name, _)| *name == phase) {
                Some((_, number)) => attribute.phases.push((*number, word.path()?)),
                None => {
                    return Err(word.unknown(&format!(
                        "{WORDS}, service, lambda, table, trigger, start, close, suspend, resume, replied"
                    )));
                }
            },
        }
        let starts = attribute.phases.iter().any(|(phase, _)| *phase == START);
        if attribute.service && (attribute.options.stream || attribute.options.blocking || starts) {
            let why = "a `service` streams as it likes and never blocks, and its function is what runs at its start: \
                       `stream`, `blocking` and `start` mean nothing beside it";
            return Err(Error::new(word.name.span(), why));
        }
    }
    if attribute.service {
        attribute.options.serves_all();
    }
    Ok(attribute)
}

/// Returns the triggers as a manifest writes events: every event of each of these kinds.
fn json(kinds: &[String]) -> String {
    if kinds.is_empty() {
        return String::new();
    }
    let events: Vec<String> = kinds.iter().map(|kind| format!("{{\"{kind}\":true}}")).collect();
    format!("[{}]", events.join(","))
}

pub(crate) fn expand(tokens: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let Attribute { options, table, service, lambda, triggers, phases } = attribute(tokens)?;
    let function: ItemFn = syn::parse2(item)?;
    let signature = &function.sig;
    checked(signature)?;
    if let Some(this) = signature.receiver() {
        return Err(Error::new_spanned(this, "expected a free `fn`, found a method"));
    }

    let ident = &signature.ident;
    let table = table.as_ref().unwrap_or(ident);
    let visibility = &function.vis;
    let plain = ident.to_string();
    let name = options.name.clone().unwrap_or_else(|| plain.trim_start_matches("r#").to_owned());
    let sdk = quote!(::handlers_sdk);
    let ctx = context();
    let result = match (service, lambda) {
        (true, _) => Outcome::Service,
        (_, true) => Outcome::Lambda,
        _ => options.result(),
    };
    let callee = Callee { sdk: &sdk, signature, expression: quote!(#ident), first: None, result };
    let (call, needs, wants) = (callee.call(), callee.needs(), callee.wants());
    let place = place(&sdk, ident.span());

    let is_async = signature.asyncness.is_some();
    let flags = options.flags(is_async);
    let phase_bits = phases.iter().fold(0u32, |bits, (phase, _)| bits | 1 << phase) | u32::from(service) << START;
    let streams = options.stream || service;
    let wanted = if service { STREAM_IN } else { 0 };
    // The code written here makes a service at the start, and the author's type serves the calls.
    let needs_tower = service.then(|| quote!(::handlers_sdk::__needs_tower!();));
    let (call, made) = match service {
        true => (quote!(::handlers_sdk::__private::serve(#ctx)), Some(quote!(#START => { let #ctx = ctx; #call }))),
        false => (call, None),
    };
    let triggers = json(&triggers);
    let phase_numbers = phases.iter().map(|(phase, _)| phase);
    let phase_paths = phases.iter().map(|(_, path)| path);
    let phase = quote! {
        match phase {
            #made
            #(#phase_numbers => ::handlers_sdk::__private::phase(#phase_paths, ctx),)*
            _ => ::handlers_sdk::__private::Call::Ended(::handlers_sdk::__private::Outcome::Done),
        }
    };
    let doc = format!("The function `{name}` as an entry of a module.");

    Ok(quote! {
        #function

        #needs_tower

        #[doc = #doc]
        #[allow(non_camel_case_types)]
        #[derive(Debug)]
        #visibility struct #table {}

        const _: () = {
            impl ::handlers_sdk::__private::FunctionDef for #table {
                type Instance = Self;
                const NAME: &'static str = #name;
                const FLAGS: u32 = #flags;
                const STREAMS: bool = #streams;
                const WANTS: u64 = #wanted | #wants;
                const TRIGGERS: &'static str = #triggers;

                fn call(#ctx: &::handlers_sdk::FaasContext) -> ::handlers_sdk::__private::Call {
                    #call
                }
            }

            impl ::handlers_sdk::__private::InstanceDef for #table {
                const NAME: &'static str = #name;
                const PHASES: u32 = #phase_bits;
                const NEEDS: &'static [::handlers_sdk::__private::Needs] = &[::handlers_sdk::__private::Needs {
                    name: #name,
                    place: #place,
                    is_async: #is_async,
                    list: #needs,
                }];

                fn phase(phase: u32, ctx: &::handlers_sdk::FaasContext) -> ::handlers_sdk::__private::Call {
                    let _ = ctx;
                    #phase
                }
            }

            impl #table {
                /// A module of this function alone, for static linking.
                pub const MODULE: &'static ::handlers_sdk::__private::Module = &::handlers_sdk::__private::module(
                    &::handlers_sdk::__private::Package {
                        name: ::core::env!("CARGO_PKG_NAME"),
                        version: ::core::env!("CARGO_PKG_VERSION"),
                    },
                    &[&<#table as ::handlers_sdk::__private::FunctionDef>::TABLE],
                    &[],
                );
            }
        };

        ::handlers_sdk::__register!(
            "faas_functions",
            ::handlers_sdk::__private::Function,
            &<#table as ::handlers_sdk::__private::FunctionDef>::TABLE
        );
    })
}

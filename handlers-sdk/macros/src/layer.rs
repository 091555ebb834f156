//! `#[layer]`.

use crate::options::{checked_name, words};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Expr, ImplItem, ItemImpl, Result, Type, parse_quote};

/// Hooks and the phases of `faas.h` they belong to.
const BEFORE: [(&str, u32); 6] = [
    ("before_runtime_start", 0),
    ("before_function_start", 1),
    ("before_invoke", 2),
    ("before_close", 3),
    ("resume", 5),
    ("before_record", 7),
];
const AFTER: [(&str, u32); 7] = [
    ("after_runtime_start", 0),
    ("after_function_start", 1),
    ("after_invoke", 2),
    ("after_close", 3),
    ("suspend", 4),
    ("replied", 6),
    ("after_record", 7),
];
const FAILED: [(&str, u32); 5] = [
    ("runtime_start_failed", 0),
    ("function_start_failed", 1),
    ("invoke_failed", 2),
    ("close_failed", 3),
    ("record_failed", 7),
];

struct Options {
    name: Option<String>,
    order: Expr,
    whole_body: bool,
    required: bool,
}

fn options(tokens: TokenStream) -> Result<Options> {
    let mut options = Options { name: None, order: parse_quote!(0), whole_body: false, required: false };
    for word in words(tokens)? {
        match word.name.to_string().as_str() {
            "name" => {
                let name = word.text()?;
                checked_name(&name, word.name.span())?;
                options.name = Some(name);
            }
            "order" => options.order = word.number()?,
            "whole_body" => options.whole_body = word.flag()?,
            "required" => options.required = word.flag()?,
            _ => return Err(word.unknown("name, order, whole_body, required")),
        }
    }
    Ok(options)
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

pub(crate) fn expand(tokens: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options = options(tokens)?;
    let mut block: ItemImpl = syn::parse2(item)?;
    if !block.generics.params.is_empty() {
        return Err(Error::new_spanned(&block.generics, "a layer that a runtime loads has no generics"));
    }
    let is_layer = block.trait_.as_ref().and_then(|(_, path, _)| path.segments.last());
    if is_layer.is_none_or(|segment| segment.ident != "Layer") {
        return Err(Error::new_spanned(&block.self_ty, "expected `impl Layer for …`"));
    }
    let this = block.self_ty.clone();
    let name = match (options.name, &*this) {
        (Some(name), _) => name,
        (None, Type::Path(path)) => {
            snake(&path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default())
        }
        _ => return Err(Error::new_spanned(&this, "expected a named type")),
    };

    let written: Vec<String> = block
        .items
        .iter()
        .filter_map(|item| if let ImplItem::Fn(hook) = item { Some(hook.sig.ident.to_string()) } else { None })
        .collect();
    let has = |name: &str| written.iter().any(|hook| hook == name);
    let mask = |hooks: &[(&str, u32)]| {
        hooks.iter().filter(|(name, _)| has(name)).fold(0u32, |bits, (_, phase)| bits | 1 << phase)
    };
    let (before, after, failed) = (mask(&BEFORE), mask(&AFTER), mask(&FAILED));
    let (head, recognise, context, health) = (has("head"), has("recognise"), has("context"), has("health"));
    if !has("create") {
        block.items.push(parse_quote! {
            fn create(_: &::handlers_sdk::Config) -> ::core::result::Result<Self, ::handlers_sdk::Error> {
                ::core::result::Result::Ok(<Self as ::core::default::Default>::default())
            }
        });
    }
    let (order, whole_body, required) = (options.order, options.whole_body, options.required);

    Ok(quote! {
        #block

        const _: () = {
            impl ::handlers_sdk::__private::LayerDef for #this {
                const NAME: &'static str = #name;
                const ORDER: i32 = #order;
                const WHOLE_BODY: bool = #whole_body;
                const REQUIRED: bool = #required;
                const BEFORE: u32 = #before;
                const AFTER: u32 = #after;
                const FAILED: u32 = #failed;
                const HEAD: bool = #head;
                const RECOGNISE: bool = #recognise;
                const CONTEXT: bool = #context;
                const HEALTH: bool = #health;
            }

            impl #this {
                /// A module of this layer alone, for static linking.
                pub const MODULE: &'static ::handlers_sdk::__private::Module = &::handlers_sdk::__private::module(
                    &::handlers_sdk::__private::Package {
                        name: ::core::env!("CARGO_PKG_NAME"),
                        version: ::core::env!("CARGO_PKG_VERSION"),
                    },
                    &[],
                    &[&<#this as ::handlers_sdk::__private::LayerDef>::TABLE],
                );
            }
        };

        ::handlers_sdk::__register!(
            "faas_layers",
            ::handlers_sdk::__private::LayerTable,
            &<#this as ::handlers_sdk::__private::LayerDef>::TABLE
        );
    })
}

//! The attribute `#[layer]`, which makes a layer of an `impl` block.

use crate::options::{checked_name, name_of, words};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, Expr, ImplItem, ImplItemFn, ItemImpl, Result, parse_quote};

/// The arguments that a hook is given.
#[derive(Clone, Copy, PartialEq)]
enum Given {
    Invocation,
    Phase,
}

/// A hook that stands in the table for a phase of `faas.h`.
struct Hook {
    name: &'static str,
    phase: u32,
    given: Given,
}

const fn hook(name: &'static str, phase: u32, given: Given) -> Hook {
    Hook { name, phase, given }
}

const BEFORE: [Hook; 6] = [
    hook("before_runtime_start", 0, Given::Phase),
    hook("before_function_start", 1, Given::Phase),
    hook("before_invoke", 2, Given::Invocation),
    hook("before_close", 3, Given::Phase),
    hook("resume", 5, Given::Phase),
    hook("before_record", 7, Given::Invocation),
];
const AFTER: [Hook; 7] = [
    hook("after_runtime_start", 0, Given::Phase),
    hook("after_function_start", 1, Given::Phase),
    hook("after_invoke", 2, Given::Invocation),
    hook("after_close", 3, Given::Phase),
    hook("suspend", 4, Given::Phase),
    hook("replied", 6, Given::Invocation),
    hook("after_record", 7, Given::Invocation),
];
const FAILED: [Hook; 5] = [
    hook("runtime_start_failed", 0, Given::Phase),
    hook("function_start_failed", 1, Given::Phase),
    hook("invoke_failed", 2, Given::Invocation),
    hook("close_failed", 3, Given::Phase),
    hook("record_failed", 7, Given::Invocation),
];
/// The ways of a walk, as the SDK's `Way` names them.
const WAYS: [(&str, &[Hook]); 3] = [("In", &BEFORE), ("Out", &AFTER), ("Failed", &FAILED)];

struct Options {
    name: Option<String>,
    order: Expr,
    whole_body: bool,
    required: bool,
    blocking: bool,
}

fn options(tokens: TokenStream) -> Result<Options> {
    let mut options =
        Options { name: None, order: parse_quote!(0), whole_body: false, required: false, blocking: false };
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
            "blocking" => options.blocking = word.flag()?,
            _ => return Err(word.unknown("name, order, whole_body, required, blocking")),
        }
    }
    Ok(options)
}

/// The `async` hooks of an `impl Layer`, taken out of it: a trait's hook is plain, and these are called by their own
/// name.
struct AsyncHooks {
    functions: Vec<ImplItemFn>,
    /// The arms of a match over way and phase, one for each hook.
    arms: Vec<TokenStream>,
    /// The bits of the phases, by way.
    phases: [u32; 3],
}

fn take_async(block: &mut ItemImpl) -> Result<AsyncHooks> {
    let mut hooks = AsyncHooks { functions: Vec::new(), arms: Vec::new(), phases: [0; 3] };
    let mut kept = Vec::new();
    for item in std::mem::take(&mut block.items) {
        match item {
            ImplItem::Fn(function) if function.sig.asyncness.is_some() => hooks.add(function)?,
            other => kept.push(other),
        }
    }
    block.items = kept;
    Ok(hooks)
}

impl AsyncHooks {
    fn add(&mut self, mut function: ImplItemFn) -> Result<()> {
        let name = function.sig.ident.to_string();
        let found = WAYS.iter().enumerate().find_map(|(index, (way, hooks))| {
            hooks.iter().find(|hook| hook.name == name).map(|hook| (index, *way, hook))
        });
        let Some((index, way, hook)) = found else {
            let why = match &*name {
                "head" | "recognise" | "context" | "health" => "is answered at once, so it cannot be `async`",
                "create" => "cannot be `async`: wait in `async fn before_runtime_start` instead",
                _ => "is no hook of a layer",
            };
            return Err(Error::new_spanned(&function.sig, format!("`{name}` {why}")));
        };
        let own = format_ident!("__async_{name}", span = function.sig.ident.span());
        let given = if hook.given == Given::Invocation { quote!(invocation) } else { quote!(phase) };
        let failure = (way == "Failed").then(|| quote!(, &failure));
        let (way, phase) = (format_ident!("{way}"), hook.phase);
        self.arms.push(quote! {
            (::handlers_sdk::__private::Way::#way, #phase) => ::handlers_sdk::__private::hook(async move {
                let (mut given, failure) = lent.#given();
                let _ = &failure;
                self.#own(&mut given #failure).await
            })
        });
        self.phases[index] |= 1 << hook.phase;
        function.sig.ident = own;
        self.functions.push(function);
        Ok(())
    }
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
    let name = name_of(options.name, &this)?;

    let written: Vec<String> = block
        .items
        .iter()
        .filter_map(|item| if let ImplItem::Fn(hook) = item { Some(hook.sig.ident.to_string()) } else { None })
        .collect();
    let has = |name: &str| written.iter().any(|hook| hook == name);
    let mask =
        |hooks: &[Hook]| hooks.iter().filter(|hook| has(hook.name)).fold(0u32, |bits, hook| bits | 1 << hook.phase);
    let (before, after, failed) = (mask(&BEFORE), mask(&AFTER), mask(&FAILED));
    let (head, recognise, context, health) = (has("head"), has("recognise"), has("context"), has("health"));
    let AsyncHooks { functions, arms, phases } = take_async(&mut block)?;
    if !has("create") {
        block.items.push(parse_quote! {
            fn create(_: &::handlers_sdk::Config) -> ::core::result::Result<Self, ::handlers_sdk::Error> {
                ::core::result::Result::Ok(<Self as ::core::default::Default>::default())
            }
        });
    }
    let Options { order, whole_body, required, blocking, .. } = options;
    let hook = (!arms.is_empty()).then(|| {
        quote! {
            fn hook<'a>(
                &'a self,
                way: ::handlers_sdk::__private::Way,
                phase: u32,
                lent: &'a mut ::handlers_sdk::__private::Lent,
            ) -> ::core::option::Option<::handlers_sdk::__private::Hook<'a>> {
                match (way, phase) {
                    #(#arms,)*
                    _ => ::core::option::Option::None,
                }
            }
        }
    });

    let functions = (!functions.is_empty()).then(|| {
        quote! {
            #[doc(hidden)]
            impl #this {
                #(#functions)*
            }
        }
    });

    Ok(quote! {
        #block

        #functions

        const _: () = {
            impl ::handlers_sdk::__private::LayerDef for #this {
                const NAME: &'static str = #name;
                const ORDER: i32 = #order;
                const WHOLE_BODY: bool = #whole_body;
                const REQUIRED: bool = #required;
                const BLOCKING: bool = #blocking;
                const BEFORE: u32 = #before;
                const AFTER: u32 = #after;
                const FAILED: u32 = #failed;
                const HEAD: bool = #head;
                const RECOGNISE: bool = #recognise;
                const CONTEXT: bool = #context;
                const HEALTH: bool = #health;
                const ASYNC: [u32; 3] = [#(#phases),*];

                #hook
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

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(hooks: &TokenStream) -> std::result::Result<String, String> {
        let item = quote! { impl Layer for Guard { #hooks } };
        expand(TokenStream::new(), item).map(|tokens| tokens.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_async_hook_is_in_the_masks_and_not_in_the_trait() {
        let made = expanded(&quote! {
            async fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> { todo() }
            async fn close_failed(&self, phase: &mut Phase<'_>, failure: &Failure<'_>) -> Result<(), Error> { todo() }
            fn after_record(&self, record: &mut Invocation<'_>) -> Result<(), Error> { todo() }
        });
        let made = made.expect("all are hooks");
        let (block, rest) = made.split_once("# [doc (hidden)]").expect("the async hooks stand apart");
        assert!(!block.contains("async") && block.contains("after_record") && block.contains("fn create"), "{block}");
        for part in [
            "BEFORE : u32 = 4u32",
            "AFTER : u32 = 128u32",
            "FAILED : u32 = 8u32",
            "ASYNC : [u32 ; 3] = [4u32 , 0u32 , 8u32]",
        ] {
            assert!(rest.contains(part), "{part} is not in {rest}");
        }
    }

    #[test]
    fn what_is_answered_at_once_cannot_be_async() {
        for (hook, why) in [
            (
                quote!(
                    async fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {
                        todo()
                    }
                ),
                "`head` is answered at once, so it cannot be `async`",
            ),
            (
                quote!(
                    async fn health(&self) -> Result<(), Error> {
                        todo()
                    }
                ),
                "`health` is answered at once, so it cannot be `async`",
            ),
            (
                quote!(
                    async fn create(config: &Config) -> Result<Self, Error> {
                        todo()
                    }
                ),
                "`create` cannot be `async`: wait in `async fn before_runtime_start` instead",
            ),
            (
                quote!(
                    async fn before(&self) {}
                ),
                "`before` is no hook of a layer",
            ),
        ] {
            assert_eq!(expanded(&hook), Err(why.to_owned()));
        }
    }
}

//! The body of a call: the arguments are made from the invocation, the function is called, its result becomes the outcome.
//!
//! A plain `fn` takes what is there at once, an `async fn` also what has to be waited for. Every name in here is invisible
//! to the author's code, and the author's types keep their places, so that the compiler's messages point at them.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, FnArg, Ident, Result, ReturnType, Signature, Type};

/// A function or method that a runtime calls.
pub(crate) struct Callee<'a> {
    /// The path of the SDK: `::handlers_sdk`, unless the author's crate has it under another name.
    pub(crate) sdk: &'a TokenStream,
    /// The signature as the author wrote it.
    pub(crate) signature: &'a Signature,
    /// What stands before the parentheses of the call: the name of a `fn`, or `instance.method`.
    pub(crate) expression: TokenStream,
    /// `true` if the reply is written through a sink.
    pub(crate) streams: bool,
}

/// The name of the context in the code that [`Callee::call`] writes.
pub(crate) fn context() -> Ident {
    Ident::new("ctx", Span::mixed_site())
}

/// Refuses what no runtime can call: generics, `unsafe`, `impl Trait` and references as arguments.
pub(crate) fn checked(signature: &Signature) -> Result<()> {
    if !signature.generics.params.is_empty() {
        let message = "a function that a runtime calls has no generics: write the types that it is called with";
        return Err(Error::new_spanned(&signature.generics, message));
    }
    if let Some(unsafety) = &signature.unsafety {
        return Err(Error::new_spanned(unsafety, "a function that a runtime calls is not unsafe"));
    }
    if let Some(variadic) = &signature.variadic {
        return Err(Error::new_spanned(variadic, "a function that a runtime calls has a fixed number of arguments"));
    }
    for argument in arguments(signature) {
        let message = match argument {
            Type::ImplTrait(_) => {
                "an argument is made from the invocation, so its type is written out: no `impl Trait`"
            }
            Type::Reference(_) => {
                "an argument is made for the function, which then owns it: `String` in place of `&str`, `Event` or \
                 `Vec<u8>` in place of `&[u8]`, `FaasContext` in place of `&FaasContext`"
            }
            _ => continue,
        };
        return Err(Error::new_spanned(argument, message));
    }
    Ok(())
}

/// The types of the arguments, without a `self`.
fn arguments(signature: &Signature) -> impl Iterator<Item = &Type> {
    signature.inputs.iter().filter_map(|argument| match argument {
        FnArg::Typed(argument) => Some(&*argument.ty),
        FnArg::Receiver(_) => None,
    })
}

impl Callee<'_> {
    /// An expression of type `Call`, where [`context`] names a `&FaasContext`.
    ///
    /// What an async call uses beside the context has to be in local variables, which are moved into the future.
    pub(crate) fn call(&self) -> TokenStream {
        let sdk = self.sdk;
        let ctx = context();
        let body = self.body();
        if self.signature.asyncness.is_some() {
            let owned = Ident::new("owned", Span::mixed_site());
            quote! {{
                let #owned = ::core::clone::Clone::clone(#ctx);
                #sdk::__private::running(async move {
                    let #ctx = &#owned;
                    #body
                })
            }}
        } else {
            let answer = Ident::new("answer", Span::mixed_site());
            quote! {{
                let #answer = || -> #sdk::__private::Outcome { #body };
                #sdk::__private::Call::Ended(#answer())
            }}
        }
    }

    /// Statements that end in an `Outcome`.
    fn body(&self) -> TokenStream {
        let Callee { sdk, signature, expression, streams } = self;
        let ctx = context();
        let is_async = signature.asyncness.is_some();
        let names: Vec<Ident> = (0..arguments(signature).count())
            .map(|index| format_ident!("argument_{index}", span = Span::mixed_site()))
            .collect();
        let made = names.iter().zip(arguments(signature)).map(|(name, argument)| {
            // The compiler points at the place of the call and of the type it was given: both are the author's type.
            let value = if is_async {
                quote_spanned!(argument.span()=> #sdk::__private::argument_async::<#argument, _>(#ctx).await)
            } else {
                quote_spanned!(argument.span()=> #sdk::__private::argument::<#argument>(#ctx))
            };
            let error = Ident::new("error", Span::mixed_site());
            quote! {
                let #name: #argument = match #value {
                    ::core::result::Result::Ok(#name) => #name,
                    ::core::result::Result::Err(#error) => return #sdk::__private::refused(#error),
                };
            }
        });
        let awaited = is_async.then(|| quote!(.await));
        let (end, end_awaited) = match (*streams, is_async) {
            (false, _) => (quote!(replied), None),
            (true, false) => (quote!(streamed), None),
            (true, true) => (quote!(streamed_async), Some(quote!(.await))),
        };
        let (span, result) = match &signature.output {
            ReturnType::Default => (signature.ident.span(), quote!(())),
            // The opaque type has no name to give.
            ReturnType::Type(_, result) if is_opaque(result) => (result.span(), quote!(_)),
            ReturnType::Type(_, result) => (result.span(), result.to_token_stream()),
        };
        let ended = quote_spanned!(span=> #sdk::__private::#end::<#result, _>);
        quote! {
            #(#made)*
            #ended(#ctx, #expression(#(#names),*) #awaited) #end_awaited
        }
    }
}

/// Is there an `impl Trait` in it?
fn is_opaque(result: &Type) -> bool {
    result.to_token_stream().into_iter().any(is_impl)
}

fn is_impl(token: proc_macro2::TokenTree) -> bool {
    match token {
        proc_macro2::TokenTree::Group(group) => group.stream().into_iter().any(is_impl),
        proc_macro2::TokenTree::Ident(word) => word == "impl",
        _ => false,
    }
}

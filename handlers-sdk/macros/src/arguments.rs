//! The body of a call: the arguments are made from the invocation, the function is called, its result becomes the
//! outcome.
//!
//! A plain `fn` takes arguments that are there at once, an `async fn` also those that have to be waited for. Every name
//! in here is invisible to the author's code, and the author's types keep their places, so that the compiler's messages
//! point at them.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, FnArg, Ident, Result, ReturnType, Signature, Type, TypeParamBound};

/// A function or method that a runtime calls.
pub(crate) struct Callee<'a> {
    /// The path of the SDK: `::handlers_sdk`, unless the author's crate has it under another name.
    pub(crate) sdk: &'a TokenStream,
    /// The signature as the author wrote it.
    pub(crate) signature: &'a Signature,
    /// The expression before the parentheses of the call: the name of a `fn`, or `Self::method`.
    pub(crate) expression: TokenStream,
    /// The first argument of a method: `&instance`.
    pub(crate) first: Option<TokenStream>,
    /// The meaning of its result.
    pub(crate) result: Outcome,
}

/// The meaning of the result of a call.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Outcome {
    /// The result is the reply.
    Reply,
    /// The result is empty: the reply was written through a sink.
    Stream,
    /// The result is the end of a record, which has no reply.
    Record,
    /// The result is that of a function of `lambda_runtime`.
    Lambda,
    /// The result is an application, which serves every request from then on.
    Service,
    /// The result is the value of a provider.
    Value,
    /// The result is the instance of a class.
    Instance,
    /// The result is the value of a provider, or an error.
    ValueOrError,
    /// The result is the end of a phase.
    Phase,
}

impl Outcome {
    /// Returns the name of the function that turns the result into an outcome, and the tokens behind its call.
    fn ending(self, is_async: bool) -> (Ident, Option<TokenStream>) {
        let name = match self {
            Outcome::Reply => "replied",
            Outcome::Stream if is_async => "streamed_async",
            Outcome::Stream => "streamed",
            Outcome::Record => "recorded",
            Outcome::Lambda => "lambda_ended",
            Outcome::Service => "mounted",
            Outcome::Value => "made",
            Outcome::Instance => "class_made",
            Outcome::ValueOrError => "made_or_failed",
            Outcome::Phase => "phase_ended",
        };
        let awaited = (is_async && self == Outcome::Stream).then(|| quote!(.await));
        (Ident::new(name, Span::call_site()), awaited)
    }
}

/// Returns the name of the context in the code that [`Callee::call`] writes.
pub(crate) fn context() -> Ident {
    Ident::new("ctx", Span::mixed_site())
}

/// Returns the place of `span`, as an expression of type `Place`.
pub(crate) fn place(sdk: &TokenStream, span: Span) -> TokenStream {
    quote_spanned! {span=>
        #sdk::__private::Place { module: ::core::module_path!(), file: ::core::file!(), line: ::core::line!() }
    }
}

/// Refuses signatures that no runtime can call: generics, `unsafe`, `impl Trait` and references as arguments.
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
    if let (None, ReturnType::Type(_, result)) = (&signature.asyncness, &signature.output)
        && is_future(result)
    {
        let message =
            "a function that waits is an `async fn`: write `async` in front of it, and the future's output here";
        return Err(Error::new_spanned(result, message));
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

/// Returns the types of the arguments, without a `self`.
pub(crate) fn arguments(signature: &Signature) -> impl Iterator<Item = &Type> {
    signature.inputs.iter().filter_map(|argument| match argument {
        FnArg::Typed(argument) => Some(&*argument.ty),
        FnArg::Receiver(_) => None,
    })
}

impl Callee<'_> {
    /// Returns an expression of type `Call`, where [`context`] names a `&FaasContext`.
    ///
    /// The values that an async call uses beside the context have to be in local variables, which are moved into the
    /// future.
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

    /// Returns the needs of the arguments, as an expression of type `&'static [Option<Need>]`.
    pub(crate) fn needs(&self) -> TokenStream {
        self.needs_after(None)
    }

    /// Returns the needs with `first`, an expression of type `Need`, before them.
    pub(crate) fn needs_and(&self, first: &TokenStream) -> TokenStream {
        self.needs_after(Some(first))
    }

    fn needs_after(&self, first: Option<&TokenStream>) -> TokenStream {
        let Callee { sdk, signature, .. } = self;
        let types = arguments(signature);
        let first = first.into_iter();
        quote! {{
            #[allow(unused_imports)]
            use #sdk::__private::NoNeed as _;
            &[
                #(::core::option::Option::Some(#first),)*
                #(#sdk::__private::NeedOf::<#types>::NEED),*
            ]
        }}
    }

    /// Returns the features that the arguments use where the host has them, as an expression of type `u64`. An argument
    /// that the function may not have is reported there.
    pub(crate) fn wants(&self) -> TokenStream {
        let Callee { sdk, signature, .. } = self;
        let is_async = signature.asyncness.is_some();
        let all = arguments(signature).map(|argument| {
            quote_spanned! {argument.span()=>
                #sdk::__private::wants(
                    #sdk::__private::Wanted::<#argument>::STYLE,
                    #sdk::__private::Wanted::<#argument>::WANTS,
                    #is_async,
                )
            }
        });
        quote! {{
            #[allow(unused_imports)]
            use #sdk::__private::NotWanted as _;
            0 #(| #all)*
        }}
    }

    /// Returns statements that end in an `Outcome`.
    fn body(&self) -> TokenStream {
        let Callee { sdk, signature, expression, first, result: outcome } = self;
        let first = first.iter();
        let ctx = context();
        let is_async = signature.asyncness.is_some();
        let names: Vec<Ident> = (0..arguments(signature).count())
            .map(|index| format_ident!("argument_{index}", span = Span::mixed_site()))
            .collect();
        let made = names.iter().zip(arguments(signature)).map(|(name, argument)| {
            // The compiler points at the place of the call and of the type it was given, so both are the author's type.
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
        let (end, end_awaited) = outcome.ending(is_async);
        let (span, result) = match &signature.output {
            ReturnType::Default => (signature.ident.span(), quote!(())),
            // The opaque type has no name that could be written.
            ReturnType::Type(_, result) if is_opaque(result) => (result.span(), quote!(_)),
            ReturnType::Type(_, result) => (result.span(), result.to_token_stream()),
        };
        // The compiler finds how a value becomes an outcome, except for a provider's, which stays as it is.
        let how = (!matches!(outcome, Outcome::Value | Outcome::Instance)).then(|| quote!(, _));
        let ended = match outcome {
            // The compiler finds the parts of the result of these.
            Outcome::Lambda | Outcome::Service => quote_spanned!(span=> #sdk::__private::#end),
            _ => quote_spanned!(span=> #sdk::__private::#end::<#result #how>),
        };
        quote! {
            #(#made)*
            #ended(#ctx, #expression(#(#first,)* #(#names),*) #awaited) #end_awaited
        }
    }
}

/// Returns `true` for `impl Future<…>`.
fn is_future(result: &Type) -> bool {
    let Type::ImplTrait(opaque) = result else { return false };
    opaque.bounds.iter().any(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().is_some_and(|last| last.ident == "Future"),
        _ => false,
    })
}

/// Returns `true` if there is an `impl Trait` in the type.
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

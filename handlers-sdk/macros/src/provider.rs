//! The attribute `#[provider]`, which makes values for injection.

use crate::arguments::{Callee, Outcome, checked, context, place};
use crate::options::words;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, GenericArgument, ItemFn, Path, PathArguments, Result, ReturnType, Signature, Type};

#[derive(Default)]
struct Options {
    per_request: bool,
    close: Option<Path>,
}

fn options(tokens: TokenStream) -> Result<Options> {
    let mut options = Options::default();
    for word in words(tokens)? {
        match word.name.to_string().as_str() {
            "per_request" => options.per_request = word.flag()?,
            "close" => options.close = Some(word.path()?),
            _ => return Err(word.unknown("per_request, close")),
        }
        if options.per_request && options.close.is_some() {
            let message = "a value per request ends with its invocation, by its `Drop`: `close` is for shared ones";
            return Err(Error::new(word.name.span(), message));
        }
    }
    Ok(options)
}

/// Returns the type of a provider's value, and whether it may fail, by its signature.
pub(crate) fn provided(signature: &Signature) -> Result<(&Type, Outcome)> {
    let ReturnType::Type(_, result) = &signature.output else {
        return Err(Error::new_spanned(&signature.ident, "a provider returns its value: `-> T` or `-> Result<T, E>`"));
    };
    match result_of(result) {
        Some(value) => Ok((value, Outcome::ValueOrError)),
        None => Ok((result, Outcome::Value)),
    }
}

/// Returns the `T` of a `Result<T, …>`, whichever crate's `Result` it is; `None` for another type.
fn result_of(result: &Type) -> Option<&Type> {
    let Type::Path(path) = result else { return None };
    let last = path.path.segments.last().filter(|segment| segment.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(value)) => Some(value),
        _ => None,
    }
}

/// Refuses a type that cannot be a value, and a value that needs itself.
pub(crate) fn check_value(value: &Type, signature: &Signature) -> Result<()> {
    let message = match value {
        Type::ImplTrait(_) => "a value is asked for by its type, so its type is written out: no `impl Trait`",
        Type::Reference(_) => "a value is owned by whoever it is injected into: return `T`, not a reference",
        Type::Tuple(tuple) if tuple.elems.is_empty() => "a provider returns its value: `-> T` or `-> Result<T, E>`",
        _ if is_inject(value).is_some() => "a provider returns the value itself: `T` in place of `Inject<T>`",
        _ => {
            let asked = value.to_token_stream().to_string();
            for argument in crate::arguments::arguments(signature) {
                if is_inject(argument).is_some_and(|inner| inner.to_token_stream().to_string() == asked) {
                    return Err(Error::new_spanned(argument, "a circle: this is the value that is made here"));
                }
            }
            return Ok(());
        }
    };
    Err(Error::new_spanned(value, message))
}

/// Returns the `T` of an `Inject<T>`, as far as the text tells; `None` for another type.
pub(crate) fn is_inject(argument: &Type) -> Option<&Type> {
    let Type::Path(path) = argument else { return None };
    let last = path.path.segments.last().filter(|segment| segment.ident == "Inject")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(value)) => Some(value),
        _ => None,
    }
}

/// A provider as it is put where the SDK finds it.
pub(crate) struct Registered<'a> {
    pub(crate) callee: Callee<'a>,
    pub(crate) value: &'a Type,
    pub(crate) per_request: bool,
    /// An expression of type `Option<fn(Value, &FaasContext) -> Call>`.
    pub(crate) close: TokenStream,
}

impl Registered<'_> {
    pub(crate) fn tokens(&self) -> TokenStream {
        let Registered { callee, value, per_request, close } = self;
        let sdk = callee.sdk;
        let private = quote!(#sdk::__private);
        let (call, needs, ctx) = (callee.call(), callee.needs(), context());
        let place = place(sdk, callee.signature.ident.span());
        let is_async = callee.signature.asyncness.is_some();
        let lifetime = if *per_request { quote!(PerRequest) } else { quote!(Shared) };
        // A value that cannot be shared is refused at its type.
        let provides = quote_spanned!(value.span()=> #private::Need::of::<#value>());
        quote! {
            #sdk::__register!("faas_providers", #private::Provider, &#private::Provider {
                provides: #provides,
                place: #place,
                lifetime: #private::Lifetime::#lifetime,
                is_async: #is_async,
                needs: #needs,
                make: {
                    fn make(#ctx: &#sdk::FaasContext) -> #private::Call {
                        #call
                    }
                    make
                },
                close: #close,
            });
        }
    }
}

pub(crate) fn expand(tokens: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options = options(tokens)?;
    let function: ItemFn = syn::parse2(item)?;
    let signature = &function.sig;
    checked(signature)?;
    if let Some(this) = signature.receiver() {
        return Err(Error::new_spanned(this, "expected a free `fn`, found a method; a class is made by its `#[init]`"));
    }
    let (value, result) = provided(signature)?;
    check_value(value, signature)?;
    let ident = &signature.ident;
    let sdk = quote!(::handlers_sdk);
    let close = match &options.close {
        None => quote!(::core::option::Option::None),
        Some(path) => quote! {
            ::core::option::Option::Some(|value, _| #sdk::__private::closed::<#value, _>(value, #path))
        },
    };
    let callee = Callee { sdk: &sdk, signature, expression: quote!(#ident), first: None, result };
    let registered = Registered { callee, value, per_request: options.per_request, close }.tokens();
    Ok(quote! {
        #function
        #registered
    })
}

//! `#[functions]`: a class, whose methods are functions that share one instance.

use crate::arguments::{Callee, Outcome, checked, place};
use crate::function_options::{Options, WORDS};
use crate::options::{checked_name, name_of, words};
use crate::provider::{check_value, is_inject, provided};
use crate::triggers::{self, Trigger};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Error, FnArg, ImplItem, ImplItemFn, ItemImpl, Meta, Result, Signature, Type};

/// The phases of `faas.h` that a class may have a method for, beside its start and its end.
const PHASES: [(&str, u32); 3] = [("suspend", 4), ("resume", 5), ("replied", 6)];

/// A method that is a function of its own.
struct Function {
    signature: Signature,
    name: String,
    options: Options,
    triggers: Vec<Trigger>,
}

/// The methods of a class, by their roles.
#[derive(Default)]
struct Class {
    functions: Vec<Function>,
    init: Option<Signature>,
    close: Option<Signature>,
    phases: Vec<(u32, Signature)>,
}

/// The way in which an instance is made.
struct Init {
    /// The call that makes the instance.
    make: TokenStream,
    is_async: bool,
    /// The needs of that call.
    needs: TokenStream,
}

/// The role of one method.
enum Role {
    /// The method is a helper, which the runtime does not know.
    Helper,
    Init,
    Close,
    Phase(u32),
    Function(Options, Vec<Trigger>),
}

pub(crate) fn expand(tokens: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let mut name = None;
    let mut prefix = String::new();
    for word in words(tokens)? {
        match word.name.to_string().as_str() {
            "name" => {
                let text = word.text()?;
                checked_name(&text, word.name.span())?;
                name = Some(text);
            }
            "prefix" => prefix = word.text()?,
            _ => return Err(word.unknown("name, prefix")),
        }
    }
    let mut block: ItemImpl = syn::parse2(item)?;
    if !block.generics.params.is_empty() {
        let message = "a class that a runtime starts has no generics: write the types, `impl Shop<Postgres>`";
        return Err(Error::new_spanned(&block.generics, message));
    }
    if let Some((_, path, _)) = &block.trait_ {
        return Err(Error::new_spanned(path, "expected `impl Shop { … }`, found the implementation of a trait"));
    }
    let class = read(&mut block, &prefix)?;
    if class.functions.is_empty() {
        let message = "no method of this class is a function: mark one with `#[http(get, \"/\")]`, `#[timer(\"…\")]`, \
                       `#[queue]`, another trigger, or `#[function]`";
        return Err(Error::new_spanned(&block.self_ty, message));
    }
    let name = name_of(name, &block.self_ty)?;
    let tables = class.tokens(&block.self_ty, &name)?;
    Ok(quote! {
        #block
        #tables
    })
}

/// Reads the methods, and takes the attributes off that are read here.
fn read(block: &mut ItemImpl, prefix: &str) -> Result<Class> {
    let this = block.self_ty.clone();
    let mut class = Class::default();
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        match role(method)? {
            Role::Helper => {}
            Role::Init => once(&mut class.init, init(method, &this)?, "init")?,
            Role::Close => {
                let asked = crate::arguments::arguments(&method.sig).find(|argument| is_inject(argument).is_some());
                if let Some(asked) = asked {
                    let message = "at the end nothing is injected: keep what the end needs in a field";
                    return Err(Error::new_spanned(asked, message));
                }
                once(&mut class.close, instance_method(method)?, "close")?;
            }
            Role::Phase(phase) => {
                if class.phases.iter().any(|(other, _)| *other == phase) {
                    return Err(Error::new_spanned(
                        &method.sig.ident,
                        "this class has a method for this phase already",
                    ));
                }
                class.phases.push((phase, instance_method(method)?));
            }
            Role::Function(options, triggers) => class.add(method, options, triggers, prefix)?,
        }
    }
    Ok(class)
}

fn once(place: &mut Option<Signature>, signature: Signature, name: &str) -> Result<()> {
    if place.is_some() {
        return Err(Error::new_spanned(&signature.ident, format!("this class has a method `#[{name}]` already")));
    }
    *place = Some(signature);
    Ok(())
}

/// Returns the role that a method's attributes give it.
fn role(method: &mut ImplItemFn) -> Result<Role> {
    let mut options = Options::default();
    let mut triggers = Vec::new();
    let mut role: Option<(Role, String)> = None;
    let mut kept = Vec::new();
    for attribute in std::mem::take(&mut method.attrs) {
        if let Some(trigger) = Trigger::read(&attribute, &mut options)? {
            triggers.push(trigger);
            continue;
        }
        let name = attribute.path().get_ident().map(ToString::to_string).unwrap_or_default();
        let phase = PHASES.iter().find(|(phase, _)| *phase == name);
        let found = match name.as_str() {
            "init" => Role::Init,
            "close" => Role::Close,
            "function" => {
                take_options(&attribute, &mut options)?;
                Role::Function(Options::default(), Vec::new())
            }
            _ if phase.is_some() => Role::Phase(phase.map_or(0, |(_, number)| *number)),
            _ => {
                kept.push(attribute);
                continue;
            }
        };
        if !matches!(found, Role::Function(..)) {
            attribute.meta.require_path_only()?;
        }
        if let Some((_, other)) = &role {
            let message = format!("a method is one thing: `#[{other}]` or `#[{name}]`");
            return Err(Error::new_spanned(&attribute, message));
        }
        role = Some((found, name));
    }
    method.attrs = kept;
    let is_function = matches!(role, Some((Role::Function(..), _)) | None);
    if let (Some((_, name)), [trigger, ..], false) = (&role, triggers.as_slice(), is_function) {
        let message = format!("a method is one thing: `#[{name}]`, or a function with triggers");
        return Err(Error::new(trigger.span, message));
    }
    Ok(match role {
        None if triggers.is_empty() => Role::Helper,
        Some((Role::Function(..), _)) | None => Role::Function(options, triggers),
        Some((role, _)) => role,
    })
}

/// Takes the words of `#[function(…)]`.
fn take_options(attribute: &Attribute, options: &mut Options) -> Result<()> {
    let Meta::List(list) = &attribute.meta else { return Ok(()) };
    for word in words(list.tokens.clone())? {
        if !options.word(&word)? {
            let message = format!("{WORDS}; what it serves and its phases are attributes of their own");
            return Err(word.unknown(&message));
        }
    }
    Ok(())
}

/// Checks the method that makes the instance.
fn init(method: &ImplItemFn, this: &Type) -> Result<Signature> {
    let signature = &method.sig;
    checked(signature)?;
    if let Some(receiver) = signature.receiver() {
        return Err(Error::new_spanned(receiver, "`#[init]` makes the instance: it has no `self` and returns `Self`"));
    }
    let message = "`#[init]` returns the instance: `-> Self` or `-> Result<Self, E>`";
    let Ok((value, _)) = provided(signature) else { return Err(Error::new_spanned(&signature.ident, message)) };
    let is_this = [quote!(Self).to_string(), this.to_token_stream().to_string()];
    if !is_this.contains(&value.to_token_stream().to_string()) {
        return Err(Error::new_spanned(value, message));
    }
    check_value(this, signature)?;
    Ok(signature.clone())
}

/// Checks a method that is called with the instance.
fn instance_method(method: &ImplItemFn) -> Result<Signature> {
    let signature = &method.sig;
    checked(signature)?;
    let cfg = method.attrs.iter().find(|attribute| attribute.path().is_ident("cfg"));
    if let Some(cfg) = cfg {
        let message = "a method that a runtime calls is there or is not: put `#[cfg]` on the whole `impl`";
        return Err(Error::new_spanned(cfg, message));
    }
    match signature.inputs.first() {
        Some(FnArg::Receiver(this)) if this.reference.is_some() && this.mutability.is_none() => Ok(signature.clone()),
        Some(FnArg::Receiver(this)) => {
            let message = "one instance serves several invocations at once: take `&self`, and keep what changes in an \
                           atomic or a `Mutex`";
            Err(Error::new_spanned(this, message))
        }
        _ => {
            let message = "a method that a runtime calls takes `&self`; a function without an instance is a free \
                           `#[function] fn`";
            Err(Error::new_spanned(&signature.ident, message))
        }
    }
}

impl Class {
    fn add(&mut self, method: &ImplItemFn, options: Options, triggers: Vec<Trigger>, prefix: &str) -> Result<()> {
        let signature = instance_method(method)?;
        let ident = &signature.ident;
        let plain = ident.to_string();
        let own = options.name.clone().unwrap_or_else(|| plain.trim_start_matches("r#").to_owned());
        let name = format!("{prefix}{own}");
        checked_name(&name, ident.span())?;
        if self.functions.iter().any(|other| other.name == name) {
            return Err(Error::new_spanned(ident, format!("this class has a function {name:?} already")));
        }
        for (index, trigger) in triggers.iter().enumerate() {
            let before = self.functions.iter().flat_map(|other| other.triggers.iter().map(move |one| (one, other)));
            if let Some((other, whose)) = before.into_iter().find(|(other, _)| trigger.overlaps(other)) {
                let message = format!(
                    "`{}` takes {} already: an event has one owner. Say which is which by path, method, type or \
                     `source = \"…\"`, which is the name of the schedule, queue or bucket",
                    whose.name,
                    other.describe()
                );
                return Err(Error::new(trigger.span, message));
            }
            if triggers[..index].iter().any(|other| trigger.overlaps(other)) {
                return Err(Error::new(trigger.span, "this method takes the same events by another attribute already"));
            }
        }
        self.functions.push(Function { signature, name, options, triggers });
        Ok(())
    }

    /// Returns the items by which the SDK and the runtimes know the class.
    fn tokens(&self, this: &Type, group: &str) -> Result<TokenStream> {
        let sdk = quote!(::handlers_sdk);
        let private = quote!(#sdk::__private);
        let ctx = crate::arguments::context();
        let span = this.span();
        let Init { make, is_async, needs } = self.init(&sdk, this)?;
        let stands = place(&sdk, span);
        let close = self.close.as_ref().map(|signature| {
            let call = method(&sdk, signature, Outcome::Phase).call();
            let instance = instance();
            quote! {
                fn close(self: ::std::sync::Arc<Self>, #ctx: &#sdk::FaasContext) -> #private::Call {
                    let #instance = self;
                    #call
                }
            }
        });
        let has_close = self.close.is_some();
        let methods = self.functions.iter().enumerate().map(|(index, function)| {
            let Function { signature, name, options, triggers } = function;
            let flags = options.flags(signature.asyncness.is_some());
            let (streams, triggers) = (options.stream, triggers::json(triggers));
            let callee = method(&sdk, signature, options.result());
            let (call, wants) = (with_instance(&sdk, &callee), callee.wants());
            quote! {
                impl #private::MethodDef<#index> for #this {
                    const NAME: &'static str = #name;
                    const FLAGS: u32 = #flags;
                    const STREAMS: bool = #streams;
                    const WANTS: u64 = #wants;
                    const TRIGGERS: &'static str = #triggers;

                    fn call(#ctx: &#sdk::FaasContext) -> #private::Call {
                        #call
                    }
                }

                #sdk::__register!(
                    "faas_functions",
                    #private::Function,
                    &<#private::Member<#this, #index> as #private::FunctionDef>::TABLE
                );
            }
        });
        let called = self.functions.iter().map(|function| &function.signature);
        let called = called.chain(self.phases.iter().map(|(_, signature)| signature));
        let members = called.map(|signature| {
            let is_async = signature.asyncness.is_some();
            let name = signature.ident.to_string();
            let needs = method(&sdk, signature, Outcome::Phase).needs_and(&quote!(#private::Need::of::<#this>()));
            let place = place(&sdk, signature.ident.span());
            quote!(#private::Needs { name: #name, place: #place, is_async: #is_async, list: #needs })
        });
        let phase_bits = self.phases.iter().fold(0u32, |bits, (phase, _)| bits | 1 << phase);
        let phase_numbers = self.phases.iter().map(|(phase, _)| phase);
        let phase_calls =
            self.phases.iter().map(|(_, signature)| with_instance(&sdk, &method(&sdk, signature, Outcome::Phase)));
        let indices: Vec<usize> = (0..self.functions.len()).collect();
        Ok(quote! {
            const _: () = {
                impl #private::InstanceDef for #this {
                    const NAME: &'static str = #group;
                    const PHASES: u32 = #phase_bits;
                    const NEEDS: &'static [#private::Needs] = &[#(#members),*];

                    fn phase(phase: u32, #ctx: &#sdk::FaasContext) -> #private::Call {
                        match phase {
                            #(#phase_numbers => #phase_calls,)*
                            _ => #private::Call::Ended(#private::Outcome::Done),
                        }
                    }
                }

                impl #private::ClassDef for #this {
                    const FUNCTIONS: &'static [&'static #private::Function] = &[
                        #(&<#private::Member<#this, #indices> as #private::FunctionDef>::TABLE),*
                    ];
                    const PROVIDER: #private::Provider = #private::Provider {
                        provides: #private::Need::of::<#this>(),
                        place: #stands,
                        lifetime: #private::Lifetime::Shared,
                        is_async: #is_async,
                        needs: #needs,
                        make: <#this as #private::ClassDef>::make,
                        close: if #has_close {
                            ::core::option::Option::Some(#private::close_instance::<#this>)
                        } else {
                            ::core::option::Option::None
                        },
                    };

                    fn make(#ctx: &#sdk::FaasContext) -> #private::Call {
                        #make
                    }

                    #close
                }

                #(#methods)*

                #sdk::__register!(
                    "faas_providers",
                    #private::Provider,
                    &<#this as #private::ClassDef>::PROVIDER
                );

                impl #this {
                    /// A module of the functions of this class alone, for static linking.
                    pub const MODULE: &'static #private::Module = &#private::module(
                        &#private::Package {
                            name: ::core::env!("CARGO_PKG_NAME"),
                            version: ::core::env!("CARGO_PKG_VERSION"),
                        },
                        <#this as #private::ClassDef>::FUNCTIONS,
                        &[],
                    );
                }
            };
        })
    }

    /// Returns how an instance is made.
    fn init(&self, sdk: &TokenStream, this: &Type) -> Result<Init> {
        let Some(signature) = &self.init else {
            let span = this.span();
            let made = quote_spanned!(span=> #sdk::__private::made_by_default::<#this>());
            return Ok(Init { make: made, is_async: false, needs: quote!(&[]) });
        };
        let ident = &signature.ident;
        let (_, result) = provided(signature)?;
        let result = if result == Outcome::Value { Outcome::Instance } else { result };
        let callee = Callee { sdk, signature, expression: quote!(Self::#ident), first: None, result };
        Ok(Init { make: callee.call(), is_async: signature.asyncness.is_some(), needs: callee.needs() })
    }
}

/// Returns the name of the instance in the code around a call.
fn instance() -> Ident {
    Ident::new("instance", Span::mixed_site())
}

/// Returns the call of a method, where [`instance`] names an `Arc<Self>`.
fn method<'a>(sdk: &'a TokenStream, signature: &'a Signature, result: Outcome) -> Callee<'a> {
    let (ident, instance) = (&signature.ident, instance());
    Callee { sdk, signature, expression: quote!(Self::#ident), first: Some(quote!(&#instance)), result }
}

/// Returns the call of a method with the instance that was injected into its function.
fn with_instance(sdk: &TokenStream, callee: &Callee<'_>) -> TokenStream {
    let (instance, ctx, call) = (instance(), crate::arguments::context(), callee.call());
    let error = Ident::new("error", Span::mixed_site());
    quote! {
        match #sdk::__private::instance_of::<Self>(#ctx) {
            ::core::result::Result::Ok(#instance) => #call,
            ::core::result::Result::Err(#error) => {
                #sdk::__private::Call::Ended(#sdk::__private::refused(#error))
            }
        }
    }
}

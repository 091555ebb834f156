//! The attribute macros of handlers-sdk. They write tables and calls into the SDK, and no `unsafe` of their own.

mod function;
mod layer;
mod module;
mod options;

use proc_macro::TokenStream;

fn finish(result: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    result.unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a function of a `fn` or `async fn`: its arguments are what it asks for, its result is the reply.
///
/// ```text
/// #[function]
/// fn echo(event: Event) -> Event { event }
///
/// #[function(name = "order", blocking, trigger = "http", start = connect)]
/// fn place_order(ctx: FaasContext, Json(order): Json<Order>) -> Result<Json<Receipt>, Error> { … }
/// ```
///
/// - `name = "…"`: its name in the library; else that of the `fn`.
/// - `blocking`: it waits on files, sockets or locks, so it is never called on an event loop. `inline`: it is short and
///   never waits. An `async fn` is inline.
/// - `stream`: it writes its reply through a `Sink` (`fn`) or an `AsyncSink` (`async fn`) and returns `()` or
///   `Result<(), E>`.
/// - `record`: it is called for each record of a batch, whose payload its arguments are made of, and returns `()` or
///   `Result<(), E>`. The runtime keeps the order of what belongs together, and tells the platform which records failed.
/// - `default`: it serves what no other function of the unit serves.
/// - `trigger = "…"`, any number: the kinds of events it is written for (`http`, `timer`, `queue`, …), as the manifest
///   calls them. A module of several functions that is named without one of them is served by these.
/// - `start`, `close`, `suspend`, `resume`, `replied` `= path`: a `fn` or `async fn` of `PhaseContext` to `Result<(), E>`
///   that runs in that phase.
///
/// Beside the function comes a type of its name whose constant `MODULE` is the table for static linking.
#[proc_macro_attribute]
pub fn function(options: TokenStream, item: TokenStream) -> TokenStream {
    finish(function::expand(options.into(), item.into()))
}

/// Makes a layer of an `impl Layer for …`. Only the hooks that are written are ever called.
///
/// - `name = "…"`: its name in the library; else the type's, in snake case.
/// - `order = n`: where it stands if nobody configures an order; lower is further out.
/// - `whole_body`: it needs whole reply bodies, and is skipped or refused on a stream.
/// - `required`: it must not be skipped. A runtime that is told to treat it as optional does not start.
///
/// The type gets a constant `MODULE`, the table for static linking.
#[proc_macro_attribute]
pub fn layer(options: TokenStream, item: TokenStream) -> TokenStream {
    finish(layer::expand(options.into(), item.into()))
}

/// Makes `pub fn faas_module()`, one table of several functions and layers for static linking:
/// `module!(functions: [echo, hello], layers: [Monitor]);`
///
/// A shared library needs no such line: it offers every function and layer that is linked into it.
#[proc_macro]
pub fn module(input: TokenStream) -> TokenStream {
    finish(module::expand(input.into()))
}

//! The attribute macros of handlers-sdk. They write tables and calls into the SDK, and no `unsafe` of their own.
//!
//! Each takes `crate = path` among its options: the path of the SDK, for a crate that has it under another name than
//! `handlers_sdk`.

mod arguments;
mod error;
mod function;
mod functions;
mod layer;
mod module;
mod options;
mod provider;
mod route;
mod sdk;
mod triggers;

use proc_macro::TokenStream;

fn finish(result: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    result.unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a function of a `fn` or `async fn`: its arguments are the values it asks for, its result is the reply.
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
///   `Result<(), E>`; an `async fn` may also return an `Sse` or `StreamReply`.
/// - `lambda`: it has the shape of a function of `lambda_runtime`: a `LambdaEvent<T>` in, a `Result` of what serialises
///   out, and any error.
/// - `service`: it is called once, at the start, and returns an `axum::Router` or another `tower_service::Service`, or a
///   `Result` with one, which serves every request from then on. It is `default` as well.
/// - `record`: it is called for each record of a batch, whose payload its arguments are made of, and returns `()` or
///   `Result<(), E>`. The runtime keeps the order of records that belong together, and tells the platform which records
///   failed.
/// - `crate = path`: where the SDK is, if not at `::handlers_sdk`. Every macro here takes it.
/// - `default`: it serves what no other function of the unit serves.
/// - `trigger = "…"`, any number: the kinds of events it is written for (`http`, `timer`, `queue`, …), as the manifest
///   calls them. A module of several functions that is named without one of them is served by these.
/// - `start`, `close`, `suspend`, `resume`, `replied` `= path`: a `fn` or `async fn` of `PhaseContext` to `Result<(), E>`
///   that runs in that phase.
///
/// Beside the function comes a type of its name whose constant `MODULE` is the table for static linking. It gets another
/// name by `table = OrdersTable`, which is needed where a module has the function's: `mod orders; use orders::orders;`.
#[proc_macro_attribute]
pub fn function(options: TokenStream, item: TokenStream) -> TokenStream {
    finish(sdk::located(options.into(), |options| function::expand(options, item.into())))
}

/// Makes a layer of an `impl Layer for …`. Only the hooks that are written are ever called. A hook of a phase, an
/// invocation or a record may be an `async fn`.
///
/// - `name = "…"`: its name in the library; else the type's, in snake case.
/// - `order = n`: where it stands if nobody configures an order; lower is further out.
/// - `whole_body`: it needs whole reply bodies, and is skipped or refused on a stream.
/// - `blocking`: its plain hooks wait for files, sockets or locks, so the runtime keeps more threads for calls.
/// - `required`: it must not be skipped. A runtime that is told to treat it as optional does not start.
///
/// The type gets a constant `MODULE`, the table for static linking.
#[proc_macro_attribute]
pub fn layer(options: TokenStream, item: TokenStream) -> TokenStream {
    finish(sdk::located(options.into(), |options| layer::expand(options, item.into())))
}

/// Makes `pub fn faas_module()`, one table of several functions, classes and layers for static linking:
/// `module!(functions: [echo, hello], classes: [Shop], layers: [Monitor]);`
///
/// A shared library needs no such line: it offers every function and layer that is linked into it.
#[proc_macro]
pub fn module(input: TokenStream) -> TokenStream {
    finish(sdk::located(input.into(), module::expand))
}

/// Makes a provider of a `fn` or `async fn`: the value it returns, `T` or `Result<T, E>`, is injected wherever an
/// argument of type `Inject<T>` asks for it.
///
/// ```text
/// #[provider(close = Pool::end)]
/// async fn pool(settings: Inject<Settings>) -> Result<Pool, Error> { … }
///
/// #[provider(per_request)]
/// async fn user(token: Header, pool: Inject<Pool>) -> Result<User, Error> { … }
/// ```
///
/// Its arguments are those of a function. Without an option its value is made in the phase FunctionStart, once for each
/// configuration, after those that it needs, if a function that starts needs it.
///
/// - `per_request`: its value is made for each invocation of a function that needs it.
/// - `close = path`: a `fn` or `async fn` of `Inject<T>` to `Result<(), E>` that ends the value at Close, before those that
///   it needs.
#[proc_macro_attribute]
pub fn provider(options: TokenStream, item: TokenStream) -> TokenStream {
    finish(sdk::located(options.into(), |options| provider::expand(options, item.into())))
}

/// Makes a class of an `impl` block: methods that are functions, around one instance.
///
/// ```text
/// #[functions]
/// impl Shop {
///     #[init]
///     async fn new(pool: Inject<Pool>) -> Result<Self, Error> { … }
///
///     #[http(get, "/orders/{id}")]
///     async fn order(&self, Path(id): Path<u32>) -> Result<Json<Order>, Error> { … }
///
///     #[timer("0 5 * * *")]
///     fn clean_up(&self) { … }
///
///     #[close]
///     async fn end(&self) -> Result<(), Error> { … }
/// }
/// ```
///
/// - `#[functions(name = "…")]`: the name of the class for the runtimes; else that of the type, in snake case.
///   `prefix = "…"`: what stands before the name of each of its functions.
/// - A method with a trigger is a function of its name: `#[http]`, `#[timer]`, `#[queue]`, `#[topic]`, `#[storage]`,
///   `#[log]`, `#[stream]`, `#[table]`, `#[event]`, `#[websocket]`, `#[authorizer]`, `#[raw]`. `#[function]` makes one
///   without a trigger. Each takes the options of `#[function]` as well: `name`, `blocking`, `inline`, `stream`, `default`.
/// - `#[init]` makes the instance, in the phase FunctionStart; its arguments are those of a provider. Without it there is
///   `Default`.
/// - `#[close]` ends the instance. `#[suspend]`, `#[resume]` and `#[replied]` run in those phases.
///
/// The instance is a shared value as a provider makes one: others may ask for it with `Inject<Shop>`. The type gets a
/// constant `MODULE`, the table for static linking.
#[proc_macro_attribute]
pub fn functions(options: TokenStream, item: TokenStream) -> TokenStream {
    finish(sdk::located(options.into(), |options| functions::expand(options, item.into())))
}

/// Describes an error for its callers: beside `thiserror::Error`, or any other `std::error::Error`.
///
/// ```text
/// #[derive(Debug, thiserror::Error, FaasError)]
/// enum OrderError {
///     #[error("{0} is sold out")]
///     #[faas(status = 409, kind = "Order.SoldOut", public)]
///     SoldOut(String),
///     #[error("the database is down")]
///     #[faas(status = 503, message = "come back later")]
///     Database(#[from] std::io::Error),
/// }
/// ```
///
/// - `status = 400` to `599`: the status for an HTTP trigger. Without one the invocation fails in the platform's own form.
/// - `kind = "…"`: the kind by which callers and alarms tell errors apart; else the path, `shop::OrderError::SoldOut`.
/// - `public`: callers read what the error shows of itself. `message = "…"`: they read this. Without either they read no
///   message.
/// - `crate = path`: where the SDK is, if not at `::handlers_sdk`; of the whole type.
///
/// The options of the enum hold for all variants without their own. It is found through `?`, boxes, `anyhow` and the
/// `source` of other errors: the outermost error that is described counts.
#[proc_macro_derive(FaasError, attributes(faas))]
pub fn faas_error(input: TokenStream) -> TokenStream {
    finish(error::expand(input.into()))
}

//! The attribute macros of handlers-sdk. They write tables and calls into the SDK, and no `unsafe` of their own.
//!
//! Each takes `crate = path` among its options: the path of the SDK, for a crate that has it under another name than
//! `handlers_sdk`.

mod arguments;
mod error;
mod function;
mod function_options;
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
/// ```
/// # use handlers_sdk::testing::{App, Invoke};
/// # use handlers_sdk::{Error, Event, FaasContext, Json, PhaseContext, function};
/// #[function]
/// fn echo(event: Event) -> Event {
///     event
/// }
///
/// fn connect(ctx: PhaseContext) -> Result<(), Error> {
///     ctx.env("TABLE").map(|_| ()).ok_or_else(|| Error::new("Order.Config", "expected TABLE to be set"))
/// }
///
/// #[function(name = "order", blocking, trigger = "http", start = connect)]
/// fn place_order(ctx: FaasContext, Json(pieces): Json<u32>) -> Result<Json<u32>, Error> {
///     ctx.info(format_args!("{pieces} pieces"));
///     Ok(Json(pieces * 3))
/// }
///
/// assert_eq!(Invoke::event("[1]").run(echo::MODULE).text(), "[1]");
/// let app = App::builder().module(place_order::MODULE).config("TABLE", "orders").start().expect("starts");
/// assert_eq!(app.invoke(Invoke::http("POST", "/").body("2").function("order")).text(), "6");
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
/// Beside the function comes a type of its name whose constant `MODULE` is the table for static linking. It gets
/// another name by `table = OrdersTable`, which is needed where a module has the function's: `mod orders; use
/// orders::orders;`.
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
///
/// ```
/// # use handlers_sdk::testing::{App, Invoke};
/// # use handlers_sdk::{Error, Flow, Invocation, Layer, Response, function, layer};
/// #[derive(Default)]
/// struct Closed;
///
/// #[layer(name = "closed", order = -10, required)]
/// impl Layer for Closed {
///     fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
///         invocation.respond(Response::text("come back at nine").status(503))
///     }
/// }
/// # #[function]
/// # fn hello() -> &'static str { "hello" }
///
/// let app = App::builder().module(Closed::MODULE).module(hello::MODULE).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::http("GET", "/")).status(), 503);
/// ```
#[proc_macro_attribute]
pub fn layer(options: TokenStream, item: TokenStream) -> TokenStream {
    finish(sdk::located(options.into(), |options| layer::expand(options, item.into())))
}

/// Makes `pub fn faas_module()`, one table of several functions, classes and layers for static linking:
/// `module!(functions: [echo, hello], classes: [Shop], layers: [Monitor]);`
///
/// A shared library needs no such line: it offers every function and layer that is linked into it.
///
/// ```
/// # use handlers_sdk::testing::{App, Invoke};
/// # use handlers_sdk::{Layer, function, layer};
/// use handlers_sdk::module;
///
/// #[function]
/// fn hello() -> &'static str {
///     "hello"
/// }
///
/// #[derive(Default)]
/// struct Ready;
///
/// #[layer]
/// impl Layer for Ready {}
///
/// module!(functions: [hello], layers: [Ready]);
///
/// let app = App::builder().module(faas_module()).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::event("")).text(), "hello");
/// ```
#[proc_macro]
pub fn module(input: TokenStream) -> TokenStream {
    finish(sdk::located(input.into(), module::expand))
}

/// Makes a provider of a `fn` or `async fn`: the value it returns, `T` or `Result<T, E>`, is injected wherever an
/// argument of type `Inject<T>` asks for it.
///
/// ```
/// # use handlers_sdk::testing::{App, Invoke};
/// # use handlers_sdk::{Error, FaasContext, Inject, PhaseContext, function, provider};
/// struct Pool(&'static str);
///
/// #[provider(close = end)]
/// async fn pool(ctx: PhaseContext) -> Result<Pool, Error> {
///     ctx.env("DATABASE").map(Pool).ok_or_else(|| Error::new("Pool.Config", "expected DATABASE to be set"))
/// }
///
/// fn end(pool: Inject<Pool>) -> Result<(), Error> {
///     handlers_sdk::info!("left {}", pool.0);
///     Ok(())
/// }
///
/// struct User(String);
///
/// #[provider(per_request)]
/// async fn user(ctx: FaasContext, pool: Inject<Pool>) -> User {
///     User(format!("{} of {}", String::from_utf8_lossy(ctx.body()), pool.0))
/// }
///
/// #[function]
/// async fn greet(user: Inject<User>) -> String {
///     format!("hello, {}", user.0)
/// }
///
/// let app = App::builder().module(greet::MODULE).config("DATABASE", "db1").start().expect("starts");
/// assert_eq!(app.invoke(Invoke::event("ada")).text(), "hello, ada of db1");
/// assert_eq!(app.close()[0].message, "left db1");
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
/// ```
/// # use handlers_sdk::testing::{App, Invoke};
/// # use handlers_sdk::{Error, Path, PhaseContext, functions};
/// # use std::sync::atomic::{AtomicU32, Ordering};
/// struct Shop {
///     name: &'static str,
///     orders: AtomicU32,
/// }
///
/// #[functions]
/// impl Shop {
///     #[init]
///     async fn new(ctx: PhaseContext) -> Result<Self, Error> {
///         Ok(Shop { name: ctx.env("SHOP").unwrap_or("tea"), orders: AtomicU32::new(0) })
///     }
///
///     #[http(post, "/orders/{item}")]
///     async fn order(&self, Path(item): Path<String>) -> String {
///         format!("{}: {item}, order {}", self.name, self.orders.fetch_add(1, Ordering::Relaxed))
///     }
///
///     #[timer("0 5 * * *")]
///     fn clean_up(&self) {
///         self.orders.store(0, Ordering::Relaxed);
///     }
///
///     #[close]
///     async fn end(&self) -> Result<(), Error> {
///         handlers_sdk::info!("{} is closed", self.name);
///         Ok(())
///     }
/// }
///
/// let app = App::builder().module(Shop::MODULE).route("POST", "/orders/{item}", "order").start().expect("starts");
/// assert_eq!(app.invoke(Invoke::http("POST", "/orders/mate")).text(), "tea: mate, order 0");
/// assert_eq!(app.close()[0].message, "tea is closed");
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
/// ```
/// # use handlers_sdk::testing::Invoke;
/// # use handlers_sdk::function;
/// use handlers_sdk::FaasError;
///
/// #[derive(Debug, thiserror::Error, FaasError)]
/// enum OrderError {
///     #[error("{0} is sold out")]
///     #[faas(status = 409, kind = "Order.SoldOut", public)]
///     SoldOut(String),
///     #[error("the database at 10.0.0.7 is down")]
///     #[faas(status = 503, message = "come back later")]
///     Database,
/// }
///
/// #[function]
/// fn order(item: String) -> Result<(), OrderError> {
///     if item == "tea" { Err(OrderError::SoldOut(item)) } else { Err(OrderError::Database) }
/// }
///
/// let answer = Invoke::http("POST", "/").body("tea").run(order::MODULE);
/// assert_eq!((answer.status(), &answer.json()["errorMessage"]), (409, &"tea is sold out".into()));
/// let answer = Invoke::http("POST", "/").body("mate").run(order::MODULE);
/// assert_eq!((answer.status(), &answer.json()["errorMessage"]), (503, &"come back later".into()));
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

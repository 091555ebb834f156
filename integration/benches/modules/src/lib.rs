//! The modules that are measured beside `echo`: three layers of which any number may stand in a row, and two HTTP
//! functions.
#![forbid(unsafe_code)]

use handlers_sdk::{Config, Error, FaasContext, Flow, Invocation, Layer, Request, Response, function, layer};
use std::sync::atomic::{AtomicU64, Ordering};

/// A layer without any hook.
#[derive(Debug)]
pub struct Empty;

#[layer(name = "empty")]
impl Layer for Empty {
    fn create(_: &Config) -> Result<Self, Error> {
        Ok(Empty)
    }
}

/// A small layer that works on every invocation: it looks at the clock before and after, looks at the request's id, and
/// counts.
#[derive(Debug, Default)]
pub struct Working {
    began: AtomicU64,
    spent: AtomicU64,
    seen: AtomicU64,
}

impl Working {
    fn begin(&self, now_ns: u64) {
        self.began.store(now_ns, Ordering::Relaxed);
    }

    fn end(&self, now_ns: u64, seen: u64) {
        self.spent.fetch_add(now_ns.saturating_sub(self.began.load(Ordering::Relaxed)), Ordering::Relaxed);
        self.seen.fetch_add(seen, Ordering::Relaxed);
    }
}

#[layer(name = "working")]
impl Layer for Working {
    fn create(_: &Config) -> Result<Self, Error> {
        Ok(Working::default())
    }

    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        self.begin(invocation.now_ns());
        Ok(Flow::Continue)
    }

    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        self.end(invocation.now_ns(), invocation.request_id().len() as u64);
        Ok(())
    }
}

/// A layer with a header, the clock and a counter: the work of one of tower's eight layers in the peer `tower_server`.
#[derive(Debug, Default)]
pub struct Toil(Working);

#[layer(name = "toil")]
impl Layer for Toil {
    fn create(_: &Config) -> Result<Self, Error> {
        Ok(Toil::default())
    }

    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        self.0.begin(invocation.now_ns());
        Ok(Flow::Continue)
    }

    fn head(&self, head: &mut handlers_sdk::ReplyHead<'_>) -> Result<(), Error> {
        head.set_header("x-bench", "1")
    }

    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        self.0.end(invocation.now_ns(), 1);
        Ok(())
    }
}

/// A layer that sets one header on every reply.
#[derive(Debug)]
pub struct Header;

#[layer(name = "header")]
impl Layer for Header {
    fn create(_: &Config) -> Result<Self, Error> {
        Ok(Header)
    }

    fn head(&self, head: &mut handlers_sdk::ReplyHead<'_>) -> Result<(), Error> {
        head.set_header("x-bench", "1")
    }
}

/// Answers with one text, whatever is asked, as a server written on hyper does.
#[function]
pub async fn plain(_: FaasContext) -> Response {
    Response::text("hello, world\n")
}

/// Answers with the same text, from a function that may block.
#[function]
pub fn plain_blocking(_: FaasContext) -> Response {
    Response::text("hello, world\n")
}

/// Answers with the same text after a wait of five milliseconds, as a function waits for a database.
#[function]
pub fn waiting(_: FaasContext) -> Response {
    std::thread::sleep(std::time::Duration::from_millis(5));
    Response::text("hello, world\n")
}

/// Looks at method, path, a header and a query value. The peer `lambda_http` does the same.
#[function]
pub fn http(request: Request) -> Response {
    let name = request.query("name").unwrap_or("world");
    let agent = request.header("user-agent").unwrap_or("none");
    let body = request.body().len();
    Response::text(format!("{} {} {name} {agent} {body}", request.method(), request.path()))
}

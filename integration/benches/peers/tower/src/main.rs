//! Bare hyper under middleware of tower's: every request is answered with one text. `PORT`; `STACK=8` puts eight layers
//! around it, each of which looks at the clock before and after, counts, and sets a header of the reply by tower-http's
//! `SetResponseHeader`. They are one type, which the compiler sees through: the best that tower can do.

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use pin_project_lite::pin_project;
use std::convert::Infallible;
use std::future::Future;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tower::{Service, service_fn};
use tower_http::set_header::SetResponseHeader;

type Reply = Response<Full<Bytes>>;

/// The sums of a layer.
#[derive(Debug, Default)]
struct Sums {
    spent: AtomicU64,
    seen: AtomicU64,
}

static SUMS: [Sums; 8] = [const { Sums { spent: AtomicU64::new(0), seen: AtomicU64::new(0) } }; 8];

/// A service that looks at the clock before and after, and counts.
#[derive(Clone, Debug)]
struct Clocked<S> {
    inner: S,
    sums: &'static Sums,
}

pin_project! {
    struct Clocking<F> {
        #[pin]
        inner: F,
        began: Instant,
        sums: &'static Sums,
    }
}

impl<F: Future> Future for Clocking<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let output = ready!(this.inner.poll(context));
        let spent = u64::try_from(this.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        this.sums.spent.fetch_add(spent, Ordering::Relaxed);
        this.sums.seen.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(output)
    }
}

impl<S: Service<Request<Incoming>>> Service<Request<Incoming>> for Clocked<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Clocking<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let began = Instant::now();
        Clocking { inner: self.inner.call(request), began, sums: self.sums }
    }
}

async fn answer(_: Request<Incoming>) -> Result<Reply, Infallible> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"hello, world\n")));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    Ok(response)
}

/// Puts one more layer around a service.
fn around<S>(inner: S, number: usize) -> SetResponseHeader<Clocked<S>, HeaderValue> {
    let clocked = Clocked { inner, sums: &SUMS[number] };
    SetResponseHeader::overriding(clocked, HeaderName::from_static("x-bench"), HeaderValue::from_static("1"))
}

async fn serve<S>(port: u16, service: S) -> std::io::Result<()>
where
    S: Service<Request<Incoming>, Response = Reply, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            // A client that goes away in the middle is no matter of ours.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn main() -> std::io::Result<()> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u16>().ok());
    let port = number("PORT").unwrap_or(8080);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let plain = service_fn(answer);
    if number("STACK") != Some(8) {
        return runtime.block_on(serve(port, plain));
    }
    let four = around(around(around(around(plain, 0), 1), 2), 3);
    let eight = around(around(around(around(four, 4), 5), 6), 7);
    runtime.block_on(serve(port, eight))
}

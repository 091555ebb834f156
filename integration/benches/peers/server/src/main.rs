//! Bare hyper over tokio: every request is answered with one text. `PORT`; `WORKERS=1` is one thread for everything,
//! more are that many workers, none is tokio's own choice.

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::Ipv4Addr;

async fn answer(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"hello, world\n")));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    Ok(response)
}

async fn serve(port: u16) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            // A client that goes away in the middle is no matter of ours.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await;
        });
    }
}

fn main() -> std::io::Result<()> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u16>().ok());
    let port = number("PORT").unwrap_or(8080);
    let runtime = match number("WORKERS") {
        Some(1) => tokio::runtime::Builder::new_current_thread().enable_io().build()?,
        Some(workers) => {
            tokio::runtime::Builder::new_multi_thread().worker_threads(workers.into()).enable_io().build()?
        }
        None => tokio::runtime::Builder::new_multi_thread().enable_io().build()?,
    };
    runtime.block_on(serve(port))
}

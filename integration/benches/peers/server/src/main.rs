//! Bare hyper over tokio: every request is answered with one text. `PORT`; `WORKERS=1` is one thread for everything,
//! more are that many workers, none is tokio's own choice. `WAIT_MS`: every answer
//! comes after that time.

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::time::Duration;

async fn answer(wait: Option<Duration>) -> Result<Response<Full<Bytes>>, Infallible> {
    if let Some(wait) = wait {
        tokio::time::sleep(wait).await;
    }
    let mut response = Response::new(Full::new(Bytes::from_static(b"hello, world\n")));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    Ok(response)
}

async fn serve(port: u16, wait: Option<Duration>) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            // A client that goes away in the middle is no matter of ours.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(|_: Request<Incoming>| answer(wait)))
                .await;
        });
    }
}

fn main() -> std::io::Result<()> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u16>().ok());
    let port = number("PORT").unwrap_or(8080);
    let runtime = match number("WORKERS") {
        Some(1) => tokio::runtime::Builder::new_current_thread().enable_all().build()?,
        Some(workers) => {
            tokio::runtime::Builder::new_multi_thread().worker_threads(workers.into()).enable_all().build()?
        }
        None => tokio::runtime::Builder::new_multi_thread().enable_all().build()?,
    };
    let wait = number("WAIT_MS").map(|ms| Duration::from_millis(ms.into()));
    runtime.block_on(serve(port, wait))
}

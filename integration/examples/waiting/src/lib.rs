//! A test layer whose hooks ask a server what to do, wait for the answer, and do it; and a function inside it.
//!
//! `WAITING_SERVER` is the server's address: a line for each question, `before <body>` or `failed <kind>`, and a line
//! for each answer, on a connection of its own. `WAITING_PATIENCE_MS` is how long a hook waits, without end by default.
//!
//! | answer to `before` | the layer |
//! |---|---|
//! | `go on` | goes on |
//! | `answer` | answers itself |
//! | `fail` | fails |
//! | `panic` | panics |
//!
//! | answer to `failed` | the layer |
//! |---|---|
//! | `recover` | answers in place of the failure |
//! | `replace` | makes another failure of it |
//!
//! A hook that is dropped while it waits writes the line `a wait was dropped`. The function `served` writes `served`,
//! fails if its body is `fail inside`, and otherwise replies its body.
#![forbid(unsafe_code)]

use handlers_sdk::{Config, Error, Event, Failure, Flow, Invocation, Layer, Recovery, Response, function, layer};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// The layer, with the address of its server.
#[derive(Debug)]
pub struct Waiting {
    server: &'static str,
    patience: Option<Duration>,
}

/// Writes a line if it is dropped before its end.
struct Noticed(bool);

impl Drop for Noticed {
    fn drop(&mut self) {
        if !self.0 {
            handlers_sdk::info!("a wait was dropped");
        }
    }
}

async fn ask(server: &str, question: &str) -> Result<String, Error> {
    let mut noticed = Noticed(false);
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(format!("{question}\n").as_bytes()).await?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).await?;
    noticed.0 = true;
    Ok(answer.trim().to_owned())
}

impl Waiting {
    async fn ask(&self, question: &str) -> Result<String, Error> {
        let Some(patience) = self.patience else { return ask(self.server, question).await };
        let late = |_| Error::new("Waiting.TooSlow", "the server has not answered in time");
        tokio::time::timeout(patience, ask(self.server, question)).await.map_err(late)?
    }
}

#[layer(name = "waiting")]
impl Layer for Waiting {
    fn create(config: &Config) -> Result<Self, Error> {
        let server = config.env("WAITING_SERVER").ok_or_else(|| Error::msg("expected WAITING_SERVER to be set"))?;
        let patience = config.env("WAITING_PATIENCE_MS").and_then(|ms| ms.parse().ok()).map(Duration::from_millis);
        Ok(Waiting { server, patience })
    }

    async fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        let question = format!("before {}", String::from_utf8_lossy(invocation.body()));
        match self.ask(&question).await?.as_str() {
            "answer" => invocation.respond(Response::text("from the layer").status(429)),
            "fail" => Err(Error::new("Waiting.Refused", "the server says no")),
            "panic" => panic!("on purpose, after a wait"),
            _ => Ok(Flow::Continue),
        }
    }

    async fn invoke_failed(&self, invocation: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        match self.ask(&format!("failed {}", failure.kind)).await?.as_str() {
            "recover" => invocation.recover(Response::text("recovered").status(503)),
            "replace" => Err(Error::new("Waiting.Replaced", "another failure")),
            _ => Ok(Recovery::Pass),
        }
    }
}

/// Answers as the function inside.
///
/// # Errors
/// Its body asks for an error.
#[function]
pub fn served(event: Event) -> Result<Event, Error> {
    handlers_sdk::info!("served");
    if event.ends_with(b"fail inside") { Err(Error::new("Served.Failed", "asked to fail")) } else { Ok(event) }
}

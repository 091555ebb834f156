//! A layer that lets in callers with a key. It asks a server for the keys when the function starts, and again when a
//! caller has a key it does not know: the new one may have been issued since.
//!
//! It shows hooks that wait. The layer for production is `layers/auth`.
//!
//! Its configuration is `{"keys": "127.0.0.1:8400", "patience_ms": 500}`: the server of the keys, asked by `GET /keys`
//! for one a line, and the time that the layer waits for them.
#![forbid(unsafe_code)]

use handlers_sdk::{Config, Error, Flow, Invocation, Layer, Phase, Response, layer};
use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The layer, with the keys it knows.
#[derive(Debug)]
pub struct Auth {
    server: String,
    patience: Duration,
    keys: RwLock<HashSet<String>>,
}

impl Auth {
    fn knows(&self, key: &str) -> bool {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).contains(key)
    }

    async fn fetch(&self) -> Result<(), Error> {
        let fetched = tokio::time::timeout(self.patience, fetch(&self.server)).await;
        let keys =
            fetched.map_err(|_| Error::new("Auth.Keys", "the server of the keys has not answered in time"))??;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }
}

/// Returns the keys, by a request that an HTTP client would make.
async fn fetch(server: &str) -> Result<HashSet<String>, Error> {
    let mut stream = TcpStream::connect(server).await?;
    let request = format!("GET /keys HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await?;
    match reply.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200") => Ok(body.lines().map(str::to_owned).collect()),
        _ => Err(Error::new("Auth.Keys", "expected a reply of status 200 from the server of the keys")),
    }
}

#[layer(name = "auth", required)]
impl Layer for Auth {
    fn create(config: &Config) -> Result<Self, Error> {
        let server = config.get("keys")?.ok_or_else(|| Error::new("Auth.Config", "expected a key `keys`"))?;
        let patience = Duration::from_millis(config.get("patience_ms")?.unwrap_or(500));
        Ok(Auth { server, patience, keys: RwLock::default() })
    }

    async fn before_function_start(&self, _: &mut Phase<'_>) -> Result<(), Error> {
        self.fetch().await
    }

    async fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        let key = invocation.http().and_then(|http| http.header("authorization")).unwrap_or_default().to_owned();
        if !key.is_empty()
            && !self.knows(&key)
            && let Err(error) = self.fetch().await
        {
            handlers_sdk::warn!("{error}");
            return invocation.respond(Response::text("try again later\n").status(503));
        }
        if self.knows(&key) { Ok(Flow::Continue) } else { invocation.respond(Response::new(401)) }
    }
}

#[cfg(test)]
mod tests {
    use super::Auth;
    use handlers_sdk::function;
    use handlers_sdk::testing::{App, Invoke};
    use std::io::{Read, Write};
    use std::net::TcpListener;

    #[function]
    fn hello() -> &'static str {
        "hello"
    }

    /// Gives these keys, one set a connection, and then no more.
    fn server(answers: &'static [&'static str]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it has one").to_string();
        std::thread::spawn(move || {
            for keys in answers {
                let (mut stream, _) = listener.accept().expect("a client");
                let read = stream.read(&mut [0; 1024]).expect("its request");
                assert!(read > 0);
                write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{keys}").expect("it takes it");
            }
        });
        address
    }

    #[test]
    fn who_has_a_key_is_let_in_and_new_keys_are_asked_for() {
        let server = server(&["old\n", "old\nnew\n"]);
        let config = format!(r#"{{"keys":"{server}"}}"#);
        let app = App::builder().configured(Auth::MODULE, &config).module(hello::MODULE).start().expect("starts");
        let with = |key: &str| app.invoke(Invoke::http("GET", "/").header("authorization", key));
        assert_eq!(app.invoke(Invoke::http("GET", "/")).status(), 401);
        assert_eq!(with("old").text(), "hello");
        assert_eq!(with("new").text(), "hello");
        assert_eq!(with("forged").status(), 503, "the server is gone");
        assert_eq!(with("old").text(), "hello");
    }

    #[test]
    fn without_keys_nothing_starts() {
        let config = r#"{"keys":"127.0.0.1:1"}"#;
        let why = App::builder().configured(Auth::MODULE, config).module(hello::MODULE).start().expect_err("no keys");
        assert!(why.contains("Connection refused") || why.contains("Auth.Keys"), "{why}");
    }
}

//! A server that speaks HTTP as a test wants it, or worse. It keeps the requests of its clients.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A request as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The method of the request.
    pub method: String,
    /// The target: path and query, or a URL as a proxy is sent it.
    pub target: String,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The bytes of the body.
    pub body: Vec<u8>,
}

impl Asked {
    /// Returns the first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// A connection of a client.
pub struct Link {
    stream: BufReader<TcpStream>,
    state: Arc<State>,
    /// The number of the connection, counted from 1.
    pub number: usize,
}

impl Link {
    /// Returns the next request; `None` if the client has closed.
    pub fn request(&mut self) -> Option<Asked> {
        let asked = self.read().ok().flatten()?;
        self.state.change(|seen| seen.asked.push(asked.clone()));
        Some(asked)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    fn read(&mut self) -> io::Result<Option<Asked>> {
        let first = self.line()?;
        let mut words = first.split(' ');
        let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
        let mut asked = Asked { method: method.to_owned(), target: target.to_owned(), ..Asked::default() };
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            asked.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = asked.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        asked.body = vec![0; length];
        self.stream.read_exact(&mut asked.body)?;
        Ok(Some(asked))
    }

    /// Writes bytes as they are. Returns `false` if the client has gone.
    pub fn write(&mut self, bytes: &[u8]) -> bool {
        self.stream.get_mut().write_all(bytes).is_ok()
    }

    /// Replies with a status and a body.
    pub fn reply(&mut self, status: u16, body: &str) -> bool {
        self.write(format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes())
    }

    /// Connects the client to another server, and copies in both directions until one of them has closed.
    pub fn join(self, server: &str) {
        let Ok(there) = TcpStream::connect(server) else { return };
        let here = self.stream.into_inner();
        let copy = |from: &TcpStream, to: &TcpStream| {
            let (mut from, mut to) = (from.try_clone().expect("a handle"), to.try_clone().expect("a handle"));
            std::thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(std::net::Shutdown::Both);
            })
        };
        let back = copy(&there, &here);
        let _ = copy(&here, &there).join();
        let _ = back.join();
    }
}

#[derive(Default)]
struct Seen {
    /// The connections that are served now, by their numbers.
    open: HashMap<usize, TcpStream>,
    is_killed: bool,
    is_gone: bool,
    links: usize,
    closed: usize,
    asked: Vec<Asked>,
    is_released: bool,
}

#[derive(Default)]
struct State {
    seen: Mutex<Seen>,
    changed: Condvar,
}

impl State {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen());
        self.changed.notify_all();
    }

    fn wait(&self, limit: Duration, is_so: impl Fn(&Seen) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(self.seen(), limit, |seen| !is_so(seen));
        let (seen, _) = waited.unwrap_or_else(PoisonError::into_inner);
        is_so(&seen)
    }
}

/// The server. It serves until the process ends.
#[derive(Clone)]
pub struct Scripted {
    /// The address at which it listens.
    pub address: SocketAddr,
    state: Arc<State>,
}

impl Scripted {
    /// Starts the server. `serve` is called for each connection, on a thread of its own; the connection is closed when
    /// it returns.
    ///
    /// # Panics
    /// There is no free port.
    pub fn start(serve: impl Fn(&Scripted, Link) + Send + Sync + 'static) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        Scripted::over(listener, serve)
    }

    /// Starts the server on a port that is known before, as one that was down and comes back.
    ///
    /// # Panics
    /// Somebody else has the port.
    pub fn at(address: SocketAddr, serve: impl Fn(&Scripted, Link) + Send + Sync + 'static) -> Scripted {
        Scripted::over(TcpListener::bind(address).expect("the port is free"), serve)
    }

    fn over(listener: TcpListener, serve: impl Fn(&Scripted, Link) + Send + Sync + 'static) -> Scripted {
        let address = listener.local_addr().expect("it listens");
        let server = Scripted { address, state: Arc::default() };
        let (own, serve) = (server.clone(), Arc::new(serve));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (server, serve) = (own.clone(), serve.clone());
                if server.state.seen().is_killed {
                    break;
                }
                let handle = stream.try_clone().expect("a handle");
                let number = server.state.seen().links + 1;
                server.state.change(|seen| {
                    seen.open.insert(number, handle);
                    seen.links = number;
                });
                std::thread::spawn(move || {
                    serve(&server, Link { stream: BufReader::new(stream), state: server.state.clone(), number });
                    server.state.change(|seen| {
                        seen.open.remove(&number);
                        seen.closed += 1;
                    });
                });
            }
            drop(listener);
            own.state.change(|seen| seen.is_gone = true);
        });
        server
    }

    /// Ends the server as a kill does: nobody listens any more, and every connection is closed.
    ///
    /// # Panics
    /// It does not end.
    pub fn kill(&self) {
        let open = {
            let mut seen = self.state.seen();
            seen.is_killed = true;
            std::mem::take(&mut seen.open)
        };
        for stream in open.values() {
            // One that its client has closed is closed.
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        // The server waits for a client, so this connects as one.
        drop(TcpStream::connect(self.address));
        assert!(self.state.wait(crate::wait::limit(), |seen| seen.is_gone), "it does not end");
    }

    /// Returns a server that replies 200 and `ok` to everything.
    pub fn good() -> Scripted {
        Scripted::start(|_, mut link| while link.request().is_some() && link.reply(200, "ok") {})
    }

    /// Returns the URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns how many connections there have been.
    pub fn links(&self) -> usize {
        self.state.seen().links
    }

    /// Returns the requests that have come.
    pub fn asked(&self) -> Vec<Asked> {
        self.state.seen().asked.clone()
    }

    /// Waits until `count` requests have come.
    ///
    /// # Panics
    /// They do not come.
    pub fn wait_for_requests(&self, count: usize) {
        let came = self.state.wait(crate::wait::limit(), |seen| seen.asked.len() >= count);
        assert!(came, "{count} requests have not come: {:?}", self.asked());
    }

    /// Waits until `count` connections are closed, by either side.
    ///
    /// # Panics
    /// They stay open.
    pub fn wait_for_closed(&self, count: usize) {
        assert!(self.state.wait(crate::wait::limit(), |seen| seen.closed >= count), "connections stay open");
    }

    /// Lets all go that [wait](Self::wait_for_release).
    pub fn release(&self) {
        self.state.change(|seen| seen.is_released = true);
    }

    /// Waits until the test lets it go, for `serve`.
    pub fn wait_for_release(&self) {
        self.state.wait(crate::wait::limit() * 2, |seen| seen.is_released);
    }
}

//! A connection to a server, with TLS or without: how it is made, and whether it is still of use.

use crate::fault::Fault;
use crate::proxy::Proxy;
use crate::reply::Incoming;
use crate::stop::Stop;
use crate::url::Origin;
use faas_tls::{ClientConnection, StreamOwned, Tls};
use handlers_sdk::service::ServiceErrorKind;
use std::io::{self, ErrorKind as Io, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A socket that counts the bytes which have left through it.
#[derive(Debug)]
pub(crate) struct Socket {
    tcp: Arc<TcpStream>,
    written: u64,
}

impl Read for Socket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        (&*self.tcp).read(into)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = (&*self.tcp).write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection, with TLS or without.
#[derive(Debug)]
pub(crate) enum Connection {
    Plain(Socket),
    Tls(Box<StreamOwned<ClientConnection, Socket>>),
}

impl Connection {
    /// Connects to a server within that time, through its proxy if it has one.
    pub(crate) fn open(
        origin: &Origin,
        proxy: Option<&Proxy>,
        tls: &Tls,
        limit: Duration,
        stop: &Stop,
    ) -> Result<Connection, Fault> {
        let tcp = Arc::new(dial(proxy.map_or(origin, |proxy| &proxy.origin), limit, stop)?);
        // Each request goes out in one piece.
        tcp.set_nodelay(true)?;
        stop.works_on(&tcp)?;
        let mut socket = Socket { tcp, written: 0 };
        if !origin.is_tls {
            return Ok(Connection::Plain(socket));
        }
        if let Some(proxy) = proxy {
            tunnel(&mut socket, origin, proxy)?;
        }
        let mut stream = StreamOwned::new(tls.begin(&origin.host)?, socket);
        // The handshake comes before a byte of the request, so that the server is known by then.
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(|error| Fault::failed(format!("TLS: {error}")))?;
        }
        Ok(Connection::Tls(Box::new(stream)))
    }

    pub(crate) fn socket(&self) -> &Arc<TcpStream> {
        match self {
            Connection::Plain(socket) => &socket.tcp,
            Connection::Tls(stream) => &stream.sock.tcp,
        }
    }

    /// Returns how many bytes have left through it, TLS' own among them.
    pub(crate) fn written(&self) -> u64 {
        match self {
            Connection::Plain(socket) => socket.written,
            Connection::Tls(stream) => stream.sock.written,
        }
    }

    /// Returns `true` if an idle connection can take a request: its server has neither closed it nor sent a byte. After
    /// a freeze that is where it shows.
    pub(crate) fn is_usable(&mut self) -> bool {
        let tcp = self.socket().clone();
        let seen = tcp.set_nonblocking(true).map(|()| self.is_quiet());
        tcp.set_nonblocking(false).is_ok() && seen.unwrap_or(false)
    }

    fn is_quiet(&mut self) -> bool {
        match self {
            Connection::Plain(socket) => socket.tcp.peek(&mut [0]).is_err_and(|error| error.kind() == Io::WouldBlock),
            Connection::Tls(stream) => faas_tls::is_quiet(stream),
        }
    }
}

impl Read for Connection {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Connection::Plain(socket) => socket.read(into),
            Connection::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Connection::Plain(socket) => socket.write(bytes),
            Connection::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Connection::Plain(socket) => socket.flush(),
            Connection::Tls(stream) => stream.flush(),
        }
    }
}

/// Looks a name up and connects to the first of its addresses that answers.
fn dial(origin: &Origin, limit: Duration, stop: &Stop) -> Result<TcpStream, Fault> {
    let end = Instant::now() + limit;
    let addresses = (origin.host.as_str(), origin.port).to_socket_addrs();
    let addresses = addresses.map_err(|error| Fault::new(ServiceErrorKind::NotFound, error.to_string()))?;
    let mut last = Fault::new(ServiceErrorKind::NotFound, "the name has no address");
    for address in addresses {
        stop.check()?;
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Fault::failed(format!("no connection within {limit:?}")));
        }
        last = match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => return Ok(stream),
            Err(error) if error.kind() == Io::ConnectionRefused => {
                Fault::new(ServiceErrorKind::NotFound, format!("nobody listens at {address}"))
            }
            Err(error) if error.kind() == Io::TimedOut => Fault::failed(format!("no connection within {limit:?}")),
            Err(error) => Fault::failed(format!("{address}: {error}")),
        };
    }
    Err(last)
}

/// Asks a proxy to connect to a server.
fn tunnel(socket: &mut Socket, origin: &Origin, proxy: &Proxy) -> Result<(), Fault> {
    let server = origin.host_and_port();
    let user = proxy.user.as_ref().map(|user| format!("proxy-authorization: {user}\r\n")).unwrap_or_default();
    socket.write_all(format!("CONNECT {server} HTTP/1.1\r\nhost: {server}\r\n{user}\r\n").as_bytes())?;
    match Incoming::new(socket).connected()? {
        200 => Ok(()),
        status => Err(Fault::failed(format!("the proxy {} answers {status}", proxy.origin.host_and_port()))),
    }
}

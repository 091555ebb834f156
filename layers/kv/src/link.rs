//! One connection to Redis, with TLS or without: opened, introduced, and asked one command at a time, each with a
//! deadline.

use crate::resp::{self, Garbage, Reply};
use faas_tls::{ClientConnection, StreamOwned, Tls};
use handlers_sdk::Secret;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The address of Redis, and the user that asks it.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// The address as `host:port`.
    pub(crate) address: String,
    /// The configuration of TLS; `None` for a connection in the clear.
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) database: u32,
}

/// The reason why there is no reply.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The reply did not come in time.
    Late,
    /// The connection failed, and these words say why.
    Broken(String),
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Trouble {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Trouble::Late,
            _ => Trouble::Broken(error.to_string()),
        }
    }
}

impl Server {
    /// Returns the host as certificates have it, without a port or brackets.
    fn host(&self) -> &str {
        let host = self.address.rsplit_once(':').map_or(self.address.as_str(), |(host, _)| host);
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }
}

/// A socket with a deadline for each read and write.
#[derive(Debug)]
struct Socket {
    tcp: TcpStream,
    end: Instant,
}

impl Socket {
    fn left(&self) -> io::Result<Duration> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Socket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(Some(self.left()?))?;
        self.tcp.read(into)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(Some(self.left()?))?;
        self.tcp.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
enum Stream {
    Plain(Socket),
    Tls(Box<StreamOwned<ClientConnection, Socket>>),
}

impl Stream {
    fn open(socket: Socket, server: &Server) -> Result<Stream, Trouble> {
        let Some(tls) = &server.tls else { return Ok(Stream::Plain(socket)) };
        let state = tls.begin(server.host()).map_err(|fault| Trouble::Broken(format!("TLS: {fault}")))?;
        let mut stream = StreamOwned::new(state, socket);
        // The handshake comes before a password, so that the server is known by then.
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(|error| match error.into() {
                Trouble::Broken(why) => Trouble::Broken(format!("TLS: {why}")),
                late => late,
            })?;
        }
        Ok(Stream::Tls(Box::new(stream)))
    }

    fn socket(&mut self) -> &mut Socket {
        match self {
            Stream::Plain(socket) => socket,
            Stream::Tls(stream) => &mut stream.sock,
        }
    }

    /// Returns `true` if the other side has neither closed it nor sent data. The socket must not block.
    fn is_quiet(&mut self) -> bool {
        match self {
            Stream::Plain(socket) => {
                socket.tcp.peek(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
            }
            Stream::Tls(stream) => faas_tls::is_quiet(stream),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Stream::Plain(socket) => socket.write_all(bytes),
            Stream::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }

    /// Reads some bytes; an interrupted read is tried again.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match self {
                Stream::Plain(socket) => socket.read(into),
                Stream::Tls(stream) => stream.read(into),
            };
            match read {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

/// A connection. After a trouble it is of no use: a reply may still be on its way.
#[derive(Debug)]
pub(crate) struct Link {
    stream: Stream,
    read: Vec<u8>,
    used_at: Instant,
}

/// The time after which an idle connection is not used. Routers on the way forget connections that nothing has passed
/// for some minutes, and tell nobody.
const LONGEST_IDLE: Duration = Duration::from_secs(60);

fn left(deadline: Instant) -> Result<Duration, Trouble> {
    deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()).ok_or(Trouble::Late)
}

fn closed() -> Trouble {
    Trouble::Broken("it has closed the connection".to_owned())
}

impl Link {
    pub(crate) fn open(server: &Server, deadline: Instant) -> Result<Link, Trouble> {
        let mut trouble = Trouble::Broken("its name leads nowhere".to_owned());
        for address in server.address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, left(deadline)?) {
                Ok(tcp) => {
                    tcp.set_nodelay(true)?;
                    let stream = Stream::open(Socket { tcp, end: deadline }, server)?;
                    let mut link = Link { stream, read: Vec::new(), used_at: Instant::now() };
                    link.introduce(server, deadline)?;
                    return Ok(link);
                }
                Err(error) => trouble = error.into(),
            }
        }
        Err(trouble)
    }

    fn introduce(&mut self, server: &Server, deadline: Instant) -> Result<(), Trouble> {
        let database = server.database.to_string();
        let mut steps: Vec<Vec<&[u8]>> = Vec::new();
        if let Some(password) = &server.password {
            let username = server.username.iter().map(|name| name.as_bytes());
            steps.push([&b"AUTH"[..]].into_iter().chain(username).chain([password.reveal().as_bytes()]).collect());
        }
        if server.database != 0 {
            steps.push(vec![b"SELECT", database.as_bytes()]);
        }
        for step in steps {
            match self.exchange(&resp::command(&step), 0, deadline)? {
                Reply::Simple => {}
                Reply::Error(why) => return Err(Trouble::Broken(format!("it refuses the connection: {why}"))),
                other => return Err(Trouble::Broken(format!("its answer makes no sense: {other:?}"))),
            }
        }
        Ok(())
    }

    /// Returns `true` if the other side has not closed it, as far as that can be known.
    pub(crate) fn is_open(&mut self) -> bool {
        let socket = self.stream.socket();
        socket.end = Instant::now() + LONGEST_IDLE;
        if self.used_at.elapsed() > LONGEST_IDLE || socket.tcp.set_nonblocking(true).is_err() {
            return false;
        }
        self.stream.is_quiet() && self.stream.socket().tcp.set_nonblocking(false).is_ok()
    }

    /// Sends a command and waits for its reply, which has at most `most` bytes.
    pub(crate) fn exchange(&mut self, command: &[u8], most: usize, deadline: Instant) -> Result<Reply, Trouble> {
        self.stream.socket().end = deadline;
        self.stream.write_all(command)?;
        self.read.clear();
        loop {
            match resp::reply(&self.read, most) {
                Ok(Some((reply, _))) => {
                    self.used_at = Instant::now();
                    return Ok(reply);
                }
                Ok(None) => {}
                Err(Garbage::NotRedis) => return Err(Trouble::Broken("what answers is not Redis".to_owned())),
                Err(Garbage::TooLong) => {
                    return Err(Trouble::Broken("the value is longer than maxValueBytes".to_owned()));
                }
            }
            let mut part = [0; 16 * 1024];
            match self.stream.read(&mut part)? {
                0 => return Err(closed()),
                count => self.read.extend_from_slice(&part[..count]),
            }
        }
    }
}

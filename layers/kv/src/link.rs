//! One connection to Redis: opened, introduced, and asked one command at a time, each with a deadline.

use crate::resp::{self, Garbage, Reply};
use handlers_sdk::Secret;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// The address of Redis, and the user that asks it.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// The address as `host:port`.
    pub(crate) address: String,
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

/// A connection. After a trouble it is of no use: a reply may still be on its way.
#[derive(Debug)]
pub(crate) struct Link {
    stream: TcpStream,
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
                Ok(stream) => {
                    stream.set_nodelay(true)?;
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
    pub(crate) fn is_open(&self) -> bool {
        if self.used_at.elapsed() > LONGEST_IDLE || self.stream.set_nonblocking(true).is_err() {
            return false;
        }
        let peeked = self.stream.peek(&mut [0]);
        let is_silent = peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        is_silent && self.stream.set_nonblocking(false).is_ok()
    }

    /// Sends a command and waits for its reply, which has at most `most` bytes.
    pub(crate) fn exchange(&mut self, command: &[u8], most: usize, deadline: Instant) -> Result<Reply, Trouble> {
        let mut rest = command;
        while !rest.is_empty() {
            self.stream.set_write_timeout(Some(left(deadline)?))?;
            match self.stream.write(rest) {
                Ok(0) => return Err(closed()),
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
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
            self.stream.set_read_timeout(Some(left(deadline)?))?;
            let mut part = [0; 16 * 1024];
            match self.stream.read(&mut part) {
                Ok(0) => return Err(closed()),
                Ok(count) => self.read.extend_from_slice(&part[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

//! The socket that connections come from: bound before the start, served after it.

use super::Server;
use super::link::Link;
use super::socket::Socket;
use super::startup_listener::Pending;
use crate::{runtime_files, sys};
use faas_core::log::Level;
use faas_core::order;
use faas_core::platform::Listen;
use std::fs::Permissions;
use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

/// The number of connections that may wait while the start runs or all threads are busy.
const BACKLOG: u16 = 4096;
/// The time until the next try when there are no descriptors left.
const PAUSE: Duration = Duration::from_millis(100);
/// The number of idle connections of which one is closed when there is no room for a new one. So a flood of new ones
/// does not look through all of them each time.
const MAKE_ROOM: usize = 32;
/// The time in nanoseconds for which a connection is fresh after it was made or had its last request.
const FRESH_NS: u64 = 250_000_000;
/// The least time between two lines about connections that cannot be kept, in nanoseconds.
const STALL_LINES_NS: u64 = 60_000_000_000;
/// The text before the name of a Unix socket under which it is bound first. Nobody knows that name.
const HIDDEN: &str = "phony";

/// A socket that listens: the system takes connections and lets them wait.
#[derive(Debug)]
pub(super) enum Listener {
    /// The server listens at a port.
    Tcp(TcpListener),
    /// A Unix socket, and the two names that lead to it.
    Unix(UnixListener, Names),
}

/// The two names of a Unix socket; both are removed with the listener.
#[derive(Debug)]
pub(super) struct Names {
    /// The name that the platform knows: a symbolic link, which is there when the process serves.
    known: PathBuf,
    /// The name that the socket is bound to.
    bound: PathBuf,
}

impl Drop for Names {
    fn drop(&mut self) {
        runtime_files::remove(&self.known);
        runtime_files::remove(&self.bound);
    }
}

/// Begins to listen.
///
/// # Errors
/// The message names the place.
pub(super) fn bind(place: Listen<'_>) -> Result<Listener, String> {
    let listener = match place {
        Listen::Tcp(address) => tcp(address),
        Listen::Unix(path) => unix(Path::new(path)),
    };
    listener.map_err(|error| format!("cannot listen on {place}: {error}"))
}

fn tcp(address: &str) -> io::Result<Listener> {
    // On unix std sets SO_REUSEADDR.
    let listener = TcpListener::bind(address)?;
    sys::set_backlog(&listener, BACKLOG);
    listener.set_nonblocking(true)?;
    Ok(Listener::Tcp(listener))
}

fn unix(path: &Path) -> io::Result<Listener> {
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
    let mut hidden = std::ffi::OsString::from(HIDDEN);
    hidden.push(name);
    let names = Names { known: path.to_owned(), bound: path.with_file_name(hidden) };
    for stale in [&names.known, &names.bound] {
        // A file here is of a process that was killed. If it cannot be removed, the call below fails and says so.
        let _ = std::fs::remove_file(stale);
    }
    let listener = UnixListener::bind(&names.bound)?;
    runtime_files::add(&names.bound);
    sys::set_backlog(&listener, BACKLOG);
    listener.set_nonblocking(true)?;
    // The platform's process may be another user's.
    std::fs::set_permissions(&names.bound, Permissions::from_mode(0o666))?;
    Ok(Listener::Unix(listener, names))
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Listener::Tcp(listener) => listener.as_raw_fd(),
            Listener::Unix(listener, _) => listener.as_raw_fd(),
        }
    }
}

impl Listener {
    /// Returns the next connection that waits, and the address of its other side, which is empty over a Unix socket.
    ///
    /// # Errors
    /// No connection waits, or the system has no room.
    pub(super) fn accept(&self) -> io::Result<(Socket, Box<str>)> {
        match self {
            Listener::Tcp(listener) => {
                let (socket, address) = listener.accept()?;
                Ok((Socket::Tcp(socket), address.ip().to_canonical().to_string().into()))
            }
            Listener::Unix(listener, _) => Ok((Socket::Unix(listener.accept()?.0), Box::default())),
        }
    }

    /// Returns the place where it listens, in the words of the log.
    pub(super) fn place(&self) -> String {
        match self {
            Listener::Tcp(listener) => {
                listener.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string())
            }
            Listener::Unix(_, names) => Listen::Unix(&names.known.to_string_lossy()).to_string(),
        }
    }

    /// Makes the name that the platform waits for: a client that sees it may connect, and is served.
    ///
    /// # Errors
    /// The message names the place.
    pub(super) fn announce(&self) -> Result<(), String> {
        let Listener::Unix(_, Names { known, bound }) = self else { return Ok(()) };
        let target = bound.file_name().unwrap_or_default();
        symlink(target, known).map_err(|error| format!("cannot make the link {}: {error}", known.display()))?;
        runtime_files::add(known);
        Ok(())
    }
}

impl Server {
    /// Accepts all connections that are waiting.
    pub(super) fn accept(&self) {
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(listener) = &*listener else { return };
        loop {
            if self.table.len() + self.http2_peers.len() >= self.config.max_connections && !self.make_room() {
                return self.stall("as many connections as FAAS_MAX_CONNECTIONS allows are busy");
            }
            match listener.accept() {
                Ok((socket, peer)) => {
                    if socket.prepare().is_ok() {
                        self.welcome(Pending::new(socket, peer));
                    }
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return,
                    // The client left before its turn.
                    ErrorKind::Interrupted | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset => {}
                    // No descriptors are left: an idle connection makes room.
                    _ if self.make_room() => self.say_stalled(&error.to_string()),
                    _ => return self.stall(&error.to_string()),
                },
            }
        }
    }

    pub(super) fn welcome(&self, pending: Pending) {
        let Pending { socket, peer, reader, brought, .. } = pending;
        let link = self.table.add(|token| {
            let link = Link::new(token, socket, peer, self.new_connection(reader));
            if let Some(brought) = brought {
                let mut state = link.lock();
                state.connection.occupy();
                state.brought = Some(Box::new(brought));
            }
            link
        });
        self.arm(&link, &mut link.lock());
        if let Err(error) = self.epoll.add(&link.socket, link.token) {
            let mut state = link.lock();
            let step = state.connection.end_of_input();
            self.carry_out::<()>(&link, step);
            drop(state);
            self.stall(&error.to_string());
        }
    }

    /// Closes some of the connections that no thread works for, those that have done nothing for the longest time.
    /// Returns `false` if there are no such connections yet, or if they take a moment to close, for which the next one
    /// waits. A connection that has come just now is about to send a request, and stays.
    fn make_room(&self) -> bool {
        let now = self.runtime.process().now_ns();
        let mut idle: Vec<_> = Vec::new();
        for link in self.table.all() {
            let Some(state) = link.try_lock() else { continue };
            let is_idle = !state.claimed && state.connection.is_dispensable() && !state.connection.owes();
            let active_at = state.connection.active_at();
            let is_fresh = now.saturating_sub(active_at) < FRESH_NS;
            let key = (!state.connection.is_idle(), active_at);
            drop(state);
            self.let_go(&link);
            if is_idle && !is_fresh {
                idle.push((key, link));
            }
        }
        let count = idle.len().div_ceil(MAKE_ROOM);
        order::sort(&mut idle, |(a, _), (b, _)| a < b);
        if idle.is_empty() {
            self.http2_peers.make_room(MAKE_ROOM, Duration::from_nanos(FRESH_NS));
        }
        idle.truncate(count);
        let mut closed = false;
        for (_, link) in idle {
            let mut state = link.lock();
            if state.claimed || state.connection.is_closed() {
                drop(state);
                self.let_go(&link);
                continue;
            }
            let step = state.connection.end_of_input();
            self.carry_out::<()>(&link, step);
            closed = true;
        }
        closed
    }

    /// Writes a line that no connection can be accepted, at most one a minute: others wait in the backlog until
    /// connections close.
    pub(super) fn say_stalled(&self, why: &str) {
        let now = self.runtime.process().now_ns();
        let said = self.stall_said_at.load(SeqCst);
        if (said == 0 || now.saturating_sub(said) > STALL_LINES_NS)
            && self.stall_said_at.compare_exchange(said, now, SeqCst, SeqCst).is_ok()
        {
            let message = format!("connections cannot all be kept ({why}); idle ones are closed for new ones");
            self.runtime.process().log.say(Level::Warn, &message);
        }
    }

    /// Notes that no connection can be accepted for now.
    fn stall(&self, why: &str) {
        self.say_stalled(why);
        self.stalled.store(true, SeqCst);
        self.timers.at(self.timers.after(PAUSE));
    }

    /// Tries again after a stall.
    pub(super) fn accept_again(&self) {
        if self.stalled.swap(false, SeqCst) {
            self.accept();
        }
    }

    /// Closes the listener: from now on the system refuses new connections.
    pub(super) fn close_listener(&self) {
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("faas-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_unix_socket_gets_its_name_when_it_is_announced_and_loses_both_at_the_end() {
        let folder = folder("listening");
        let path = folder.join("lsnr.sock");
        let hidden = folder.join("phonylsnr.sock");
        for stale in [&path, &hidden] {
            std::fs::write(stale, "of a process that was killed").unwrap();
        }
        let text = path.to_str().unwrap().to_owned();
        let listener = bind(Listen::Unix(&text)).unwrap();
        assert!(path.symlink_metadata().is_err(), "nobody may connect before it is announced");
        assert_eq!(hidden.metadata().unwrap().permissions().mode() & 0o777, 0o666);
        assert_eq!(listener.place(), format!("unix:{text}"));
        listener.announce().unwrap();
        assert_eq!(
            std::fs::read_link(&path).unwrap(),
            Path::new("phonylsnr.sock"),
            "the folder may be mounted elsewhere"
        );
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(b"x").unwrap();
        assert!(sys::wait_readable(&listener, Duration::from_secs(60)));
        let (socket, peer) = listener.accept().unwrap();
        let mut byte = [0];
        assert!(sys::wait_readable(&socket, Duration::from_secs(60)));
        assert_eq!(((&socket).read(&mut byte).unwrap(), byte, &*peer), (1, *b"x", ""));
        drop(listener);
        assert!(path.symlink_metadata().is_err() && hidden.symlink_metadata().is_err());
        std::fs::remove_dir(&folder).unwrap();
    }

    #[test]
    fn what_stands_in_the_way_is_said() {
        let folder = folder("in-the-way");
        let path = folder.join("lsnr.sock");
        std::fs::create_dir(&path).unwrap();
        let text = path.to_str().unwrap();
        let listener = bind(Listen::Unix(text)).unwrap();
        let error = listener.announce().unwrap_err();
        assert!(error.starts_with(&format!("cannot make the link {text}: ")), "{error}");
        drop(listener);
        std::fs::remove_dir_all(&folder).unwrap();
        let error = bind(Listen::Unix(text)).unwrap_err();
        assert!(error.starts_with(&format!("cannot listen on unix:{text}: ")), "{error}");
    }
}

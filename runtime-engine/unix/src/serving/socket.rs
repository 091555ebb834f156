//! One end of a connection that came over TCP or over a Unix socket: they differ in how they are told apart from others
//! and how they break, and in nothing else.

use crate::sys;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

/// The server's end of a connection.
#[derive(Debug)]
pub(super) enum Socket {
    /// The connection came to a port.
    Tcp(TcpStream),
    /// The connection came to a path.
    Unix(UnixStream),
}

impl Socket {
    /// Sets the socket so that no call blocks.
    ///
    /// # Errors
    /// The connection is gone.
    pub(super) fn prepare(&self) -> io::Result<()> {
        match self {
            // Responses are written whole; waiting for more would only delay their last packet.
            Socket::Tcp(socket) => socket.set_nonblocking(true).and_then(|()| socket.set_nodelay(true)),
            Socket::Unix(socket) => socket.set_nonblocking(true),
        }
    }

    /// Copies bytes that have come into `room`, and leaves them to be read.
    ///
    /// # Errors
    /// No bytes have come, or the connection is gone.
    pub(super) fn peek(&self, room: &mut [u8]) -> io::Result<usize> {
        sys::peek(self, room)
    }

    /// Ends one direction or both.
    pub(super) fn shutdown(&self, how: Shutdown) {
        // A connection that is gone has ended.
        let _ = match self {
            Socket::Tcp(socket) => socket.shutdown(how),
            Socket::Unix(socket) => socket.shutdown(how),
        };
    }

    /// Breaks the connection, so that the other side sees that something is missing, as far as the system can tell it.
    /// A Unix socket knows no reset, only an end before the end of the response.
    pub(super) fn abort(&self) {
        match self {
            Socket::Tcp(socket) => sys::reset(socket),
            Socket::Unix(_) => self.shutdown(Shutdown::Both),
        }
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Socket::Tcp(socket) => socket.as_raw_fd(),
            Socket::Unix(socket) => socket.as_raw_fd(),
        }
    }
}

impl Read for &Socket {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(socket) => (&*socket).read(room),
            Socket::Unix(socket) => (&*socket).read(room),
        }
    }
}

impl Write for &Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(socket) => (&*socket).write(bytes),
            Socket::Unix(socket) => (&*socket).write(bytes),
        }
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Socket::Tcp(socket) => (&*socket).write_vectored(slices),
            Socket::Unix(socket) => (&*socket).write_vectored(slices),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io::ErrorKind;
    use std::net::TcpListener;

    /// Returns a client, and the server's end, which does not block.
    pub(in crate::serving) fn tcp() -> (TcpStream, Socket) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let server = Socket::Tcp(listener.accept().unwrap().0);
        server.prepare().unwrap();
        (client, server)
    }

    fn unix() -> (UnixStream, Socket) {
        let (client, server) = UnixStream::pair().unwrap();
        let server = Socket::Unix(server);
        server.prepare().unwrap();
        (client, server)
    }

    fn speaks(mut client: impl Read + Write, server: &Socket) {
        let mut room = [0; 16];
        assert_eq!(server.peek(&mut room).unwrap_err().kind(), ErrorKind::WouldBlock);
        client.write_all(b"hello").unwrap();
        assert!(sys::wait_readable(server, std::time::Duration::from_secs(60)));
        assert_eq!(server.peek(&mut room).unwrap(), 5);
        assert_eq!((&*server).read(&mut room).unwrap(), 5, "what was looked at is still there");
        assert_eq!(&room[..5], b"hello");
        let slices = [IoSlice::new(b"to "), IoSlice::new(b"you")];
        assert_eq!((&*server).write_vectored(&slices).unwrap(), 6);
        assert_eq!((&*server).write(b"!").unwrap(), 1);
        server.shutdown(Shutdown::Write);
        let mut all = String::new();
        client.read_to_string(&mut all).unwrap();
        assert_eq!(all, "to you!");
    }

    #[test]
    fn both_kinds_speak_alike() {
        let (client, server) = tcp();
        speaks(client, &server);
        let (client, server) = unix();
        speaks(client, &server);
    }

    #[test]
    fn an_abort_is_a_reset_over_tcp_and_an_end_over_a_unix_socket() {
        let (mut client, server) = tcp();
        server.abort();
        assert_eq!(client.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
        let (mut client, server) = unix();
        server.abort();
        assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
    }
}

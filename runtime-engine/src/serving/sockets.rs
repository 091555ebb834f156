//! Where connections come from and what they are made of: TCP or a Unix socket, the same to HTTP/1.

use crate::traces;
use faas_core::platform::Listen;
use std::fs::Permissions;
use std::io::{self, ErrorKind, IoSlice};
use std::net::ToSocketAddrs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream, tcp, unix};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// What connections are accepted from.
#[derive(Debug)]
pub(super) enum Door {
    Tcp(TcpListener),
    Unix(UnixDoor),
}

/// A listening Unix socket and the name that clients know it by.
#[derive(Debug)]
pub(super) struct UnixDoor {
    listener: UnixListener,
    /// Where the socket is bound.
    hidden: PathBuf,
    /// Where clients look for it.
    shown: PathBuf,
}

/// An accepted connection that belongs to no event loop yet.
#[derive(Debug)]
pub(super) enum Accepted {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

impl Door {
    /// Listens. A Unix socket is not shown yet.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn open(at: Listen<'_>) -> io::Result<Door> {
        match at {
            Listen::Tcp(endpoint) => listen(endpoint).map(Door::Tcp),
            Listen::Unix(path) => UnixDoor::open(Path::new(path)).map(Door::Unix),
        }
    }

    /// From here on, whoever looks for it finds it.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn show(&self) -> io::Result<()> {
        match self {
            Door::Tcp(_) => Ok(()),
            Door::Unix(door) => door.show(),
        }
    }

    /// The next connection, and its other end's address without the port; empty where there is none.
    ///
    /// # Errors
    /// The system's.
    pub(super) async fn accept(&self) -> io::Result<(Accepted, String)> {
        // Out of this loop's hands, so that any loop may have it.
        match self {
            Door::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Accepted::Tcp(stream.into_std()?), peer.ip().to_string()))
            }
            Door::Unix(door) => {
                let (stream, _) = door.listener.accept().await?;
                Ok((Accepted::Unix(stream.into_std()?), String::new()))
            }
        }
    }

    /// The place in words, with the port that the system chose where none was asked for.
    pub(super) fn place(&self, asked: Listen<'_>) -> String {
        match self {
            Door::Tcp(listener) => match listener.local_addr() {
                Ok(address) => format!("http://{address}"),
                Err(_) => asked.to_string(),
            },
            Door::Unix(_) => asked.to_string(),
        }
    }
}

/// Listens on the first address of `host:port` that can be had.
///
/// # Errors
/// The system's, of the last one.
pub(super) fn listen(endpoint: &str) -> io::Result<TcpListener> {
    let mut last = io::Error::new(ErrorKind::NotFound, "no such address");
    for address in endpoint.to_socket_addrs()? {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        match socket.bind(address).and_then(|()| socket.listen(BACKLOG)) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl UnixDoor {
    /// Whoever waits for a socket to appear connects as soon as it does, and wants a listener with the rights it needs:
    /// the socket is made under another name, and gets its own once all that is done.
    fn open(shown: &Path) -> io::Result<UnixDoor> {
        let name = shown.file_name().ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "it names no file"))?;
        let mut hidden = std::ffi::OsString::from("phony");
        hidden.push(name);
        let hidden = shown.with_file_name(hidden);
        for stale in [shown, hidden.as_path()] {
            match std::fs::remove_file(stale) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let listener = UnixListener::bind(&hidden)?;
        traces::add(&hidden);
        std::fs::set_permissions(&hidden, Permissions::from_mode(0o666))?;
        Ok(UnixDoor { listener, hidden, shown: shown.to_owned() })
    }

    fn show(&self) -> io::Result<()> {
        let target = self.hidden.file_name().unwrap_or_default();
        symlink(target, &self.shown)?;
        traces::add(&self.shown);
        Ok(())
    }
}

/// The reading half of a connection.
#[derive(Debug)]
pub(super) enum ReadHalf {
    Tcp(tcp::OwnedReadHalf),
    Unix(unix::OwnedReadHalf),
}

/// The writing half of a connection.
#[derive(Debug)]
pub(super) enum WriteHalf {
    Tcp(tcp::OwnedWriteHalf),
    Unix(unix::OwnedWriteHalf),
}

/// Both halves of a TCP connection.
pub(super) fn tcp_halves(stream: TcpStream) -> (ReadHalf, WriteHalf) {
    let (read, write) = stream.into_split();
    (ReadHalf::Tcp(read), WriteHalf::Tcp(write))
}

/// Both halves of a connection over a Unix socket.
pub(super) fn unix_halves(stream: UnixStream) -> (ReadHalf, WriteHalf) {
    let (read, write) = stream.into_split();
    (ReadHalf::Unix(read), WriteHalf::Unix(write))
}

impl ReadHalf {
    pub(super) async fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            ReadHalf::Tcp(half) => half.read(into).await,
            ReadHalf::Unix(half) => half.read(into).await,
        }
    }
}

impl WriteHalf {
    pub(super) fn try_write_vectored(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            WriteHalf::Tcp(half) => half.try_write_vectored(parts),
            WriteHalf::Unix(half) => half.try_write_vectored(parts),
        }
    }

    pub(super) async fn writable(&self) -> io::Result<()> {
        match self {
            WriteHalf::Tcp(half) => half.writable().await,
            WriteHalf::Unix(half) => half.writable().await,
        }
    }

    pub(super) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            WriteHalf::Tcp(half) => half.write_all(bytes).await,
            WriteHalf::Unix(half) => half.write_all(bytes).await,
        }
    }

    pub(super) async fn shutdown(&mut self) -> io::Result<()> {
        match self {
            WriteHalf::Tcp(half) => half.shutdown().await,
            WriteHalf::Unix(half) => half.shutdown().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileTypeExt;

    /// A folder of this test's own.
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("engine-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        folder
    }

    fn on_tokio(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
    }

    #[test]
    fn a_unix_socket_appears_under_its_name_once_everybody_may_connect() {
        on_tokio(async {
            let folder = folder("socket");
            let (shown, hidden) = (folder.join("fn.sock"), folder.join("phonyfn.sock"));
            // What a process that was killed leaves behind.
            std::fs::write(&hidden, "").unwrap();
            symlink("phonyfn.sock", &shown).unwrap();
            let door = Door::open(Listen::Unix(shown.to_str().unwrap())).unwrap();
            assert!(shown.symlink_metadata().is_err(), "it is not shown yet");
            let metadata = hidden.metadata().unwrap();
            assert!(metadata.file_type().is_socket());
            assert_eq!(metadata.permissions().mode() & 0o777, 0o666);
            door.show().unwrap();
            assert_eq!(std::fs::read_link(&shown).unwrap(), Path::new("phonyfn.sock"));
            let _client = std::os::unix::net::UnixStream::connect(&shown).unwrap();
            let (accepted, peer) = door.accept().await.unwrap();
            assert!(matches!(accepted, Accepted::Unix(_)) && peer.is_empty());
            traces::remove(&shown);
            traces::remove(&hidden);
            std::fs::remove_dir(&folder).unwrap();
        });
    }

    #[test]
    fn a_unix_socket_needs_a_folder_and_a_name() {
        on_tokio(async {
            assert!(Door::open(Listen::Unix("/no-such-folder/fn.sock")).is_err());
            assert!(Door::open(Listen::Unix("/")).is_err());
        });
    }

    #[test]
    fn the_place_names_the_port_that_was_chosen() {
        on_tokio(async {
            let asked = Listen::Tcp("127.0.0.1:0");
            let place = Door::open(asked).unwrap().place(asked);
            assert!(place.starts_with("http://127.0.0.1:") && !place.ends_with(":0"), "{place}");
        });
    }
}

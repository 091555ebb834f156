//! The listening socket of a control plane on a thread of its own: it accepts, refuses for a while, listens on the same
//! port again, and ends. What a connection says is not decided here.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::thread::JoinHandle;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};

/// The number of connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// A command for the thread that accepts.
pub(crate) enum Command {
    /// The listening socket is to be closed: connections are refused from the acknowledgement on.
    Refuse(oneshot::Sender<()>),
    /// The server is to listen on the same port again.
    Listen(oneshot::Sender<io::Result<()>>),
    /// The server is to end.
    Stop,
}

/// The step after a connection that has been accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The next one is accepted.
    Accept,
    /// The listening socket is closed.
    Refuse,
}

/// Starts a server on a free loopback port, and `beside` on its thread. `connected` takes each connection, with the
/// server's address.
pub(crate) fn start(
    name: &str,
    commands: mpsc::UnboundedReceiver<Command>,
    beside: impl Future<Output = ()> + Send + 'static,
    connected: impl FnMut(TcpStream, SocketAddr) -> Next + Send + 'static,
) -> io::Result<(SocketAddr, JoinHandle<()>)> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _entered = runtime.enter();
        TcpListener::from_std(listener)?
    };
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        runtime.spawn(beside);
        runtime.block_on(accept_all(listener, address, commands, connected));
        // Ends every connection, parked or not.
        runtime.shutdown_background();
    })?;
    Ok((address, thread))
}

async fn accept_all(
    listener: TcpListener,
    address: SocketAddr,
    mut commands: mpsc::UnboundedReceiver<Command>,
    mut connected: impl FnMut(TcpStream, SocketAddr) -> Next,
) {
    let mut listener = Some(listener);
    loop {
        tokio::select! {
            command = commands.recv() => match command {
                None | Some(Command::Stop) => return,
                Some(Command::Refuse(done)) => {
                    listener = None;
                    // Whoever asked may have stopped waiting.
                    let _ = done.send(());
                }
                Some(Command::Listen(done)) => {
                    let result = match listener {
                        Some(_) => Ok(()),
                        None => listen(address).map(|again| listener = Some(again)),
                    };
                    let _ = done.send(result);
                }
            },
            stream = accept(listener.as_ref()) => {
                if connected(stream, address) == Next::Refuse {
                    listener = None;
                }
            }
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        // An accept fails for one connection that is gone again, or when descriptors run out; either way the next may
        // succeed.
        if let Ok((stream, _)) = listener.accept().await {
            return stream;
        }
        tokio::task::yield_now().await;
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

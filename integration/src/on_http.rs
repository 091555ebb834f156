//! A runtime that serves plain HTTP on a port of its own.

use crate::artifacts::Runtime;
use crate::client::{Client, Reply};
use crate::deployment::Deployment;
use crate::listening::is_listened_on;
use crate::wait;
use platform_emulators::process::{Process, Signal};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicU32, Ordering};

/// A runtime that was started with a function.
pub struct OnHttp {
    /// The process of the runtime.
    pub process: Process,
    /// The address at which it listens.
    pub address: SocketAddr,
    /// The task root of the function.
    pub deployment: Deployment,
}

/// Returns a port that nobody listens on. It lies below those that the kernel gives to outgoing connections, one of
/// which would sooner or later take it between here and the runtime's own bind.
///
/// # Panics
/// No port is free.
pub fn free_port() -> u16 {
    const FIRST: u32 = 10_000;
    static LAST: AtomicU32 = AtomicU32::new(0);
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let ephemeral = range.split_whitespace().next().and_then(|low| low.parse().ok()).unwrap_or(32_768);
    let count = u32::max(ephemeral, FIRST + 1000) - FIRST;
    // Test binaries that run at the same time begin in different places.
    let start = std::process::id().wrapping_mul(577);
    let next = || LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(start) % count + FIRST;
    let mut ports = (0..count).filter_map(|_| u16::try_from(next()).ok());
    let free = ports.find(|port| !is_listened_on(*port));
    free.expect("there is a free port")
}

/// Returns the command of a runtime on plain HTTP: nothing of the caller's environment but `PATH`.
pub fn command(runtime: &Runtime, deployment: &Deployment, handler: &str, port: u16) -> Command {
    let mut command = deployment.command(runtime);
    let own = deployment.variables();
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command.env("PORT", port.to_string()).env("FAAS_HOST", "127.0.0.1").env("FAAS_HANDLER", handler);
    command.env("FAAS_ROOT", deployment.root()).envs(own).stdin(std::process::Stdio::null());
    command
}

impl OnHttp {
    /// Starts the runtime and does not wait for anything.
    ///
    /// # Panics
    /// The program cannot be started.
    pub fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
        let port = free_port();
        let process = Process::spawn(command(runtime, &deployment, handler, port), |_| ()).expect("the runtime starts");
        OnHttp { process, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), deployment }
    }

    /// Starts the runtime as an argument of `wrapper`, a program that becomes it, such as `prlimit`, and waits until it is
    /// ready.
    ///
    /// # Panics
    /// It does not become ready. The message has its output.
    pub fn start_under(wrapper: &[&str], runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
        let port = free_port();
        let own = command(runtime, &deployment, handler, port);
        let mut command = Command::new(wrapper[0]);
        command.args(&wrapper[1..]).arg(own.get_program()).current_dir(deployment.root()).env_clear();
        command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.stdin(std::process::Stdio::null());
        let process = Process::spawn(command, |_| ()).expect("the wrapper starts");
        OnHttp { process, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), deployment }.ready()
    }

    /// Starts the runtime and waits until it is ready.
    ///
    /// # Panics
    /// It does not become ready. The message has its output.
    pub fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
        OnHttp::launch(runtime, deployment, handler).ready()
    }

    /// Waits until the readiness probe says that the runtime is ready.
    ///
    /// # Panics
    /// It does not become ready. The message has its output.
    pub fn ready(self) -> OnHttp {
        let ready = wait::until("readiness is 200", &self.process, || {
            (self.try_get("/readyz").is_ok_and(|reply| reply.status == 200)).then_some(())
        });
        if let Err(why) = ready {
            panic!("{why}");
        }
        self
    }

    /// Returns a connection.
    ///
    /// # Panics
    /// It is refused.
    pub fn client(&self) -> Client {
        Client::connect(self.address)
            .unwrap_or_else(|error| panic!("{}: {error}; output:\n{}", self.address, self.process.output()))
    }

    /// Returns a connection for bytes that are not HTTP/1.1.
    ///
    /// # Panics
    /// It is refused.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address);
        let stream = stream.unwrap_or_else(|error| panic!("{error}; output:\n{}", self.process.output()));
        stream.set_read_timeout(Some(wait::limit())).expect("a limit can be set");
        stream
    }

    /// Sends a GET on a connection of its own.
    ///
    /// # Errors
    /// There is no connection, or no reply.
    pub fn try_get(&self, target: &str) -> std::io::Result<Reply> {
        Client::connect(self.address)?.call("GET", target, "Connection: close\r\n", b"")
    }

    /// Sends a GET on a connection of its own.
    ///
    /// # Panics
    /// There is no reply.
    pub fn get(&self, target: &str) -> Reply {
        self.call("GET", target, "", b"")
    }

    /// Sends a request on a connection of its own.
    ///
    /// # Panics
    /// There is no reply.
    pub fn call(&self, method: &str, target: &str, headers: &str, body: &[u8]) -> Reply {
        let reply = self.client().call(method, target, headers, body);
        reply.unwrap_or_else(|error| panic!("{method} {target}: {error}; output:\n{}", self.process.output()))
    }

    /// Sends the same request on `count` connections at once, and reads the replies once all are sent.
    ///
    /// # Panics
    /// A reply does not come.
    pub fn at_once(&self, count: usize, method: &str, target: &str, body: &[u8]) -> Vec<Reply> {
        let mut clients: Vec<_> = (0..count).map(|_| self.client()).collect();
        for client in &mut clients {
            client.request(method, target, "", body).expect("it is open");
        }
        let read = |client: &mut Client| {
            let reply = client.read();
            reply.unwrap_or_else(|error| panic!("{method} {target}: {error}; output:\n{}", self.process.output()))
        };
        clients.iter_mut().map(read).collect()
    }

    /// Asks it to leave and returns its exit.
    ///
    /// # Panics
    /// It does not leave. The message has its output.
    pub fn stop(&self) -> ExitStatus {
        self.process.signal(Signal::Term).expect("the signal is sent");
        self.process.wait(wait::limit()).expect("SIGTERM ends it")
    }
}

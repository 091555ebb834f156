//! A runtime that serves plain HTTP on a port of its own.

use crate::artifacts::Runtime;
use crate::client::{Client, Reply};
use crate::deployment::Deployment;
use crate::wait;
use platform_emulators::ports::free_port;
use platform_emulators::process::{Process, Signal};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, ExitStatus};

/// A runtime that was started with a function.
pub struct OnHttp {
    /// The process of the runtime.
    pub process: Process,
    /// The address at which it listens.
    pub address: SocketAddr,
    /// The task root of the function.
    pub deployment: Deployment,
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

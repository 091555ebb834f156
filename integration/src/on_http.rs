//! A runtime that serves plain HTTP on a port of its own.

use crate::artifacts::Runtime;
use crate::client::{Client, Reply};
use crate::deployment::Deployment;
use crate::wait;
use platform_emulators::process::{Process, Signal};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Command, ExitStatus};

/// A runtime that was started with a function.
pub struct OnHttp {
    /// The runtime.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its task root.
    pub deployment: Deployment,
}

/// A port that nobody listens on at this moment.
///
/// # Panics
/// If there is none.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    listener.local_addr().expect("it has an address").port()
}

/// The command of a runtime on plain HTTP: nothing of the caller's environment but `PATH`.
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
    /// Starts it and does not wait for anything. Should another program take the port first, the runtime says so and
    /// ends; see [`OnHttp::start`].
    ///
    /// # Panics
    /// If the program cannot be started.
    pub fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
        let port = free_port();
        let process = Process::spawn(command(runtime, &deployment, handler, port), |_| ()).expect("the runtime starts");
        OnHttp { process, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), deployment }
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// With its output, if it does not become ready.
    pub fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
        OnHttp::launch(runtime, deployment, handler).ready()
    }

    /// Waits until the readiness probe says so.
    ///
    /// # Panics
    /// With its output, if it does not become ready.
    pub fn ready(self) -> OnHttp {
        let ready = wait::until("readiness is 200", &self.process, || {
            (self.try_get("/readyz").is_ok_and(|reply| reply.status == 200)).then_some(())
        });
        if let Err(why) = ready {
            panic!("{why}");
        }
        self
    }

    /// A connection.
    ///
    /// # Panics
    /// If it is refused.
    pub fn client(&self) -> Client {
        Client::connect(self.address)
            .unwrap_or_else(|error| panic!("{}: {error}; output:\n{}", self.address, self.process.output()))
    }

    /// A GET on a connection of its own.
    ///
    /// # Errors
    /// No connection, or no reply.
    pub fn try_get(&self, target: &str) -> std::io::Result<Reply> {
        Client::connect(self.address)?.call("GET", target, "Connection: close\r\n", b"")
    }

    /// A GET on a connection of its own.
    ///
    /// # Panics
    /// If there is no reply.
    pub fn get(&self, target: &str) -> Reply {
        self.call("GET", target, "", b"")
    }

    /// An exchange on a connection of its own.
    ///
    /// # Panics
    /// If there is no reply.
    pub fn call(&self, method: &str, target: &str, headers: &str, body: &[u8]) -> Reply {
        let reply = self.client().call(method, target, headers, body);
        reply.unwrap_or_else(|error| panic!("{method} {target}: {error}; output:\n{}", self.process.output()))
    }

    /// Asks it to leave and returns its exit.
    ///
    /// # Panics
    /// With its output, if it does not leave.
    pub fn stop(&self) -> ExitStatus {
        self.process.signal(Signal::Term).expect("the signal is sent");
        self.process.wait(wait::limit()).expect("SIGTERM ends it")
    }
}

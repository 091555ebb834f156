//! A container that gets requests as they are: of plain HTTP, a pod of Kubernetes, a replica of Azure Container Apps.
//! They differ in the variables that the container finds.
//!
//! Source: the documentation of Kubernetes on the environment of containers, and that of Azure Container Apps on
//! environment variables.

use crate::cloudevents::Request;
use crate::process::{Process, alone};
use crate::wire::{Answer, Framing, Wire};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The pod's name.
pub const POD: &str = "shop-5d8f7c-x2k7q";

/// The variables that every container of a cluster finds.
pub const KUBERNETES: &[(&str, &str)] = &[
    ("KUBERNETES_SERVICE_HOST", "10.96.0.1"),
    ("KUBERNETES_SERVICE_PORT", "443"),
    ("KUBERNETES_SERVICE_PORT_HTTPS", "443"),
    ("KUBERNETES_PORT", "tcp://10.96.0.1:443"),
    ("HOSTNAME", POD),
];

/// The variables that every container of a container app finds. The cluster below shows through.
pub const CONTAINER_APPS: &[(&str, &str)] = &[
    ("CONTAINER_APP_NAME", "shop"),
    ("CONTAINER_APP_REVISION", "shop--20mh1s9"),
    ("CONTAINER_APP_REPLICA_NAME", "shop--20mh1s9-86c8c4b497-zx9bq"),
    ("CONTAINER_APP_HOSTNAME", "shop--20mh1s9.calm-sea-1.westeurope.azurecontainerapps.io"),
    ("CONTAINER_APP_ENV_DNS_SUFFIX", "calm-sea-1.westeurope.azurecontainerapps.io"),
    ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
    ("HOSTNAME", "shop--20mh1s9-86c8c4b497-zx9bq"),
];

/// A container.
pub struct Container {
    process: Process,
    port: u16,
    patience: Duration,
}

impl Container {
    /// Starts the container: nothing of the caller's environment but `PATH`, then these variables and `PORT`, over
    /// which the command's own variables go. `patience` is how long its start and each of its answers may take.
    ///
    /// # Errors
    /// The program cannot be started, for the reason that the system gives.
    pub fn spawn(
        mut command: Command,
        variables: &[(&str, &str)],
        port: u16,
        patience: Duration,
    ) -> io::Result<Container> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        alone(&mut command, variables.chain([("PORT".to_owned(), port.to_string())]));
        command.stdin(Stdio::null());
        Ok(Container { process: Process::spawn(command, |_| ())?, port, patience })
    }

    /// Asks the readiness probe of this path until it says 200.
    ///
    /// # Errors
    /// It has ended, or takes too long; with its output.
    pub fn ready(&self, path: &str) -> Result<(), String> {
        let end = Instant::now() + self.patience;
        let probe = Request::new("GET", path, &[], Vec::new());
        while !self.call(&probe).is_ok_and(|answer| answer.status == 200) {
            let is_late = Instant::now() > end;
            if is_late || self.process.status().is_some() {
                // The last lines of one that has ended may still be on their way.
                let ended = self.process.wait(Duration::from_secs(1));
                let how = ended.map_or_else(
                    |_| format!("it was not ready after {} s", self.patience.as_secs()),
                    |status| format!("ended before it was ready: {status}"),
                );
                return Err(format!("{how}\n{}", self.process.output()));
            }
            // The error is the ordinary case: it still runs.
            drop(self.process.wait(Duration::from_millis(1)));
        }
        Ok(())
    }

    /// Sends a request on a connection of its own and waits for the answer.
    ///
    /// # Errors
    /// The bytes that came are no answer.
    pub fn call(&self, request: &Request) -> io::Result<Answer> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.patience))?;
        let mut headers = vec![("Host".to_owned(), address.to_string()), ("Connection".to_owned(), "close".to_owned())];
        headers.extend(request.headers.iter().cloned());
        let mut wire = Wire::new(stream);
        wire.send(&request.method, &request.target, &headers, &request.body, Framing::Length)?;
        wire.receive(&request.method)
    }

    /// Returns the container's process.
    pub fn process(&self) -> &Process {
        &self.process
    }
}

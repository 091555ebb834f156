//! The configuration of a revision, and the variables that its containers find.

use std::time::Duration;

/// The name of the service.
pub const SERVICE: &str = "shop";
/// The name of the revision.
pub const REVISION: &str = "shop-00007";

/// The ports that a user's container may not have: they are the queue-proxy's own.
const RESERVED: [u16; 7] = [8008, 8012, 8013, 8022, 9090, 9091, 8023];

/// The way in which readiness is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Readiness is a connection.
    Tcp,
    /// Readiness is a GET of this path.
    Http(String),
}

/// The configuration of a revision.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port of the container.
    pub port: u16,
    /// `true` if it was built by Knative Functions, and is not only run by Serving.
    pub is_function: bool,
    /// The probe of readiness.
    pub readiness: Probe,
    /// The limit of a request.
    pub timeout: Duration,
    /// The number of requests at once; ten times as many wait. 0 is no limit.
    pub container_concurrency: usize,
    /// The time from SIGTERM to SIGKILL.
    pub grace: Duration,
    /// The time that readiness may take to come.
    pub patience: Duration,
}

impl Options {
    /// Returns a function on that port, asked as Knative Functions do. Its limits are `patience`, which is the limit of
    /// all waits.
    ///
    /// # Panics
    /// The port is one of the queue-proxy's own.
    pub fn function(port: u16, patience: Duration) -> Options {
        assert!(!RESERVED.contains(&port), "the webhook refuses port {port}");
        Options {
            port,
            is_function: true,
            readiness: Probe::Http("/health/readiness".to_owned()),
            timeout: patience,
            container_concurrency: 0,
            grace: patience,
            patience,
        }
    }

    /// Returns a service whose readiness is a connection.
    pub fn service(port: u16, patience: Duration) -> Options {
        Options { is_function: false, readiness: Probe::Tcp, ..Options::function(port, patience) }
    }

    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let mut all = vec![
            ("PORT", self.port.to_string()),
            ("K_SERVICE", SERVICE.to_owned()),
            ("K_REVISION", REVISION.to_owned()),
            ("K_CONFIGURATION", SERVICE.to_owned()),
            ("KUBERNETES_SERVICE_HOST", "10.96.0.1".to_owned()),
            ("KUBERNETES_SERVICE_PORT", "443".to_owned()),
            ("HOSTNAME", format!("{REVISION}-deployment-6d5b")),
        ];
        if self.is_function {
            all.push(("LISTEN_ADDRESS", format!("[::]:{}", self.port)));
            all.push(("FUNC_CREATED", "2026-01-02T03:04:05Z".to_owned()));
            all.push(("FUNC_VERSION", "1.2.3".to_owned()));
        }
        all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

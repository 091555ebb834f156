//! What a revision is configured for, and what its containers find in their environment.

use std::time::Duration;

/// The name that a revision's service has.
pub const SERVICE: &str = "paint";
/// The revision's own name.
pub const REVISION: &str = "paint-00007-abc";

/// What a function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// Requests.
    Http,
    /// CloudEvents.
    CloudEvent,
    /// Data and context.
    Event,
}

impl Signature {
    fn word(self) -> &'static str {
        match self {
            Signature::Http => "http",
            Signature::CloudEvent => "cloudevent",
            Signature::Event => "event",
        }
    }
}

/// A revision.
#[derive(Clone, Debug)]
pub struct Options {
    /// The container's port.
    pub port: u16,
    /// A function, and what it takes; `None`: a service.
    pub signature: Option<Signature>,
    /// The function's entry point.
    pub target: Option<String>,
    /// The limit of a request in seconds, if the container is told.
    pub timeout_s: Option<u32>,
    /// Requests at once on one instance; more get the front end's 429.
    pub concurrency: usize,
    /// How long the front end waits for an answer before it says 504 itself.
    pub front_limit: Duration,
    /// From SIGTERM to SIGKILL.
    pub kill_after: Duration,
    /// How long the port may take to open.
    pub patience: Duration,
}

impl Options {
    /// Returns a service on that port. Limits are the patience: how long anything may take.
    pub fn service(port: u16, patience: Duration) -> Options {
        Options {
            port,
            signature: None,
            target: None,
            timeout_s: None,
            concurrency: 80,
            front_limit: patience,
            kill_after: patience,
            patience,
        }
    }

    /// Returns a function of that signature.
    pub fn function(port: u16, patience: Duration, signature: Signature) -> Options {
        Options { signature: Some(signature), ..Options::service(port, patience) }
    }

    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let mut all = vec![
            ("PORT", self.port.to_string()),
            ("K_SERVICE", SERVICE.to_owned()),
            ("K_REVISION", REVISION.to_owned()),
            ("K_CONFIGURATION", SERVICE.to_owned()),
        ];
        all.extend(self.timeout_s.map(|seconds| ("CLOUD_RUN_TIMEOUT_SECONDS", seconds.to_string())));
        all.extend(self.signature.map(|signature| ("FUNCTION_SIGNATURE_TYPE", signature.word().to_owned())));
        all.extend(self.target.clone().map(|target| ("FUNCTION_TARGET", target)));
        all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

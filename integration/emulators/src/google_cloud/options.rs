//! The configuration of a revision, and the variables that its containers find.

use std::time::Duration;

/// The name that a revision's service has.
pub const SERVICE: &str = "paint";
/// The name of the revision.
pub const REVISION: &str = "paint-00007-abc";

/// The input that a function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// The function takes requests.
    Http,
    /// The function takes CloudEvents.
    CloudEvent,
    /// The function takes data and context.
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

/// The configuration of a revision.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port of the container.
    pub port: u16,
    /// The input of the function; `None` for a service.
    pub signature: Option<Signature>,
    /// The entry point of the function.
    pub target: Option<String>,
    /// The limit of a request in seconds; `None` if the container is not told.
    pub timeout_s: Option<u32>,
    /// The number of requests at once on one instance; more get the front end's 429.
    pub concurrency: usize,
    /// The time that the front end waits for an answer before it answers 504 itself.
    pub front_limit: Duration,
    /// The time from SIGTERM to SIGKILL.
    pub kill_after: Duration,
    /// The time that the port may take to open.
    pub patience: Duration,
}

impl Options {
    /// Returns a service on that port. Its limits are `patience`, which is the limit of all waits.
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

//! The failure of a request, for its caller and for the log.

use handlers_sdk::service::ServiceErrorKind;
use std::io;

/// A failure, with its kind for the caller and words for the log. The words have no path, query, body or value of a
/// header, any of which may be secret.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) kind: ServiceErrorKind,
    pub(crate) why: String,
}

impl Fault {
    pub(crate) fn new(kind: ServiceErrorKind, why: impl Into<String>) -> Fault {
        Fault { kind, why: why.into() }
    }

    pub(crate) fn failed(why: impl Into<String>) -> Fault {
        Fault::new(ServiceErrorKind::Failed, why)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::failed(error.to_string())
    }
}

impl From<faas_tls::Fault> for Fault {
    fn from(fault: faas_tls::Fault) -> Fault {
        let kind = match fault {
            faas_tls::Fault::Name => ServiceErrorKind::Invalid,
            faas_tls::Fault::Other(_) => ServiceErrorKind::Failed,
        };
        Fault::new(kind, fault.to_string())
    }
}

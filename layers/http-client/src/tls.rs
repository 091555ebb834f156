//! The configuration of TLS, with the authorities that are trusted, made when a request needs it first.

use crate::fault::Fault;
use crate::settings::Ca;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The places where distributions keep their list: Debian and Alpine, Fedora and Amazon Linux, openSUSE, BSDs.
const SYSTEM: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The configuration, once it is made.
#[derive(Debug)]
pub(crate) struct Tls {
    ca: Ca,
    /// The place of the system's list; `None` for the usual ones.
    file: Option<PathBuf>,
    made: Mutex<Option<Arc<ClientConfig>>>,
}

impl Tls {
    pub(crate) fn new(ca: Ca, file: Option<PathBuf>) -> Tls {
        Tls { ca, file, made: Mutex::new(None) }
    }

    /// Returns the configuration. If a file could not be read, that is tried again with the next request.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, Fault> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*made {
            return Ok(made.clone());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Fault::failed(error.to_string()))?
            .with_root_certificates(self.roots()?)
            .with_no_client_auth();
        Ok(made.insert(Arc::new(config)).clone())
    }

    fn roots(&self) -> Result<RootCertStore, Fault> {
        match &self.ca {
            Ca::Mozilla => Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }),
            Ca::File(path) => of_file(path),
            Ca::System => {
                let system = SYSTEM.iter().map(Path::new).find(|path| path.is_file());
                let path = self.file.as_deref().or(system);
                of_file(path.ok_or_else(|| Fault::failed("this system has no list of certificates: set ca"))?)
            }
        }
    }
}

fn of_file(path: &Path) -> Result<RootCertStore, Fault> {
    let wrong = |why: String| Fault::failed(format!("certificates of {}: {why}", path.display()));
    let mut roots = RootCertStore::empty();
    let found = CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
    let found: Result<Vec<_>, _> = found.collect();
    // Lists of systems have old certificates that cannot be read.
    roots.add_parsable_certificates(found.map_err(|error| wrong(error.to_string()))?);
    if roots.is_empty() { Err(wrong("there is none".to_owned())) } else { Ok(roots) }
}

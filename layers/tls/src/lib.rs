//! TLS for layers that ask servers: the authorities that are trusted, and a certificate of their own. Nothing is read
//! before it is needed; no socket is opened here.
#![forbid(unsafe_code)]

pub use rustls::{ClientConnection, StreamOwned};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The places where distributions keep their list: Debian and Alpine, Fedora and Amazon Linux, openSUSE, BSDs.
const SYSTEM: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The list of authorities that servers' certificates are checked by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ca {
    /// Mozilla's list, as of the build of this crate.
    Mozilla,
    /// The list of the system.
    System,
    /// The certificates in a file.
    File(PathBuf),
}

impl Ca {
    /// The words for the values that the key `ca` of a configuration may have.
    pub const EXPECTED: &str = "mozilla, system, or the absolute path of a PEM file";

    /// Reads the key `ca`. Returns `None` for any other value.
    pub fn read(text: &str) -> Option<Ca> {
        match text {
            "mozilla" => Some(Ca::Mozilla),
            "system" => Some(Ca::System),
            path => absolute(path).map(Ca::File),
        }
    }
}

/// Returns `None` for a path that depends on where the process is.
fn absolute(path: &str) -> Option<PathBuf> {
    path.starts_with('/').then(|| path.into())
}

/// The certificate that a client shows, and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    certificate: PathBuf,
    key: PathBuf,
}

impl Identity {
    /// Reads the keys `certificate` and `key`, of which both are there or neither is.
    ///
    /// # Errors
    /// The name of the key that does not fit, and the value that was expected.
    pub fn read(
        certificate: Option<&str>,
        key: Option<&str>,
    ) -> Result<Option<Identity>, (&'static str, &'static str)> {
        const PATH: &str = "the absolute path of a PEM file";
        let (certificate, key) = match (certificate, key) {
            (None, None) => return Ok(None),
            (Some(_), None) => return Err(("certificate", "key beside it")),
            (None, Some(_)) => return Err(("key", "certificate beside it")),
            (Some(certificate), Some(key)) => (certificate, key),
        };
        let certificate = absolute(certificate).ok_or(("certificate", PATH))?;
        Ok(Some(Identity { certificate, key: absolute(key).ok_or(("key", PATH))? }))
    }
}

/// The configuration of TLS, which is made when a connection needs it first.
pub struct Tls {
    ca: Ca,
    /// The place of the system's list; `None` for the usual ones.
    file: Option<PathBuf>,
    identity: Option<Identity>,
    made: Mutex<Option<Arc<ClientConfig>>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("ca", &self.ca).field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl Tls {
    /// Takes the authorities, the place of the system's list (`SSL_CERT_FILE`) if it is an unusual one, and the
    /// certificate to show.
    pub fn new(ca: Ca, file: Option<PathBuf>, identity: Option<Identity>) -> Tls {
        Tls { ca, file, identity, made: Mutex::new(None) }
    }

    /// Begins a connection to a host. Nothing is sent yet.
    ///
    /// # Errors
    /// The host is not a name, or a file cannot be read.
    pub fn begin(&self, host: &str) -> Result<ClientConnection, Fault> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| Fault::Name)?;
        ClientConnection::new(self.config()?, name).map_err(|error| Fault::Other(error.to_string()))
    }

    /// Returns the configuration. If a file could not be read, that is tried again with the next connection.
    fn config(&self) -> Result<Arc<ClientConfig>, Fault> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*made {
            return Ok(made.clone());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Fault::Other(error.to_string()))?
            .with_root_certificates(self.roots()?);
        let config = match &self.identity {
            None => config.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong("the key", key, error))?;
                let own = config.with_client_auth_cert(certificates(certificate)?, private);
                own.map_err(|error| wrong("the key", key, error))?
            }
        };
        Ok(made.insert(Arc::new(config)).clone())
    }

    fn roots(&self) -> Result<RootCertStore, Fault> {
        match &self.ca {
            Ca::Mozilla => Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }),
            Ca::File(path) => of_file(path),
            Ca::System => {
                let system = SYSTEM.iter().map(Path::new).find(|path| path.is_file());
                let path = self.file.as_deref().or(system);
                of_file(path.ok_or_else(|| Fault::Other("this system has no list of certificates: set ca".to_owned()))?)
            }
        }
    }
}

/// The reason why no connection can be begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The host is not a name that a certificate could have.
    Name,
    /// Any other reason, in words.
    Other(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Name => f.write_str("the host is no name for TLS"),
            Fault::Other(why) => f.write_str(why),
        }
    }
}

fn wrong(what: &str, path: &Path, why: impl fmt::Display) -> Fault {
    Fault::Other(format!("{what} of {}: {why}", path.display()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| wrong("certificates", path, error))?;
    if found.is_empty() { Err(wrong("certificates", path, "there is none")) } else { Ok(found) }
}

fn of_file(path: &Path) -> Result<RootCertStore, Fault> {
    let mut roots = RootCertStore::empty();
    // Lists of systems have old certificates that cannot be read.
    roots.add_parsable_certificates(certificates(path)?);
    if roots.is_empty() { Err(wrong("certificates", path, "there is none")) } else { Ok(roots) }
}

/// Returns `true` if an idle connection can be used: its server has neither closed it nor sent data. Tickets for the
/// next session do not count, since a server may send them at any time. The socket must not block.
pub fn is_quiet<S: Read + Write>(stream: &mut StreamOwned<ClientConnection, S>) -> bool {
    loop {
        match stream.conn.read_tls(&mut stream.sock) {
            Ok(0) => return false,
            Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            Ok(_) => match stream.conn.process_new_packets() {
                Ok(state) if state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed() => {}
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_two_paths_or_none() {
        assert_eq!(Identity::read(None, None), Ok(None));
        assert!(matches!(Identity::read(Some("/a.pem"), Some("/a.key")), Ok(Some(_))));
        for (certificate, key, at) in [
            (Some("/a.pem"), None, "certificate"),
            (None, Some("/a.key"), "key"),
            (Some("a.pem"), Some("/a.key"), "certificate"),
            (Some("/a.pem"), Some("a.key"), "key"),
        ] {
            assert!(Identity::read(certificate, key).is_err_and(|(found, _)| found == at), "{certificate:?} {key:?}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named_and_a_host_that_is_no_name_is_told_apart() {
        let tls = Tls::new(Ca::Mozilla, None, None);
        assert!(tls.begin("shop.example").is_ok() && tls.begin("::1").is_ok());
        assert_eq!(tls.begin("no name").err(), Some(Fault::Name));
        let own = Identity::read(Some("/nowhere.pem"), Some("/nowhere.key")).expect("two paths");
        for tls in [Tls::new(Ca::File("/nowhere.pem".into()), None, None), Tls::new(Ca::Mozilla, None, own)] {
            let why = tls.begin("shop.example").err().map(|fault| fault.to_string());
            assert!(why.as_ref().is_some_and(|why| why.contains("of /nowhere.")), "{why:?}");
        }
    }
}

//! Keys that callers send in a header. Only their hashes are known.

use crate::hashes::Sha256;
use crate::identity::Identity;

/// A key by its hash, and the identity of its owner.
pub(crate) struct ApiKey {
    pub(crate) hash: Sha256,
    pub(crate) identity: Identity,
}

/// All keys of the configuration.
pub(crate) struct ApiKeys {
    pub(crate) header: String,
    pub(crate) keys: Vec<ApiKey>,
}

impl ApiKeys {
    /// Returns the owner of a key; `None` if the key is unknown. Every key is compared, even after one has fitted.
    pub(crate) fn find(&self, sent: &str) -> Option<&Identity> {
        let hash = Sha256::of(sent.as_bytes());
        self.keys.iter().fold(None, |found, key| if key.hash.is(&hash) { Some(&key.identity) } else { found })
    }
}

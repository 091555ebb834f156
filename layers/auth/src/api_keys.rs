//! Keys that callers send in a header. Only their hashes are known.

use crate::hashes::Sha256;
use crate::identity::Identity;

/// Somebody with a key.
pub(crate) struct ApiKey {
    pub(crate) hash: Sha256,
    pub(crate) identity: Identity,
}

/// All of them.
pub(crate) struct ApiKeys {
    pub(crate) header: String,
    pub(crate) keys: Vec<ApiKey>,
}

impl ApiKeys {
    /// Whose key this is. Each is looked at, wherever one fits.
    pub(crate) fn find(&self, sent: &str) -> Option<&Identity> {
        let hash = Sha256::of(sent.as_bytes());
        self.keys.iter().fold(None, |found, key| if key.hash.is(&hash) { Some(&key.identity) } else { found })
    }
}

//! The sources of an issuer's keys.

mod from_file;
mod from_url;

pub(crate) use from_file::FromFile;
pub(crate) use from_url::FromUrl;

use crate::key_set::KeySet;
use std::sync::Arc;
use std::time::Duration;

/// The times for which keys are good, and between two requests for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// The time after which keys are asked for anew. They are used meanwhile.
    pub(crate) lifetime: Duration,
    /// The time after which keys are not used any more, if no new ones have come.
    pub(crate) keep_for: Duration,
    /// The shortest time between two requests for an unknown key.
    pub(crate) cooldown: Duration,
    /// The time that a request may take.
    pub(crate) timeout: Duration,
}

/// The keys of one issuer.
pub(crate) enum Keys {
    /// Secrets, or public keys of the configuration.
    Fixed(Arc<KeySet>),
    File(FromFile),
    Url(FromUrl),
}

/// The result of a search for newer keys, when a token's key is unknown.
pub(crate) enum Newer {
    Keys(Arc<KeySet>),
    /// The keys were asked for not long ago, and this one was not among them.
    None,
    /// The keys cannot be asked for: the key may be a new one, or no key of the issuer's.
    Unreachable,
}

/// Returns a time in nanoseconds, as clocks count them.
pub(crate) fn ns(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Keys {
    /// Returns the keys that are good now, and waits for them if they are not here. It is `None` if they cannot be had.
    pub(crate) async fn current(&self) -> Option<Arc<KeySet>> {
        match self {
            Keys::Fixed(keys) => Some(keys.clone()),
            Keys::File(file) => file.current(),
            Keys::Url(url) => url.current().await,
        }
    }

    /// Asks again after `these`, if that may be done now. A file has been looked at by then.
    pub(crate) async fn newer(&self, these: &Arc<KeySet>) -> Newer {
        match self {
            Keys::Fixed(_) | Keys::File(_) => Newer::None,
            Keys::Url(url) => url.newer(these).await,
        }
    }
}

//! Where an issuer's keys are from.

use crate::from_file::FromFile;
use crate::from_url::FromUrl;
use crate::key_set::KeySet;
use std::sync::Arc;
use std::time::Duration;

/// How long keys are good, and how often they are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// After this they are asked for anew, and used meanwhile.
    pub(crate) lifetime: Duration,
    /// After this without new ones they are not used any more.
    pub(crate) keep_for: Duration,
    /// Between two requests for a key that nobody knows.
    pub(crate) cooldown: Duration,
    /// How long a request may take.
    pub(crate) timeout: Duration,
}

/// The keys of one issuer.
pub(crate) enum Keys {
    /// Secrets, or public keys that stand in the configuration.
    Fixed(Arc<KeySet>),
    File(FromFile),
    Url(FromUrl),
}

/// What there is when a token's key is unknown.
pub(crate) enum Newer {
    Keys(Arc<KeySet>),
    /// They were asked for not long ago, and it was not among them.
    None,
    /// They cannot be asked for: the key may be a new one or none.
    Unreachable,
}

/// Nanoseconds, as clocks count them.
pub(crate) fn ns(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Keys {
    /// Those that are good now; waits for them if there are none. `None`: they cannot be had.
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

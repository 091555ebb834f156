//! Keys in a file, which is read again when it has changed: a mounted secret, or a file that another process writes.

use super::ns;
use crate::key_set::KeySet;
use handlers_sdk::Config;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The most bytes of a document. A longer one is no set of keys.
pub(super) const MOST_BYTES: u64 = 1024 * 1024;

/// The time between two looks at the file.
const LOOK: Duration = Duration::from_secs(1);

/// The file, with the keys that were read last.
pub(crate) struct FromFile {
    config: Config,
    path: PathBuf,
    keep_for: Duration,
    state: Mutex<State>,
}

struct State {
    keys: Arc<KeySet>,
    stamp: Option<Stamp>,
    /// `true` if the present content of the file could be read.
    is_good: bool,
    /// The time of the last look, in nanoseconds on the host's clock.
    looked_at: u64,
    good_at: u64,
}

/// The properties of a file that change with its content.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl FromFile {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// The file is not there, or is no set of keys.
    pub(crate) fn open(config: Config, path: PathBuf, keep_for: Duration) -> Result<FromFile, String> {
        let now = config.now_ns();
        let (stamp, keys) = (stamp(&path), read(&path)?);
        let state = State { keys: Arc::new(keys), stamp, is_good: true, looked_at: now, good_at: now };
        Ok(FromFile { config, path, keep_for, state: Mutex::new(state) })
    }

    /// Returns the keys, read again if the file has changed. It is `None` if it has been unreadable for too long.
    pub(crate) fn current(&self) -> Option<Arc<KeySet>> {
        let now = self.config.now_ns();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(state.looked_at) >= ns(LOOK) {
            state.looked_at = now;
            self.look(&mut state);
            if state.is_good {
                state.good_at = now;
            }
        }
        let is_kept = state.is_good || now.saturating_sub(state.good_at) < ns(self.keep_for);
        is_kept.then(|| state.keys.clone())
    }

    fn look(&self, state: &mut State) {
        let stamp = stamp(&self.path);
        if stamp.is_some() && stamp == state.stamp {
            return;
        }
        let was_good = state.is_good;
        match read(&self.path) {
            Ok(keys) => (state.keys, state.is_good) = (Arc::new(keys), true),
            Err(why) => {
                // The log tells once of a file that is gone.
                if was_good || stamp != state.stamp {
                    handlers_sdk::warn!("{why}; the former keys are kept for {:?}", self.keep_for);
                }
                state.is_good = false;
            }
        }
        state.stamp = stamp;
    }
}

fn stamp(path: &std::path::Path) -> Option<Stamp> {
    let file = std::fs::metadata(path).ok()?;
    let changed = (file.mtime(), file.mtime_nsec());
    Some(Stamp { device: file.dev(), inode: file.ino(), size: file.size(), changed })
}

fn read(path: &std::path::Path) -> Result<KeySet, String> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    file.map_err(|error| format!("the keys in {} cannot be read: {error}", path.display()))?;
    parse(&bytes).map_err(|why| format!("the keys in {}: {why}", path.display()))
}

/// Reads a set of keys of somebody else's: keys that are of no use are left out.
///
/// # Errors
/// The bytes are no set of keys.
pub(super) fn parse(bytes: &[u8]) -> Result<KeySet, String> {
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("expected at most {MOST_BYTES} bytes"));
    }
    let document = serde_json::from_slice(bytes).map_err(|error| format!("expected JSON: {error}"))?;
    let (keys, left_out) = KeySet::read(&document)?;
    if !left_out.is_empty() {
        handlers_sdk::debug!("keys that are of no use here: {}", left_out.join("; "));
    }
    Ok(keys)
}

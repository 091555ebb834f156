//! The end of something, for a thread that waits for it with a time limit. It says that and no more: for this, std's
//! channels would be twenty kibibytes of code.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

#[derive(Default)]
struct State {
    is_over: Mutex<bool>,
    told: Condvar,
}

/// The side that lasts: its drop is the end, that of a panic included.
pub(crate) struct Lasting(Arc<State>);

/// The side that waits for the end.
pub(crate) struct End(Arc<State>);

/// Returns both sides of something that begins to last.
pub(crate) fn lasting() -> (Lasting, End) {
    let state = Arc::<State>::default();
    (Lasting(state.clone()), End(state))
}

impl Drop for Lasting {
    fn drop(&mut self) {
        *self.0.is_over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.told.notify_all();
    }
}

impl End {
    /// Returns `true` if it is over.
    pub(crate) fn is_there(&self) -> bool {
        *self.0.is_over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the end, and returns `true` if it came within `limit`.
    pub(crate) fn wait(&self, limit: Duration) -> bool {
        let is_over = self.0.is_over.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.told.wait_timeout_while(is_over, limit, |is_over| !*is_over);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use super::lasting;
    use std::time::Duration;

    #[test]
    fn a_wait_ends_with_what_lasts_and_with_its_limit() {
        let (lasts, end) = lasting();
        assert!(!end.is_there());
        assert!(!end.wait(Duration::ZERO));
        let thread = std::thread::spawn(move || drop(lasts));
        assert!(end.wait(Duration::from_secs(3600)));
        assert!(end.is_there() && end.wait(Duration::ZERO));
        thread.join().expect("it has only let go");
    }
}

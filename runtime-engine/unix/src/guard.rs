//! What ends the process when a thread of the runtime's own panics: nobody else would miss that thread, and what it had
//! in hand would never come back.

use crate::runtime_files;
use crate::start::FAILED;
use faas_core::log::{Level, Log};

/// Kept by a thread for as long as it works.
pub(crate) struct Guard<'a>(pub(crate) &'a Log);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.say(Level::Error, "a thread of the runtime itself panicked, as standard error says: leaving");
            runtime_files::leave(FAILED);
        }
    }
}

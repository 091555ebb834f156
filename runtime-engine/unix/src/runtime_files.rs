//! What the process leaves in the file system while it lives: a file that says it is ready, a socket, code it was sent.
//! Whichever way the process leaves, these go first.

use crate::sys;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// In the order they were made.
static TRACES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn traces() -> MutexGuard<'static, Vec<PathBuf>> {
    TRACES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// This file, link or empty folder is to go at the end.
pub(crate) fn add(path: &Path) {
    traces().push(path.to_owned());
}

/// As [`add`] does, for what `make` makes in one step: whoever removes or leaves comes before both or after both.
///
/// # Errors
/// It was not made; then it is no trace.
pub(crate) fn make<T, E>(path: &Path, make: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let mut traces = traces();
    let made = make()?;
    traces.push(path.to_owned());
    Ok(made)
}

/// It goes now, if it is one of ours and still there.
pub(crate) fn remove(path: &Path) {
    let mut traces = traces();
    if let Some(index) = traces.iter().position(|trace| trace == path) {
        wipe(&traces.remove(index));
    }
}

/// Ends the process without a trace, and without running exit handlers.
pub(crate) fn leave(code: i32) -> ! {
    // Held to the end: nothing is made after this.
    let mut traces = traces();
    // What was made last may lie in a folder made before.
    traces.drain(..).rev().for_each(|path| wipe(&path));
    sys::leave(code)
}

/// One that is gone already, or cannot be removed, is no reason to stay.
fn wipe(path: &Path) {
    if std::fs::remove_file(path).is_err() {
        let _ = std::fs::remove_dir(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_goes_when_it_is_asked_for_and_a_stranger_stays() {
        let path = |name: &str| std::env::temp_dir().join(format!("faas-trace-{name}-{}", std::process::id()));
        let [own, other] = ["own", "other"].map(path);
        for path in [&own, &other] {
            std::fs::write(path, "x").unwrap();
        }
        add(&own);
        remove(&own);
        remove(&other);
        assert!(!own.exists() && other.exists());
        make(&own, || std::fs::write(&own, "x")).unwrap();
        remove(&own);
        make(&other, || Err::<(), ()>(())).unwrap_err();
        remove(&other);
        assert!(!own.exists() && other.exists(), "what was not made is a stranger");
        std::fs::remove_file(&other).unwrap();
    }
}

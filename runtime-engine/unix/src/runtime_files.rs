//! The files that the process makes while it lives: one that says it is ready, a socket, code it was sent. They are
//! removed before the process leaves, in whichever way it does.

use crate::sys;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The paths, in the order they were made.
static TRACES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn traces() -> MutexGuard<'static, Vec<PathBuf>> {
    TRACES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds this file, link or empty folder to those that are removed at the end.
pub(crate) fn add(path: &Path) {
    traces().push(path.to_owned());
}

/// Makes a file with `make` and adds it as [`add`] does, in one step: another thread that removes or leaves comes
/// before both or after both.
///
/// # Errors
/// The file was not made, and is not added.
pub(crate) fn make<T, E>(path: &Path, make: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let mut traces = traces();
    let made = make()?;
    traces.push(path.to_owned());
    Ok(made)
}

/// Removes a file now, if it was added and is still there.
pub(crate) fn remove(path: &Path) {
    let mut traces = traces();
    if let Some(index) = traces.iter().position(|trace| trace == path) {
        wipe(&traces.remove(index));
    }
}

/// Ends the process without a trace, and without running exit handlers.
pub(crate) fn leave(code: i32) -> ! {
    // The lock is held to the end: nothing is made after this.
    let mut traces = traces();
    // The last file may lie in a folder that was made before.
    traces.drain(..).rev().for_each(|path| wipe(&path));
    sys::leave(code)
}

/// Removes a file. A failure is ignored: it is no reason to stay.
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
        std::fs::write(&own, "y").unwrap();
        remove(&own);
        assert!(own.exists(), "it was removed before, so this one is somebody else's");
        make(&own, || std::fs::write(&own, "x")).unwrap();
        remove(&own);
        make(&other, || Err::<(), ()>(())).unwrap_err();
        remove(&other);
        assert!(!own.exists() && other.exists(), "what was not made is a stranger");
        std::fs::remove_file(&other).unwrap();
    }
}

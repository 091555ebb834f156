//! What this process puts into the file system for others to see while it lives: a file that says it is ready, a socket,
//! code that it was sent. However the process leaves, these go before it.
//!
//! A process that is killed leaves them behind; whoever makes one removes a stale one first.

use crate::sys;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// In the order they were made.
static TRACES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn traces() -> MutexGuard<'static, Vec<PathBuf>> {
    TRACES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// This file, link or folder goes with the process; a folder only if it is empty then.
pub(crate) fn add(path: &Path) {
    traces().push(path.to_owned());
}

/// This one goes now, if it is ours.
pub(crate) fn remove(path: &Path) {
    let mut traces = traces();
    if let Some(index) = traces.iter().position(|trace| trace == path) {
        wipe(&traces.remove(index));
    }
}

/// Ends the process: nothing stays behind, and no exit handler runs.
pub(crate) fn leave(code: i32) -> ! {
    // What was made last may lie in a folder that was made before.
    traces().drain(..).rev().for_each(|path| wipe(&path));
    sys::leave(code)
}

/// What cannot be removed is no reason to stay.
fn wipe(path: &Path) {
    if std::fs::remove_file(path).is_err() {
        let _ = std::fs::remove_dir(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_ours_goes_and_only_once() {
        let folder = std::env::temp_dir().join(format!("engine-traces-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let [ours, theirs] = ["ours", "theirs"].map(|name| folder.join(name));
        for path in [&ours, &theirs] {
            std::fs::write(path, "x").unwrap();
        }
        add(&ours);
        remove(&ours);
        remove(&theirs);
        assert!(!ours.exists() && theirs.exists());
        std::fs::write(&ours, "of somebody else by now").unwrap();
        remove(&ours);
        assert!(ours.exists());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

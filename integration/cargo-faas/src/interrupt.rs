//! The end of a command by a signal: Ctrl-C, SIGTERM, or the end of its terminal. Runtimes have process groups of their
//! own, which a terminal's Ctrl-C does not reach, so the command itself ends what it has started, and removes its folders.

use crate::children;
use crate::screen::Screen;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::signal_name;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;

/// The signals that end a command.
const SIGNALS: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];

/// The time for which processes that were killed are waited for.
const LIMIT: Duration = Duration::from_secs(5);

/// The folders that are there.
static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A temporary folder, which is removed when this is dropped, or when a signal ends the command.
#[derive(Debug)]
pub(crate) struct Scratch(TempDir);

impl Scratch {
    /// Makes a folder whose name begins with `prefix` among the temporary ones of this machine.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn make(prefix: &str) -> io::Result<Scratch> {
        Scratch::make_in(&std::env::temp_dir(), prefix)
    }

    /// Makes a folder whose name begins with `prefix` in another one.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn make_in(parent: &Path, prefix: &str) -> io::Result<Scratch> {
        // While a signal ends the command, nothing is made any more.
        let mut folders = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
        folders.push(folder.path().to_owned());
        Ok(Scratch(folder))
    }

    /// Returns the path of the folder.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A signal waits for the lock, and so for the removal. The folder's own drop then finds nothing.
        let mut folders = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = std::fs::remove_dir_all(self.0.path());
        folders.retain(|folder| folder != self.0.path());
    }
}

/// The watch for signals.
#[derive(Debug)]
pub(crate) struct Watch(Arc<AtomicBool>);

impl Watch {
    /// Begins to watch. The first signal kills every process that this one has started, removes all folders of
    /// [`Scratch`], and ends this process with 128 and the signal's number, as shells count a death by it.
    ///
    /// # Errors
    /// The system has no room for it.
    pub(crate) fn begin(screen: Screen) -> io::Result<Watch> {
        // The thread hears every signal that the flag has seen.
        let mut signals = Signals::new(SIGNALS)?;
        let heard = Arc::new(AtomicBool::new(false));
        for signal in SIGNALS {
            signal_hook::flag::register(signal, Arc::clone(&heard))?;
        }
        let watch = move || signals.forever().next().into_iter().for_each(|signal| end(signal, screen));
        std::thread::Builder::new().name("signals".to_owned()).spawn(watch)?;
        Ok(Watch(heard))
    }

    /// Ends the watch at the end of the command. After a signal it does not return: the failure of a process that the
    /// signal has ended is none of the command's.
    pub(crate) fn settle(&self) {
        while self.0.load(Ordering::SeqCst) {
            std::thread::park();
        }
    }
}

fn end(signal: i32, screen: Screen) {
    // The lock is kept until the process ends.
    let folders = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
    let is_done = children::end_all(LIMIT);
    let how = if is_done { "every process has ended" } else { "a process was killed and is not gone yet" };
    for folder in &*folders {
        // Of a folder that cannot be removed the rest stays.
        let _ = std::fs::remove_dir_all(folder);
    }
    screen.head("shutdown", &format!("{}, {how}", signal_name(signal).unwrap_or("a signal")));
    std::process::exit(128 + signal);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_known_as_long_as_it_is_there() {
        let is_known = |path: &Path| FOLDERS.lock().unwrap().iter().any(|folder| folder == path);
        let folder = Scratch::make("faas-test-").unwrap();
        let path = folder.path().to_owned();
        assert!(path.is_dir() && is_known(&path));
        drop(folder);
        assert!(!path.exists() && !is_known(&path));
    }
}

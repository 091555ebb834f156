//! Watches folders and files by asking for their times and sizes: it needs no more than a file system, so that it also
//! works on one that another machine writes, and a look at a thousand files takes a millisecond or two.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, Metadata};
use std::hash::{Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// The time between two looks.
const PAUSE: Duration = Duration::from_millis(150);

/// The folders of tools, whose contents are no source.
const NOT_SOURCES: &[&str] = &["node_modules", "target"];

/// A file that a build itself writes.
const LOCK: &str = "Cargo.lock";

/// The ends of names of files that programs keep beside sources: output, and files that editors set aside.
const NO_SOURCE_FILES: &[&str] = &[".log", ".swp", ".tmp", "~"];

/// The set of files that are watched.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched {
    /// The files and folders that are looked at.
    pub(crate) paths: Vec<PathBuf>,
    /// The folders that are left out, beside hidden ones and those named in [`NOT_SOURCES`].
    pub(crate) left_out: Vec<PathBuf>,
}

impl Watched {
    /// Returns a number that is another one after any change.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.paths.iter().for_each(|path| self.add(path, &mut hasher));
        hasher.finish()
    }

    fn add(&self, path: &Path, hasher: &mut DefaultHasher) {
        path.hash(hasher);
        let Ok(metadata) = fs::metadata(path) else { return };
        if !metadata.is_dir() {
            add_file(&metadata, hasher);
            return;
        }
        let Ok(entries) = fs::read_dir(path) else { return };
        let mut entries: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        entries.sort_unstable();
        entries.iter().filter(|path| !self.is_left_out(path)).for_each(|path| self.add(path, hasher));
    }

    fn is_left_out(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_hidden = name.starts_with('.') && !name.starts_with(".env");
        let is_by_the_way = *name == *LOCK || NO_SOURCE_FILES.iter().any(|end| name.ends_with(end));
        is_hidden
            || is_by_the_way && !path.is_dir()
            || NOT_SOURCES.contains(&&*name) && path.is_dir()
            || self.left_out.iter().any(|other| other == path)
    }
}

fn add_file(metadata: &Metadata, hasher: &mut DefaultHasher) {
    (metadata.len(), metadata.ino(), metadata.mtime(), metadata.mtime_nsec()).hash(hasher);
}

/// The state that the newest build was made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Built(Arc<AtomicU64>);

impl Built {
    /// Notes that a build begins, which is made of the present state.
    pub(crate) fn begins(&self, watched: &Watched) {
        self.0.store(watched.fingerprint(), Ordering::SeqCst);
    }
}

/// Sends a message whenever the state differs from the built one, and is quiet again.
pub(crate) async fn watch(watched: Watched, built: Built, changed: mpsc::UnboundedSender<()>) {
    let look = |watched: Watched| tokio::task::spawn_blocking(move || watched.fingerprint());
    let (mut said, mut last) = (None, None);
    loop {
        let Ok(now) = look(watched.clone()).await else { return };
        // Nothing was written between two looks that are alike.
        let is_quiet = last.replace(now) == Some(now);
        if is_quiet
            && built.0.load(Ordering::SeqCst) != now
            && said.replace(now) != Some(now)
            && changed.send(()).is_err()
        {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_removed_or_renamed_is_noticed_and_what_tools_leave_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["src", "target", ".git", "out"] {
            fs::create_dir(path(name)).unwrap();
        }
        let watched = Watched { paths: vec![folder.path().to_owned()], left_out: vec![path("out")] };
        let mut last = watched.fingerprint();
        let mut is_changed = || {
            let now = watched.fingerprint();
            std::mem::replace(&mut last, now) != now
        };
        assert!(!is_changed());
        for name in ["target/x", ".git/x", "out/x", "dev.log", "src/.lib.rs.swp", "src/lib.rs~", "Cargo.lock"] {
            fs::write(path(name), "1").unwrap();
            assert!(!is_changed(), "{name}");
        }
        for name in ["src/lib.rs", ".env", "serverless.yml"] {
            fs::write(path(name), "1").unwrap();
            assert!(is_changed(), "{name}");
        }
        fs::rename(path("src/lib.rs"), path("src/main.rs")).unwrap();
        assert!(is_changed());
        fs::write(path("src/main.rs"), "22").unwrap();
        assert!(is_changed());
        fs::remove_file(path("src/main.rs")).unwrap();
        assert!(is_changed());
    }
}

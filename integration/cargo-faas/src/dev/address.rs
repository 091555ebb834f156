//! The address of a running dev: a file in the project's target folder that is there as long as it runs.

use crate::failure::Failure;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The name of the file.
pub(crate) const NAME: &str = "faas-dev.json";

static WRITTEN: Mutex<Option<PathBuf>> = Mutex::new(None);

/// The file, which is removed when this is dropped.
pub(crate) struct Announced(());

impl Announced {
    /// Writes the file.
    ///
    /// # Errors
    /// Another dev runs here, or the file cannot be written.
    pub(crate) fn write(path: &Path, address: SocketAddr) -> Result<Announced, Failure> {
        let failed = |error: std::io::Error| Failure::new("dev", format!("{}: {error}", path.display()));
        if let Some((url, pid)) = read(path).filter(|(_, pid)| *pid != u64::from(std::process::id()) && is_alive(*pid))
        {
            let why = format!("one runs here already: {url}, pid {pid} ({} says so)", path.display());
            return Err(Failure::new("dev", why));
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let text = json!({"url": format!("http://{address}/"), "pid": std::process::id()}).to_string();
        std::fs::write(path, text).map_err(failed)?;
        *WRITTEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(path.to_owned());
        Ok(Announced(()))
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        forget();
    }
}

/// Removes the file, when dev ends.
pub(crate) fn forget() {
    if let Some(path) = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // A reader of a file that stays sees that the process has ended.
        let _ = std::fs::remove_file(&path);
        // This removes a folder that was made for it alone; any other one is not empty.
        let _ = path.parent().map(std::fs::remove_dir);
    }
}

/// Returns the address and the process id in a file.
fn read(path: &Path) -> Option<(String, u64)> {
    let written: Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    Some((written["url"].as_str()?.to_owned(), written["pid"].as_u64()?))
}

fn is_alive(pid: u64) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// Returns the address of the dev that runs in a folder; `None` if no dev runs there.
pub(crate) fn of(path: &Path) -> Option<String> {
    read(path).filter(|(_, pid)| is_alive(*pid)).map(|(url, _)| url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_there_as_long_as_its_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("target").join(NAME);
        let address = SocketAddr::from(([127, 0, 0, 1], 8080));
        let announced = Announced::write(&path, address).unwrap();
        assert_eq!(of(&path).as_deref(), Some("http://127.0.0.1:8080/"));
        drop(announced);
        assert_eq!(of(&path), None);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the folder that was made for it is gone");
        std::fs::create_dir(folder.path().join("target")).unwrap();
        std::fs::write(&path, r#"{"url":"http://x/","pid":1}"#).unwrap();
        let why = Announced::write(&path, address).err().unwrap().to_string();
        assert!(why.contains("one runs here already: http://x/, pid 1"), "{why}");
    }
}

//! The watch over the shared folder: when the socket's name appears, the rest has to be in order.

use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// The most bytes of a socket's address.
const MAX_PATH: usize = 107;

/// The identity of a name before the container started: the name is new when this differs.
type Old = Option<(u64, u64, i64)>;

/// The watch for a name in the folder.
#[derive(Debug)]
pub(super) struct Watch {
    path: PathBuf,
    old: Old,
    violations: Vec<String>,
}

impl Watch {
    pub(super) fn begin(path: PathBuf) -> Watch {
        let old = seen(&path);
        Watch { path, old, violations: Vec::new() }
    }

    /// Looks for the socket's name. Returns `None` until there is one that was not there before the container started.
    /// The result is a connection, or the agent's complaint, which is counted as a violation as well.
    pub(super) fn look(&mut self) -> Option<Result<UnixStream, String>> {
        let now = seen(&self.path)?;
        if Some(now) == self.old {
            return None;
        }
        let connected = check(&self.path).and_then(|()| {
            UnixStream::connect(&self.path).map_err(|error| format!("the socket is there and refuses: {error}"))
        });
        if let Err(why) = &connected {
            self.violations.push(why.clone());
        }
        Some(connected)
    }

    pub(super) fn violations(&self) -> &[String] {
        &self.violations
    }
}

fn seen(path: &Path) -> Option<(u64, u64, i64)> {
    let of = path.symlink_metadata().ok()?;
    Some((of.ino(), of.ctime().unsigned_abs(), of.ctime_nsec()))
}

/// Checks the socket as the agent does: a link leads to a name in the same folder, its end is a socket that everybody
/// may write to.
fn check(path: &Path) -> Result<(), String> {
    let named = path.symlink_metadata().map_err(|error| format!("{}: {error}", path.display()))?;
    if named.file_type().is_symlink() {
        let target = std::fs::read_link(path).map_err(|error| format!("{}: {error}", path.display()))?;
        if target.components().count() != 1 || target.file_name() != Some(target.as_os_str()) {
            return Err(format!("the link leads out of its folder: {}", target.display()));
        }
    }
    let end = path.metadata().map_err(|error| format!("the link leads nowhere: {error}"))?;
    if !end.file_type().is_socket() {
        return Err("it is no socket".to_owned());
    }
    if end.mode() & 0o666 != 0o666 {
        return Err(format!("the socket's mode is {:o}", end.mode() & 0o777));
    }
    if path.as_os_str().len() > MAX_PATH {
        return Err("the path is too long for a socket's address".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{File, Permissions, set_permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    /// Returns a folder of its own, removed by the test.
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("fn-agent-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn told(name: &str, make: impl FnOnce(&Path) -> Option<UnixListener>) -> Option<Result<(), String>> {
        let folder = folder(name);
        let mut watch = Watch::begin(folder.join("lsnr.sock"));
        let listener = make(&folder);
        let told = watch.look().map(|it| it.map(drop));
        drop(listener);
        std::fs::remove_dir_all(folder).unwrap();
        told
    }

    fn bound(path: &Path, mode: u32) -> UnixListener {
        let listener = UnixListener::bind(path).unwrap();
        set_permissions(path, Permissions::from_mode(mode)).unwrap();
        listener
    }

    #[test]
    fn a_link_to_a_socket_beside_it_is_taken() {
        let good = told("good", |folder| {
            let listener = bound(&folder.join("other.sock"), 0o666);
            symlink("other.sock", folder.join("lsnr.sock")).unwrap();
            Some(listener)
        });
        assert_eq!(good, Some(Ok(())));
        assert_eq!(told("bare", |folder| Some(bound(&folder.join("lsnr.sock"), 0o666))), Some(Ok(())));
        assert_eq!(told("none", |_| None), None);
    }

    #[test]
    fn everything_else_is_refused() {
        let absolute = told("absolute", |folder| {
            let listener = bound(&folder.join("other.sock"), 0o666);
            symlink(folder.join("other.sock"), folder.join("lsnr.sock")).unwrap();
            Some(listener)
        });
        assert!(absolute.is_some_and(|it| it.is_err()), "a link with a folder in it");
        let closed = told("closed", |folder| Some(bound(&folder.join("lsnr.sock"), 0o600)));
        assert!(closed.is_some_and(|it| it.is_err()), "not for everybody");
        let file = told("file", |folder| File::create(folder.join("lsnr.sock")).map(|_| None).unwrap());
        assert!(file.is_some_and(|it| it.is_err()), "no socket");
        let deaf = told("deaf", |folder| {
            drop(bound(&folder.join("lsnr.sock"), 0o666));
            None
        });
        assert!(deaf.is_some_and(|it| it.is_err()), "nobody listens");
    }

    #[test]
    fn a_stale_name_is_not_taken_for_a_new_one() {
        let folder = folder("stale");
        drop(bound(&folder.join("lsnr.sock"), 0o666));
        let mut watch = Watch::begin(folder.join("lsnr.sock"));
        assert!(watch.look().is_none());
        std::fs::remove_file(folder.join("lsnr.sock")).unwrap();
        assert!(watch.look().is_none());
        let _listener = bound(&folder.join("lsnr.sock"), 0o666);
        assert!(watch.look().is_some_and(|it| it.is_ok()));
        std::fs::remove_dir_all(folder).unwrap();
    }
}

//! Files in a folder, written by a thread of their own, the oldest going for the newest.

use std::collections::VecDeque;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// The most recordings that wait to be written. More are dropped.
const QUEUE: usize = 64;

enum Job {
    Write(String, String),
    /// A request that is answered when everything before it is written.
    Flush(SyncSender<()>),
}

/// The folder with its recordings.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    most: usize,
    writer: Mutex<Option<SyncSender<Job>>>,
    number: AtomicU64,
    /// The number of recordings that found no room.
    dropped: AtomicU64,
}

impl Folder {
    pub(crate) fn new(path: PathBuf, most: usize) -> Folder {
        let (number, dropped) = (AtomicU64::new(0), AtomicU64::new(0));
        Folder { path, most, writer: Mutex::new(None), number, dropped }
    }

    /// Hands over a recording to be written. If it is dropped, returns how many have been dropped so far.
    pub(crate) fn write(&self, request_id: &str, recording: String) -> Result<(), u64> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let writer = writer.get_or_insert_with(|| start(self.path.clone(), self.most));
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let id: String = request_id.chars().take(64).map(safe).collect();
        let name = format!("{millis:013}-{number:06}-{id}.json");
        match writer.try_send(Job::Write(name, recording)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                Err(self.dropped.fetch_add(1, Ordering::Relaxed) + 1)
            }
        }
    }

    /// Waits until all recordings are written.
    pub(crate) fn flush(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (done, written) = sync_channel(1);
        if writer.is_some_and(|writer| writer.send(Job::Flush(done)).is_ok()) {
            let _ = written.recv();
        }
    }
}

fn start(path: PathBuf, most: usize) -> SyncSender<Job> {
    let (send, receive) = sync_channel(QUEUE);
    let work = move || run(&path, most, &receive);
    // Without a thread the channel has no other end, and every recording is dropped.
    let _ = std::thread::Builder::new().name("record".to_owned()).spawn(work);
    send
}

fn run(path: &Path, most: usize, jobs: &Receiver<Job>) {
    let mut files = ours(path);
    for job in jobs {
        let (name, recording) = match job {
            Job::Write(name, recording) => (name, recording),
            Job::Flush(done) => {
                let _ = done.send(());
                continue;
            }
        };
        let file = path.join(name);
        if let Err(error) = put(&file, &recording) {
            handlers_sdk::warn!("a recording is lost: {}: {error}", file.display());
            continue;
        }
        files.push_back(file);
        while files.len() > most {
            if let Some(oldest) = files.pop_front() {
                // Another process may have taken the file away.
                let _ = fs::remove_file(oldest);
            }
        }
    }
}

/// Writes a file whole or not at all, readable by the owner alone.
fn put(file: &Path, recording: &str) -> io::Result<()> {
    let fresh = file.with_extension("new");
    let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    out.write_all(recording.as_bytes())?;
    out.write_all(b"\n")?;
    fs::rename(fresh, file)
}

/// Returns the recordings that are there, oldest first.
fn ours(path: &Path) -> VecDeque<PathBuf> {
    let is_ours = |file: &PathBuf| {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.len() > 21 && name.ends_with(".json") && name[..13].bytes().all(|byte| byte.is_ascii_digit())
    };
    let entries = fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_ours).collect();
    files.sort();
    files.into()
}

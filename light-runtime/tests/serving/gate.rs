//! The test's end of the connection that `slow.c` makes: it sees each invocation begin and lets it go on.

use crate::server::LIMIT;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};

pub(crate) struct Gate {
    pub(crate) path: PathBuf,
    arrivals: Receiver<Running>,
}

/// An invocation that is under way in `slow.c`.
pub(crate) struct Running {
    pub(crate) path: String,
    stream: BufReader<UnixStream>,
}

impl Gate {
    pub(crate) fn new() -> Gate {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("gate-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        let listener = UnixListener::bind(&path).unwrap();
        let (sender, arrivals) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut running = Running { path: String::new(), stream: BufReader::new(stream.unwrap()) };
                running.stream.get_ref().set_read_timeout(Some(LIMIT)).unwrap();
                running.path = running.line();
                if sender.send(running).is_err() {
                    return;
                }
            }
        });
        Gate { path, arrivals }
    }

    /// Returns the configuration of `slow.c`.
    pub(crate) fn config(&self) -> String {
        format!("\"{}\"", self.path.display())
    }

    /// Returns the next invocation that begins.
    pub(crate) fn next(&self) -> Running {
        self.arrivals.recv_timeout(LIMIT).expect("an invocation begins")
    }

    /// Returns `true` if no invocation has begun that was not seen.
    pub(crate) fn is_quiet(&self) -> bool {
        self.arrivals.try_recv().is_err()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Running {
    pub(crate) fn go_on(&mut self) {
        self.stream.get_mut().write_all(b"g").unwrap();
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

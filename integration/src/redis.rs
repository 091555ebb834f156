//! A Redis of Debian's on a port of its own, which a test may kill, stop and start again. Its values are on its disk.

use crate::wait::limit;
use platform_emulators::ports::free_port;
use platform_emulators::process::{Process, Signal};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A server, and the folder that outlives it.
pub struct Redis {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    more: Vec<String>,
    process: Process,
}

fn spawn(program: &Path, folder: &Path, port: u16, more: &[String]) -> Process {
    let mut command = Command::new(program);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"]).arg(folder).args(more);
    command.args(["--appendonly", "yes", "--appendfsync", "always"]).current_dir(folder).stdin(Stdio::null());
    let process = Process::spawn(command, |_| ()).expect("Redis starts");
    let ready = process.wait_for_line(|line| line.contains("Ready to accept connections"), limit());
    ready.unwrap_or_else(|late| panic!("{late}; Redis says:\n{}", process.output()));
    process
}

impl Redis {
    /// Starts the server with further arguments, and waits until it takes connections.
    ///
    /// # Panics
    /// It does not. The message has its output.
    pub fn start(program: &Path, more: &[&str]) -> Redis {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (port, more) = (free_port(), more.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
        let process = spawn(program, folder.path(), port, &more);
        Redis { program: program.to_owned(), folder, port, more, process }
    }

    /// Starts the server again on its port, with the values on its disk.
    ///
    /// # Panics
    /// It panics as [`start`](Self::start) does.
    pub fn start_again(&mut self) {
        self.process = spawn(&self.program, self.folder.path(), self.port, &self.more);
    }

    /// Returns the host and port.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Kills the server, and waits until it is gone.
    ///
    /// # Panics
    /// The process does not end.
    pub fn kill(&self) {
        self.process.signal(Signal::Kill).expect("the signal is sent");
        self.process.wait(limit()).expect("SIGKILL ends it");
    }

    /// Sends the server a signal.
    ///
    /// # Panics
    /// The system refuses it.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal).expect("the signal is sent");
    }

    /// Sends one command, as a line, and returns the first line of the answer.
    ///
    /// # Panics
    /// It does not answer.
    pub fn ask(&self, question: &str) -> String {
        let stream = TcpStream::connect(self.address()).expect("it takes connections");
        stream.set_read_timeout(Some(limit())).expect("a limit can be set");
        write!(&stream, "{question}\r\n").expect("it listens");
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).expect("it answers");
        line.trim_end().to_owned()
    }
}

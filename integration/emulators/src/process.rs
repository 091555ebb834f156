//! A runtime under test as a child process: its output line by line while it runs, its signals, its exit, and the end
//! of its whole process group when the handle goes. Knows no platform.
//!
//! A reader of the lines gets all that the process had written by then, and not only the part that a thread happened to
//! have read. So a line that a runtime logs before it answers is there for a test that has the answer.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use crate::wait::TimedOut;

/// A signal that a platform sends to a runtime, or a test to a program in front of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The signal SIGTERM, which asks to leave.
    Term,
    /// The signal SIGINT, which Ctrl-C sends.
    Int,
    /// The signal SIGHUP, which asks a proxy to read its configuration anew.
    Hup,
    /// The signal SIGKILL, which ends the process at once.
    Kill,
    /// The signal SIGSTOP, by which a platform freezes a sandbox between invocations.
    Stop,
    /// The signal SIGCONT, which thaws it.
    Cont,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Signal::Term => "TERM",
            Signal::Int => "INT",
            Signal::Hup => "HUP",
            Signal::Kill => "KILL",
            Signal::Stop => "STOP",
            Signal::Cont => "CONT",
        }
    }
}

/// The output that a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One line of output, without its line feed; bytes that are not UTF-8 are replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The output that it was written to.
    pub stream: Stream,
    /// The text of the line.
    pub text: String,
    /// The time at which it was read.
    pub at: Instant,
}

/// The reading end of one output, which never blocks, and the bytes behind the last line feed.
struct Pipe {
    stream: Stream,
    file: Arc<File>,
    rest: Vec<u8>,
}

#[derive(Default)]
struct Seen {
    lines: Vec<Line>,
    pipes: Vec<Pipe>,
    status: Option<ExitStatus>,
}

impl Seen {
    /// Reads all that the process has written so far. A pipe that is at its end is dropped.
    fn take_written(&mut self) {
        let lines = &mut self.lines;
        self.pipes.retain_mut(|pipe| {
            let open = pipe.take_written(lines);
            if !open && !pipe.rest.is_empty() {
                pipe.push_line(lines);
            }
            open
        });
    }

    fn is_open(&self, file: &Arc<File>) -> bool {
        self.pipes.iter().any(|pipe| Arc::ptr_eq(&pipe.file, file))
    }
}

impl Pipe {
    /// Reads the lines that are there. Returns `false` at the end of the pipe; a read error counts as the end.
    fn take_written(&mut self, lines: &mut Vec<Line>) -> bool {
        let mut buffer = [0; 16 << 10];
        loop {
            match self.file.as_ref().read(&mut buffer) {
                Ok(0) => return false,
                Ok(read) => {
                    for piece in buffer[..read].split_inclusive(|&byte| byte == b'\n') {
                        self.rest.extend_from_slice(piece);
                        if self.rest.last() == Some(&b'\n') {
                            self.rest.pop();
                            self.push_line(lines);
                        }
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }

    fn push_line(&mut self, lines: &mut Vec<Line>) {
        let text = String::from_utf8_lossy(&self.rest).into_owned();
        lines.push(Line { stream: self.stream, text, at: Instant::now() });
        self.rest.clear();
    }
}

/// The part of a process that others may keep: it outlives the handle and never blocks the child's end.
pub(crate) struct Watched {
    pid: u32,
    seen: Mutex<Seen>,
    changed: Condvar,
}

impl Watched {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Returns the state, with all that the process has written by now.
    fn written(&self) -> MutexGuard<'_, Seen> {
        let mut seen = self.seen();
        seen.take_written();
        self.changed.notify_all();
        seen
    }

    fn wait_until<T>(&self, limit: Duration, mut found: impl FnMut(&Seen) -> Option<T>) -> Option<T> {
        let until = Instant::now() + limit;
        let mut seen = self.seen();
        loop {
            if let Some(value) = found(&seen) {
                return Some(value);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            seen = self.changed.wait_timeout(seen, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }

    pub(crate) fn status(&self) -> Option<ExitStatus> {
        self.seen().status
    }

    pub(crate) fn wait_exit(&self, limit: Duration) -> Option<ExitStatus> {
        self.wait_until(limit, |seen| seen.status)
    }

    /// Sends a signal to the process alone, as a platform does. Nothing happens when it has ended.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        // The lock is held while sending: the number cannot go to another process before the exit is noted here.
        let seen = self.seen();
        if seen.status.is_some() {
            return Ok(());
        }
        kill(signal, &self.pid.to_string())
    }

    /// Ends the whole group. A group whose leader has gone is touched only while one of its pipes is still held open.
    /// That shows that a member lives, and that the number is still the group's own.
    pub(crate) fn kill_group(&self) {
        let seen = self.seen();
        if seen.status.is_none() || !seen.pipes.is_empty() {
            // It fails only when no process is left to end.
            let _ = kill(Signal::Kill, &format!("-{}", self.pid));
        }
    }
}

/// Sends a signal by the command `kill`. It is a shell built-in everywhere, while the program is not installed
/// everywhere.
fn kill(signal: Signal, target: &str) -> io::Result<()> {
    let status = Command::new("/bin/sh")
        .args(["-c", "kill -s \"$0\" -- \"$1\" 2>/dev/null", signal.name(), target])
        .stdin(Stdio::null())
        .status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("kill -s {} {target} failed", signal.name()))) }
}

/// Gives a command this environment and `PATH`, and over both the variables it was given: nothing of the caller's.
pub(crate) fn alone(command: &mut Command, environment: impl IntoIterator<Item = (String, String)>) {
    let own: Vec<_> =
        command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command.envs(environment).envs(own);
}

/// A running (or ended) runtime. Dropping it kills its process group; if a test has failed, it prints the command of
/// the process and all its output.
pub struct Process {
    watched: Arc<Watched>,
    /// The folder, variables, program and arguments, as for a shell.
    started: String,
    /// The moment when it was started.
    began: Instant,
}

/// The time for which a program may be held open for writing by others.
const BUSY: Duration = Duration::from_secs(5);

/// Starts a program that may have been written a moment ago. A child of another thread holds it open for writing from
/// its fork to its exec, and lets go of it then.
fn start(command: &mut Command) -> io::Result<Child> {
    let began = Instant::now();
    loop {
        match command.spawn() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy && began.elapsed() < BUSY => {
                std::thread::yield_now();
            }
            started => return started,
        }
    }
}

impl Process {
    /// Starts `command` in a process group of its own with no input (unless the command was given some) and both
    /// outputs captured. `on_exit` runs once, on a thread of this crate, as soon as the process has ended.
    ///
    /// # Errors
    /// The program cannot be started. The error is the system's.
    pub fn spawn(mut command: Command, on_exit: impl FnOnce(ExitStatus) + Send + 'static) -> io::Result<Process> {
        // The command is kept as text: the command itself would hold its end of a pipe that is the process' input.
        let started = format!("{command:?}");
        command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
        let began = Instant::now();
        let mut child = start(&mut command)?;
        let watched = Arc::new(Watched { pid: child.id(), seen: Mutex::default(), changed: Condvar::new() });
        let outputs = child.stdout.take().map(OwnedFd::from).map(|pipe| (Stream::Stdout, pipe));
        for (stream, pipe) in outputs.into_iter().chain(child.stderr.take().map(|pipe| (Stream::Stderr, pipe.into()))) {
            read_lines(&watched, stream, pipe)?;
        }
        let waiter = Arc::clone(&watched);
        std::thread::spawn(move || {
            // `wait` fails only for a child that was reaped already, which nobody else does.
            if let Ok(status) = child.wait() {
                waiter.seen().status = Some(status);
                on_exit(status);
                waiter.changed.notify_all();
            }
        });
        STARTED.with_borrow_mut(|all| {
            if let Some(all) = all {
                all.push((started.clone(), Arc::clone(&watched)));
            }
        });
        Ok(Process { watched, started, began })
    }

    pub(crate) fn watched(&self) -> Arc<Watched> {
        Arc::clone(&self.watched)
    }

    /// Returns the process id.
    pub fn pid(&self) -> u32 {
        self.watched.pid
    }

    /// Returns how long ago its start began.
    pub fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// Returns the exit status, if the process has ended.
    pub fn status(&self) -> Option<ExitStatus> {
        self.watched.status()
    }

    /// Sends a signal to the process alone (not to its group). Nothing happens when it has ended.
    ///
    /// # Errors
    /// The system refuses the signal.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        self.watched.signal(signal)
    }

    /// Waits for the exit, and for the rest of the output as far as the limit allows.
    ///
    /// # Errors
    /// The process still runs at the limit. The text of [`TimedOut`] has its last lines.
    pub fn wait(&self, limit: Duration) -> Result<ExitStatus, TimedOut> {
        let whole = self.watched.wait_until(limit, |seen| seen.status.filter(|_| seen.pipes.is_empty()));
        whole.or_else(|| self.status()).ok_or_else(|| self.timed_out("the process has not ended", limit))
    }

    /// Returns every line written so far, both outputs, in the order read.
    pub fn lines(&self) -> Vec<Line> {
        self.watched.written().lines.clone()
    }

    /// Returns every line of one output written so far.
    pub fn lines_of(&self, stream: Stream) -> Vec<String> {
        let seen = self.watched.written();
        seen.lines.iter().filter(|line| line.stream == stream).map(|line| line.text.clone()).collect()
    }

    /// Returns all that was written so far, in whole lines, as one text.
    pub fn output(&self) -> String {
        let seen = self.watched.written();
        seen.lines.iter().flat_map(|line| [line.text.as_str(), "\n"]).collect()
    }

    /// Waits until some line, already read or still to come, satisfies `wanted`, and returns the first such.
    ///
    /// # Errors
    /// The error is [`TimedOut`] at the limit, or as soon as both outputs are closed without such a line.
    pub fn wait_for_line(&self, mut wanted: impl FnMut(&str) -> bool, limit: Duration) -> Result<String, TimedOut> {
        let mut looked_at = 0;
        let found = self.watched.wait_until(limit, |seen| {
            let new = &seen.lines[looked_at..];
            looked_at = seen.lines.len();
            match new.iter().find(|line| wanted(&line.text)) {
                Some(line) => Some(Some(line.text.clone())),
                None if seen.pipes.is_empty() => Some(None),
                None => None,
            }
        });
        found.flatten().ok_or_else(|| self.timed_out("no such line", limit))
    }

    /// Returns a handle on the output that outlives this one, for a thread that follows it.
    pub fn tail(&self) -> Tail {
        Tail(Arc::clone(&self.watched))
    }

    /// Ends the whole group at once, as dropping the handle does.
    pub fn kill_group(&self) {
        self.watched.kill_group();
    }

    fn timed_out(&self, what: &str, limit: Duration) -> TimedOut {
        let seen = self.watched.seen();
        let from = seen.lines.len().saturating_sub(20);
        let tail: Vec<&str> = seen.lines[from..].iter().map(|line| line.text.as_str()).collect();
        let what =
            format!("{what} (pid {}, {:?}); its last lines:\n{}", self.watched.pid, seen.status, tail.join("\n"));
        TimedOut { what, limit }
    }
}

/// The output of a process, for a thread that follows it.
pub struct Tail(Arc<Watched>);

impl Tail {
    /// Hands on every line, already read or still to come, until both outputs are closed.
    pub fn follow(&self, mut each: impl FnMut(&Line)) {
        let mut looked_at = 0;
        loop {
            let mut seen = self.0.seen();
            while seen.lines.len() <= looked_at && !seen.pipes.is_empty() {
                seen = self.0.changed.wait(seen).unwrap_or_else(|poisoned| poisoned.into_inner());
            }
            let new = seen.lines.get(looked_at..).unwrap_or_default().to_vec();
            looked_at += new.len();
            drop(seen);
            if new.is_empty() {
                return;
            }
            new.iter().for_each(&mut each);
        }
    }

    /// Hands on every line and keeps none, for a process that lives so long that its output would fill the memory. No
    /// method of the process finds a line that was handed on.
    pub fn drain(&self, mut each: impl FnMut(&Line)) {
        loop {
            let mut seen = self.0.seen();
            while seen.lines.is_empty() && !seen.pipes.is_empty() {
                seen = self.0.changed.wait(seen).unwrap_or_else(|poisoned| poisoned.into_inner());
            }
            let lines = std::mem::take(&mut seen.lines);
            drop(seen);
            if lines.is_empty() {
                return;
            }
            lines.iter().for_each(&mut each);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tell(&self.started, &self.watched);
        }
        self.watched.kill_group();
    }
}

/// A process' start as text, and its output.
type Told = (String, Arc<Watched>);

thread_local! {
    /// The processes that this thread has started in [`tell_if_it_fails`]; `None` outside of it.
    static STARTED: RefCell<Option<Vec<Told>>> = const { RefCell::new(None) };
}

/// Runs a test that fails by an error and not by a panic. If it does, the command and the output of each process that it
/// has started on this thread are printed.
///
/// # Errors
/// The error is the test's.
pub fn tell_if_it_fails<E>(test: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
    STARTED.set(Some(Vec::new()));
    let result = test();
    let started = STARTED.take();
    if result.is_err() {
        started.iter().flatten().for_each(|(started, watched)| tell(started, watched));
    }
    result
}

fn tell(started: &str, watched: &Watched) {
    let (pid, status) = (watched.pid, watched.status());
    let mut text = format!("--- process {pid}, {status:?}, was started by\n{started}\n--- and wrote\n");
    watched.written().lines.iter().for_each(|line| text.extend([line.text.as_str(), "\n"]));
    eprintln!("{text}---");
}

/// Reads one output as it comes, on a thread of its own.
fn read_lines(watched: &Arc<Watched>, stream: Stream, pipe: OwnedFd) -> io::Result<()> {
    rustix::io::ioctl_fionbio(&pipe, true)?;
    let file = Arc::new(File::from(pipe));
    watched.seen().pipes.push(Pipe { stream, file: Arc::clone(&file), rest: Vec::new() });
    let watched = Arc::clone(watched);
    std::thread::spawn(move || {
        loop {
            // An interruption is no reason to stop looking, and nothing else can fail for a pipe that is held open.
            let _ = poll(&mut [PollFd::new(&file, PollFlags::IN)], None);
            if !watched.written().is_open(&file) {
                break;
            }
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    fn sh(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn lines_can_be_read_while_the_process_runs_and_its_exit_is_reported() {
        let process = Process::spawn(sh("echo one; echo two >&2; exec sleep 60"), |_| ()).expect("sh starts");
        assert_eq!(process.wait_for_line(|line| line == "two", LIMIT).expect("it writes two"), "two");
        assert_eq!(process.wait_for_line(|line| line == "one", LIMIT).expect("it writes one"), "one");
        assert_eq!(process.status(), None);
        process.signal(Signal::Term).expect("the signal is sent");
        let status = process.wait(LIMIT).expect("SIGTERM ends sleep");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(15));
    }

    #[test]
    fn what_was_written_before_something_else_is_seen_is_read_by_whoever_asks() {
        let folder = tempfile::tempdir().expect("a folder");
        let sign = folder.path().join("sign");
        let mut script =
            sh("i=0; while [ $i -lt 500 ]; do echo $i; i=$((i+1)); done; echo part >&2; : > \"$0\"; exec sleep 60");
        script.arg(&sign);
        let process = Process::spawn(script, |_| ()).expect("sh starts");
        let until = Instant::now() + LIMIT;
        while !sign.exists() && Instant::now() < until {
            std::thread::yield_now();
        }
        assert_eq!(process.lines().len(), 501, "{}", process.output());
    }

    #[test]
    fn lines_that_are_followed_stay_and_lines_that_are_drained_do_not() {
        let process = Process::spawn(sh("echo one; echo two; printf three"), |_| ()).expect("sh starts");
        let (mut followed, mut drained) = (Vec::new(), Vec::new());
        process.tail().follow(|line| followed.push(line.text.clone()));
        assert_eq!(process.output(), "one\ntwo\nthree\n");
        process.tail().drain(|line| drained.push(line.text.clone()));
        assert_eq!((&followed, process.output().as_str()), (&drained, ""));
    }

    #[test]
    fn a_line_without_its_line_feed_is_one_when_the_output_ends() {
        let process = Process::spawn(sh("printf 'one\\ntwo'"), |_| ()).expect("sh starts");
        process.wait(LIMIT).expect("it ends");
        assert_eq!(process.output(), "one\ntwo\n");
    }

    #[test]
    fn a_line_that_never_comes_is_reported_as_soon_as_the_output_closes() {
        let process = Process::spawn(sh("echo only"), |_| ()).expect("sh starts");
        let started = Instant::now();
        let missing = process.wait_for_line(|line| line == "other", LIMIT).expect_err("no such line");
        assert!(missing.what.contains("only"), "{missing}");
        assert!(started.elapsed() < LIMIT);
    }

    #[test]
    fn dropping_the_handle_ends_the_whole_group() {
        let process = Process::spawn(sh("sleep 300 & echo $!; wait"), |_| ()).expect("sh starts");
        process.wait_for_line(|line| line.parse::<u32>().is_ok(), LIMIT).expect("the grandchild's pid");
        let watched = process.watched();
        drop(process);
        // The grandchild holds the pipe, which closes only when that one is gone, too.
        assert!(watched.wait_until(LIMIT, |seen| (seen.pipes.is_empty()).then_some(())).is_some());
    }

    #[test]
    fn a_test_that_fails_says_how_its_process_was_started_and_what_it_wrote() {
        // The variable is set for a test process that this test starts of its own executable, where the test fails.
        const INNER: &str = "FAAS_TEST_FAILS";
        if let Some(way) = std::env::var_os(INNER) {
            let fails = |by_panic: bool| {
                let mut command = sh("echo a last word");
                command.current_dir("/").env("FAAS_LOG", "debug");
                let process = Process::spawn(command, |_| ()).expect("sh starts");
                process.wait(LIMIT).expect("it ends");
                if by_panic { panic!("the test fails") } else { Err("the test fails") }
            };
            if way == "panic" {
                let _ = fails(true);
            }
            tell_if_it_fails(|| fails(false)).expect_err("it fails");
            return;
        }
        let name = std::thread::current().name().map(str::to_owned).expect("a test's thread has its name");
        for way in ["panic", "error"] {
            let mut command = Command::new(std::env::current_exe().expect("it has a path"));
            command.args([&name, "--exact", "--nocapture", "--test-threads=1"]).env(INNER, way);
            let output = command.output().expect("it starts");
            let said = String::from_utf8_lossy(&output.stderr);
            let started = r#"cd "/" && FAAS_LOG="debug" "/bin/sh" "-c" "echo a last word""#;
            assert!(said.contains(started) && said.contains("\n--- and wrote\na last word\n---\n"), "{way}: {said}");
        }
    }

    #[test]
    fn the_exit_callback_runs_with_the_status() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let _process = Process::spawn(sh("exit 7"), move |status| sender.send(status).unwrap_or(())).expect("starts");
        assert_eq!(receiver.recv_timeout(LIMIT).expect("it ends").code(), Some(7));
    }

    #[test]
    fn a_program_that_does_not_exist_is_an_error() {
        assert!(Process::spawn(Command::new("/no/such/program"), |_| ()).is_err());
    }
}

//! A child with three pipes: standard input, whose end tells it to leave; descriptor 3, where its answers come; and its
//! outputs, which are its log. Its environment has the given variables and nothing else, not even `PATH`.

use crate::process::Process;
use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Write, pipe};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The command of a shell that opens descriptor 3, which `std` cannot hand to a child, and replaces itself.
const OPEN: &str = "exec 3>\"$0\"; exec /usr/bin/env -i \"$@\"";

/// A child with its pipes.
pub(super) struct Child {
    pub(super) process: Process,
    input: Mutex<Option<PipeWriter>>,
    /// The writing end, held so that the shell finds it; the child has one of its own.
    _answers: PipeWriter,
    heard: Arc<(Mutex<Heard>, Condvar)>,
}

#[derive(Debug, Default)]
struct Heard {
    /// The lines that came on descriptor 3, and how many of those were taken.
    lines: Vec<Vec<u8>>,
    taken: usize,
    exited: bool,
}

impl Child {
    /// Starts the program in the folder.
    pub(super) fn spawn(program: &Path, folder: &Path, environment: &[(String, String)]) -> io::Result<Child> {
        let (child_input, input) = pipe()?;
        let (reader, answers) = pipe()?;
        let mut command = Command::new("/bin/sh");
        let third = format!("/proc/{}/fd/{}", std::process::id(), answers.as_raw_fd());
        command.args(["-c", OPEN, &third]).args(environment.iter().map(|(name, value)| format!("{name}={value}")));
        command.arg(program).current_dir(folder).env_clear().stdin(child_input);
        let heard = Arc::new((Mutex::new(Heard::default()), Condvar::new()));
        let told = Arc::clone(&heard);
        let process = Process::spawn(command, move |_| {
            lock(&told.0).exited = true;
            told.1.notify_all();
        })?;
        listen(reader, Arc::clone(&heard));
        Ok(Child { process, input: Mutex::new(Some(input)), _answers: answers, heard })
    }

    /// Writes a line to its input.
    pub(super) fn write(&self, line: &[u8]) -> io::Result<()> {
        let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        let input = input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(line)?;
        input.write_all(b"\n")
    }

    /// Closes the child's input.
    pub(super) fn end(&self) {
        *self.input.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Returns the next line of its answers; `None` if it has ended, or no line came within the limit.
    pub(super) fn answer(&self, limit: Duration) -> Option<Vec<u8>> {
        let until = Instant::now() + limit;
        let mut heard = lock(&self.heard.0);
        loop {
            if let Some(line) = heard.lines.get(heard.taken).cloned() {
                heard.taken += 1;
                return Some(line);
            }
            let left = until.saturating_duration_since(Instant::now());
            if heard.exited || left.is_zero() {
                return None;
            }
            heard = self.heard.1.wait_timeout(heard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Returns the lines that nobody has asked for.
    pub(super) fn unasked(&self) -> Vec<String> {
        let heard = lock(&self.heard.0);
        heard.lines[heard.taken..].iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect()
    }
}

fn listen(reader: PipeReader, heard: Arc<(Mutex<Heard>, Condvar)>) {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(reader);
        let mut line = Vec::new();
        // A read error is the end of the pipe as far as lines go.
        while matches!(reader.read_until(b'\n', &mut line), Ok(read) if read > 0) {
            lock(&heard.0).lines.push(std::mem::take(&mut line));
            heard.1.notify_all();
        }
    });
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    #[test]
    fn lines_go_in_and_come_out_of_the_third_descriptor_and_the_environment_is_its_own() {
        let environment = [("GIVEN".to_owned(), "given".to_owned())];
        let child = Child::spawn(Path::new("/bin/sh"), Path::new("/"), &environment).expect("sh starts");
        child.write(b"echo \"$GIVEN $HOME\"; echo one >&3").expect("it listens");
        assert_eq!(child.answer(LIMIT).as_deref(), Some(&b"one\n"[..]));
        child.write(b"echo two >&3; echo three >&3; echo over >&2").expect("it listens");
        assert_eq!(child.answer(LIMIT).as_deref(), Some(&b"two\n"[..]));
        child.end();
        assert_eq!(child.process.wait(LIMIT).expect("its input has ended").code(), Some(0));
        let mut lines: Vec<String> = child.process.lines().into_iter().map(|line| line.text).collect();
        lines.sort();
        assert_eq!(lines, ["given ", "over"]);
    }

    #[test]
    fn a_child_that_has_gone_answers_nothing() {
        let child = Child::spawn(Path::new("/no/such/program"), Path::new("/"), &[]).expect("the shell starts");
        assert_eq!(child.answer(LIMIT), None);
        assert_eq!(child.process.wait(LIMIT).expect("it has gone").code(), Some(127));
        assert_eq!(child.unasked(), Vec::<String>::new());
    }
}

//! Ends the process when a thread of the runtime's own panics: nobody else would miss that thread, and its work would
//! never come back.

use crate::exit_code::FAILED;
use crate::runtime_files;
use faas_core::log::{Level, Log};
use std::io;
use std::thread::{Builder, JoinHandle};

/// A guard that a thread keeps for as long as it works.
pub(crate) struct Guard<'a>(pub(crate) &'a Log);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.say(Level::Error, "a thread of the runtime itself panicked, as standard error says: leaving");
            runtime_files::leave(FAILED);
        }
    }
}

/// Starts a guarded thread. `stack` is in bytes; `None` is std's own.
///
/// # Errors
/// The system gives no thread.
pub(crate) fn spawn<T: Send + 'static>(
    log: &Log,
    name: &str,
    stack: Option<usize>,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    // Boxed, so that what std does to start a thread is there once and not for every body.
    spawn_boxed(log, name, stack, Box::new(body))
}

fn spawn_boxed<T: Send + 'static>(
    log: &Log,
    name: &str,
    stack: Option<usize>,
    body: Box<dyn FnOnce() -> T + Send>,
) -> io::Result<JoinHandle<T>> {
    let log = log.clone();
    let builder = Builder::new().name(name.to_owned());
    let builder = stack.into_iter().fold(builder, Builder::stack_size);
    builder.spawn(move || {
        let _guard = Guard(&log);
        body()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Output;
    use faas_core::log::Format;
    use faas_core::platform::LogTo;
    use std::process::Command;
    use std::sync::Arc;

    /// This variable is set for a process that the test starts of its own executable: there the thread panics.
    const INNER: &str = "FAAS_TEST_PANICS";

    #[test]
    fn a_panic_in_a_thread_of_the_runtimes_ends_the_process_with_1_and_a_line() {
        if std::env::var_os(INNER).is_some() {
            let log = Log::new(Level::Info, Format::Text, Arc::new(Output::new(None, LogTo::Error)));
            let thread = spawn(&log, "faas-test", None, || panic!("a bug of the runtime's"));
            let _ = thread.map(JoinHandle::join);
            panic!("the process goes on without its thread");
        }
        let name = std::thread::current().name().map(str::to_owned).expect("a test's thread has its name");
        let mut command = Command::new(std::env::current_exe().expect("it has a path"));
        command.args([&name, "--exact", "--nocapture", "--test-threads=1"]).env(INNER, "1");
        let output = command.output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("a bug of the runtime's"), "{said}");
        let line = " ERROR - runtime: a thread of the runtime itself panicked, as standard error says: leaving";
        assert_eq!(said.lines().filter(|said| said.ends_with(line)).count(), 1, "{said}");
        assert!(!said.contains("goes on"), "{said}");
    }
}

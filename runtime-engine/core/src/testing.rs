//! The parts that unit tests of this crate need again and again: an environment made of pairs, a log that is kept, a
//! process, a request. Knows no platform.

use crate::http1::{Assembly, Message};
use crate::invocation::{Invocation, InvocationMetadata};
use crate::log::{Format, Level, LineKind, Log, Sink};
use crate::process::{Identity, Process};
use std::sync::{Arc, Mutex};

/// Names and values.
pub(crate) type Pairs<'a> = &'a [(&'a str, &'a str)];

/// Returns the look-up of an environment that has these variables and no other.
pub(crate) fn look_up<'a>(pairs: Pairs<'a>) -> impl Fn(&str) -> Option<String> + 'a {
    |name| pairs.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
}

/// Keeps the lines and the marks of a log.
#[derive(Default)]
pub(crate) struct Kept {
    lines: Mutex<Vec<String>>,
    marks: Mutex<Vec<(String, bool)>>,
}

impl Kept {
    /// Returns the lines so far, each with its line feed.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no test panicked here").clone()
    }

    /// Returns the lines so far, each from the level on and without the line feed, and forgets them.
    pub(crate) fn take(&self) -> Vec<String> {
        let lines = std::mem::take(&mut *self.lines.lock().expect("no test panicked here"));
        lines.iter().map(|line| line.trim_end()["2026-01-01T00:00:00.000Z ".len()..].to_owned()).collect()
    }

    /// Returns the marks so far, each with `true` if it goes to standard error too, and forgets them.
    pub(crate) fn take_marks(&self) -> Vec<(String, bool)> {
        std::mem::take(&mut *self.marks.lock().expect("no test panicked here"))
    }
}

impl Sink for Kept {
    fn write(&self, line: &[u8], _: LineKind) {
        self.lines.lock().expect("no test panicked here").push(String::from_utf8_lossy(line).into_owned());
    }

    fn mark(&self, text: &[u8], both: bool) {
        let text = String::from_utf8_lossy(text).into_owned();
        self.marks.lock().expect("no test panicked here").push((text, both));
    }
}

/// Returns a process without names, and its log.
pub(crate) fn process() -> (Arc<Process>, Arc<Kept>) {
    process_of(Identity::default())
}

/// Returns a process with these names, and its log.
pub(crate) fn process_of(identity: Identity) -> (Arc<Process>, Arc<Kept>) {
    let kept = Arc::new(Kept::default());
    (Arc::new(Process::new(identity, Log::new(Level::Info, Format::Text, kept.clone()))), kept)
}

/// Returns a request as a reader of HTTP would.
pub(crate) fn request(method: &str, target: &str, headers: Pairs<'_>, body: &[u8]) -> Message {
    let mut assembly = Assembly::request(Vec::new(), method.as_bytes(), target.as_bytes(), b"");
    headers.iter().for_each(|(name, value)| assembly.header(name.as_bytes(), value.as_bytes()));
    assembly.body().extend_from_slice(body);
    assembly.finish()
}

/// Returns an invocation of the function `f` by a message.
pub(crate) fn invocation(process: &Arc<Process>, message: Message, metadata: InvocationMetadata) -> Invocation {
    let mut invocation = Invocation::new(process.clone(), Arc::from("f"));
    invocation.renew(message, &metadata, false);
    invocation
}

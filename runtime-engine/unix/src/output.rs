//! Writes log lines to descriptors: standard output and error, or the platform's framed channel.

use faas_core::log::{Level, LineKind, Sink};
use faas_core::platform::LogTo;
use faas_core::platform::aws_lambda::frame_head;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};

/// Writes each line with one system call. Errors are dropped: a closed log is no reason to fail an invocation.
#[derive(Debug)]
pub struct Output {
    plain: Option<File>,
    to: LogTo,
    framed: Option<Mutex<File>>,
}

impl Output {
    /// Makes an output. `to` decides between standard output and standard error; with `framed`, the platform's
    /// descriptor for framed lines, all lines go there.
    pub fn new(framed: Option<File>, to: LogTo) -> Output {
        // std's own stdout would copy and lock each line once more.
        let plain = std::io::stdout().as_fd().try_clone_to_owned().ok().map(File::from);
        Output { plain, to, framed: framed.map(Mutex::new) }
    }
}

impl Sink for Output {
    fn write(&self, line: &[u8], kind: LineKind) {
        if let Some(framed) = &self.framed {
            let message = line.strip_suffix(b"\n").unwrap_or(line);
            let mut frame = Vec::with_capacity(message.len() + 16);
            frame.extend_from_slice(&frame_head(message.len(), kind));
            frame.extend_from_slice(message);
            let mut file = framed.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = file.write_all(&frame);
        } else {
            let is_error = kind.level == Some(Level::Error);
            let to_output = self.to == LogTo::Output || self.to == LogTo::Split && !is_error;
            if !to_output {
                let _ = std::io::stderr().write_all(line);
            } else if let Some(mut plain) = self.plain.as_ref() {
                let _ = plain.write_all(line);
            }
        }
    }

    fn mark(&self, text: &[u8], both: bool) {
        if let Some(mut plain) = self.plain.as_ref() {
            let _ = plain.write_all(text);
        }
        if both {
            let _ = std::io::stderr().write_all(text);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use faas_core::log::{Format, Level, Log};
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn a_framed_line_is_a_head_and_the_line_without_its_newline() {
        let (mut reader, writer) = UnixStream::pair().unwrap();
        let output = Output::new(Some(File::from(OwnedFd::from(writer))), LogTo::Output);
        let kind = LineKind { level: Some(Level::Info), format: Format::Text, time: Duration::from_secs(1) };
        output.write(b"one\n", kind);
        output.write(b"two", kind);
        drop(output);
        let mut written = Vec::new();
        reader.read_to_end(&mut written).unwrap();
        assert_eq!(written, [&frame_head(3, kind)[..], b"one", &frame_head(3, kind), b"two"].concat());
    }

    struct Silent;

    impl Sink for Silent {
        fn write(&self, _: &[u8], _: LineKind) {}
    }

    /// Returns a log that nobody reads.
    pub(crate) fn silent() -> Log {
        Log::new(Level::Error, Format::Text, Arc::new(Silent))
    }
}

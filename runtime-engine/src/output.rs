//! Log lines onto descriptors: standard output, or the platform's framed channel.

use faas_core::log::{Level, LineKind, Sink};
use faas_core::platform::LogTo;
use faas_core::platform::aws_lambda::frame_head;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};

/// Writes each line with one system call. Errors are dropped: a closed log is no reason to fail an invocation.
#[derive(Debug)]
pub(crate) struct Output {
    plain: Option<File>,
    to: LogTo,
    framed: Option<Mutex<Framed>>,
}

#[derive(Debug)]
struct Framed {
    file: File,
    /// Kept from line to line.
    frame: Vec<u8>,
}

impl Output {
    /// What `to` says of standard output and error, and if the platform gave one, its descriptor for framed lines.
    pub(crate) fn new(framed: Option<File>, to: LogTo) -> Output {
        // std's own stdout would copy and lock each line once more.
        let plain = std::io::stdout().as_fd().try_clone_to_owned().ok().map(File::from);
        Output { plain, to, framed: framed.map(|file| Mutex::new(Framed { file, frame: Vec::new() })) }
    }
}

impl Sink for Output {
    fn write(&self, line: &[u8], kind: LineKind) {
        if let Some(framed) = &self.framed {
            let mut framed = framed.lock().unwrap_or_else(PoisonError::into_inner);
            let Framed { file, frame } = &mut *framed;
            let message = line.strip_suffix(b"\n").unwrap_or(line);
            frame.clear();
            frame.extend_from_slice(&frame_head(message.len(), kind));
            frame.extend_from_slice(message);
            let _ = file.write_all(frame);
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
mod tests {
    use super::*;
    use faas_core::log::Format;
    use std::io::{Read, Seek};
    use std::time::Duration;

    #[test]
    fn a_framed_line_is_a_head_and_the_line_without_its_newline() {
        let mut file = tempfile();
        let output = Output::new(Some(file.try_clone().unwrap()), LogTo::Output);
        let kind = LineKind { level: Some(Level::Info), format: Format::Text, time: Duration::from_micros(7) };
        output.write(b"one\n", kind);
        output.write(b"two!\n", kind);
        let mut found = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut found).unwrap();
        assert_eq!(found.len(), 16 + 3 + 16 + 4);
        assert_eq!((&found[4..8], &found[16..19]), (&[0, 0, 0, 3][..], &b"one"[..]));
        assert_eq!(&found[35..], b"two!");
    }

    /// A file without a name.
    fn tempfile() -> File {
        let path = std::env::temp_dir().join(format!("engine-output-{}", std::process::id()));
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        file
    }
}

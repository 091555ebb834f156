//! The stamp of the lines of the log, apart from the invocation itself: a thread of a module's may log beside one that
//! changes the invocation.

use crate::log::{Field, Level, Log, Origin, visible};
use faas_abi::host::Stamped;
use std::sync::{Arc, Mutex, PoisonError};

/// The most bytes of the log that go into a reply. Further lines are written as usual.
const CAPTURE_BYTES: usize = 64 << 10;

/// The ids of an invocation as they are when its first call begins, and where its lines go.
#[derive(Debug, Default)]
pub struct Stamp {
    request_id: Vec<u8>,
    tenant: Vec<u8>,
    trace: Vec<u8>,
    captured: Option<Arc<Captured>>,
}

impl Stamp {
    /// Returns the stamp of a line. `target` is the part of `entry` that speaks.
    pub(crate) fn origin<'a>(&'a self, target: &'a [u8], entry: &'a str, account: &'a str) -> Origin<'a> {
        Origin { request_id: &self.request_id, tenant: &self.tenant, entry, target, trace: &self.trace, account }
    }

    /// Keeps a line for the reply, if the platform takes it there. Returns `false` if it is to be written.
    pub(crate) fn capture<'f>(
        &self,
        log: &Log,
        level: Level,
        message: &[u8],
        fields: impl Iterator<Item = Field<'f>>,
    ) -> bool {
        self.captured
            .as_ref()
            .is_some_and(|captured| level >= Level::Info && log.enabled(level) && captured.keep(message, fields))
    }
}

impl Stamped for super::Invocation {
    type Stamp = Stamp;

    fn stamp(&self, stamp: &mut Stamp) {
        let put = |text: &mut Vec<u8>, value: &[u8]| {
            text.clear();
            text.extend_from_slice(value);
        };
        put(&mut stamp.request_id, self.request_id());
        put(&mut stamp.tenant, self.fact(self.metadata.tenant));
        // The trace that the invocation came with: a layer's span would be no place for lines of those around it.
        put(&mut stamp.trace, if self.process.log.shows_trace() { self.sent_traceparent() } else { &[] });
        stamp.captured = self.metadata.captures_log.then(|| self.captured.clone());
    }
}

/// Lines kept for the reply.
#[derive(Debug, Default)]
pub(super) struct Captured(Mutex<Lines>);

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<String>,
    bytes: usize,
}

impl Captured {
    fn keep<'f>(&self, message: &[u8], fields: impl Iterator<Item = Field<'f>>) -> bool {
        let mut line = Vec::with_capacity(message.len());
        visible(&mut line, message);
        for field in fields {
            line.push(b' ');
            visible(&mut line, field.name);
            line.push(b'=');
            visible(&mut line, field.value);
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes + line.len() > CAPTURE_BYTES {
            return false;
        }
        kept.bytes += line.len();
        kept.lines.push(String::from_utf8_lossy(&line).into_owned());
        true
    }

    /// Takes the lines kept so far. Nobody would take later ones any more, so these are written and not kept.
    pub(super) fn take(&self) -> Vec<String> {
        let full = Lines { lines: Vec::new(), bytes: CAPTURE_BYTES + 1 };
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), full).lines
    }

    /// Forgets the lines and takes those of another invocation.
    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Lines::default();
    }
}

//! The test host's side of one entry: configuration, log, clock, services.

use super::inv::TestInvocation;
use faas_abi::host::{Context, Fields, ServiceTable};
use faas_abi::*;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A line a function or layer wrote to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// 1 error, 2 warn, 3 info, 4 debug, 5 trace.
    pub level: u32,
    /// Where in the code, or which entry.
    pub target: String,
    /// The text.
    pub message: String,
    /// Names and values.
    pub fields: Vec<(String, String)>,
    /// The invocation it belongs to, if it belongs to one.
    pub request_id: Option<String>,
}

/// What all entries of one [`App`](super::App) share.
#[derive(Default)]
pub(super) struct Shared {
    logs: Mutex<Vec<LogLine>>,
    lines: Mutex<Vec<String>>,
    services: Mutex<Vec<(Vec<u8>, u32, ServiceTable)>>,
    config: Mutex<Vec<(&'static [u8], &'static [u8])>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn logs(&self) -> Vec<LogLine> {
        lock(&self.logs).clone()
    }

    pub(super) fn emitted(&self) -> Vec<String> {
        lock(&self.lines).clone()
    }

    /// Configured values live as long as the process, so they are leaked.
    pub(super) fn configure(&self, key: &str, value: &str) {
        let keep = |text: &str| &*Box::leak(text.as_bytes().to_vec().into_boxed_slice());
        lock(&self.config).push((keep(key), keep(value)));
    }
}

pub(super) struct TestHost {
    pub(super) shared: Arc<Shared>,
    pub(super) born: Instant,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Context for TestHost {
    type Inv = TestInvocation;

    fn log_enabled(&self, level: u32, _: &[u8]) -> bool {
        level <= 4
    }

    fn log(&self, request_id: Option<&Vec<u8>>, level: u32, target: &[u8], message: &[u8], fields: Fields<'_>) {
        lock(&self.shared.logs).push(LogLine {
            level,
            target: text(target),
            message: text(message),
            fields: fields.iter().map(|field| (text(field.name), text(field.value))).collect(),
            request_id: request_id.map(|id| text(id)),
        });
    }

    fn emit(&self, line: &[u8]) {
        lock(&self.shared.lines).push(text(line));
    }

    fn config(&self, key: &[u8]) -> Option<&[u8]> {
        lock(&self.shared.config).iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
    }

    fn service(&self, name: &[u8], major: u32) -> Option<ServiceTable> {
        let services = lock(&self.shared.services);
        services.iter().find(|(other, of, _)| other == name && *of == major).map(|(_, _, table)| *table)
    }

    fn offer(&self, name: &[u8], major: u32, table: ServiceTable) -> Status {
        if self.service(name, major).is_some() {
            return E_INVALID;
        }
        lock(&self.shared.services).push((name.to_vec(), major, table));
        OK
    }
}

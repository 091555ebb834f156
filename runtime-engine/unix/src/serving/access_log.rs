//! Writes one line for each request, if the setting asks for it: method, path, status, bytes of the body, time, client.

use super::Server;
use faas_core::http1::Message;
use faas_core::log::{Field, Level, Origin};

/// The facts of a request that are known when it has its answer.
pub(super) struct Access<'a> {
    pub(super) request_id: &'a [u8],
    /// The request; `None` if it is out of reach.
    pub(super) message: Option<&'a Message>,
    pub(super) client: &'a str,
    pub(super) status: u16,
    /// The bytes of the body; `None` for a stream.
    pub(super) bytes: Option<usize>,
    /// The moment when it was whole, in nanoseconds on the process' clock; 0 if it was not taken.
    pub(super) received_ns: u64,
}

impl Server {
    /// Writes the line of a request.
    pub(super) fn access(&self, access: &Access<'_>) {
        let process = self.runtime.process();
        if !self.config.access_log || !process.log.enabled(Level::Info) {
            return;
        }
        let (method, target) =
            access.message.map_or((&b"-"[..], &b"-"[..]), |message| (message.method(), message.target()));
        // The query may hold secrets, and is left out.
        let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
        let took_us = match access.received_ns {
            0 => 0,
            received => process.now_ns().saturating_sub(received) / 1_000,
        };
        let status = access.status.to_string();
        let bytes = access.bytes.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
        let took = took_us.to_string();
        let fields: [(&[u8], &[u8]); 6] = [
            (b"method", method),
            (b"path", path),
            (b"status", status.as_bytes()),
            (b"bytes", bytes.as_bytes()),
            (b"took_us", took.as_bytes()),
            (b"client", access.client.as_bytes()),
        ];
        let origin = Origin { request_id: access.request_id, target: b"access", ..Origin::default() };
        let fields = fields.into_iter().map(|(name, value)| Field::text(name, value));
        process.log.write(Level::Info, origin, b"request", fields);
    }
}

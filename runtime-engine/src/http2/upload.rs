//! The body of a request over HTTP/2 that its invocation reads piece by piece.
//!
//! A task takes the next frame when the last one has been read: what has not been taken counts against the window of
//! its stream, so that the client has to wait, and no more than that window is held.

use bytes::Bytes;
use faas_abi::{E_CANCELLED, E_DEADLINE, E_TOO_BIG, PENDING, Status};
use faas_unix::serving::http2::Waiting;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// The body of one request, as it arrives.
pub(super) struct Upload {
    state: Mutex<State>,
    /// The bell that tells the task that the next part is wanted, or that no more is.
    wanted: Notify,
}

#[derive(Default)]
struct State {
    part: Option<Bytes>,
    /// The end of the body: a good one, or a status; `None` before it.
    end: Option<Result<(), Status>>,
    reader: Option<Waiting>,
    /// `true` once nobody reads any more.
    gone: bool,
}

impl Upload {
    /// Begins to read `body`, of which at most `limit` bytes are taken. `patience` is the time that its client may take
    /// for the next part that somebody waits for.
    pub(super) fn begin(body: Incoming, limit: u64, patience: Duration) -> Arc<Upload> {
        let upload = Arc::new(Upload { state: Mutex::default(), wanted: Notify::new() });
        tokio::spawn(upload.clone().take_parts(body, limit, patience));
        upload
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take_parts(self: Arc<Self>, mut body: Incoming, limit: u64, patience: Duration) {
        let mut taken = 0;
        let end = loop {
            self.wanted.notified().await;
            if self.state().gone {
                return;
            }
            match next(&mut body, patience).await {
                Ok(Some(data)) if taken + data.len() as u64 > limit => break Err(E_TOO_BIG),
                Ok(Some(data)) => {
                    taken += data.len() as u64;
                    self.change(|state| state.part = Some(data));
                }
                Ok(None) => break Ok(()),
                Err(status) => break Err(status),
            }
        };
        self.change(|state| state.end = Some(end));
    }

    /// Changes the state, and wakes the reader and the task that wait for it.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.go_on();
        }
    }

    /// Takes a part, as `Recipient::part` says.
    pub(super) fn part(&self) -> Result<Vec<u8>, Status> {
        let mut state = self.state();
        if let Some(part) = state.part.take() {
            return Ok(part.into());
        }
        match state.end {
            Some(end) => end.map(|()| Vec::new()),
            None => Err(PENDING),
        }
    }

    /// Notes who waits, as `Recipient::wait_for_part` says.
    pub(super) fn wait(&self, reader: Waiting) {
        let mut state = self.state();
        if state.part.is_some() || state.end.is_some() || state.gone {
            drop(state);
            return reader.go_on();
        }
        state.reader = Some(reader);
        drop(state);
        self.wanted.notify_one();
    }

    /// Notes that nobody reads the body any more.
    pub(super) fn give_up(&self) {
        let mut state = self.state();
        state.gone = true;
        state.end.get_or_insert(Err(E_CANCELLED));
        let reader = state.reader.take();
        drop(state);
        drop(reader);
        self.wanted.notify_one();
    }
}

/// Returns the next bytes of a body; `None` at its end.
async fn next(body: &mut Incoming, patience: Duration) -> Result<Option<Bytes>, Status> {
    loop {
        let Some(frame) = timeout(patience, body.frame()).await.map_err(|_| E_DEADLINE)? else { return Ok(None) };
        match frame.map_err(|_| E_CANCELLED)?.into_data() {
            Ok(data) if !data.is_empty() => return Ok(Some(data)),
            // Trailers and empty frames are skipped.
            _ => {}
        }
    }
}

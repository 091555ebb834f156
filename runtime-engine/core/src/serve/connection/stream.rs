//! A response in pieces: its head, its chunks and its end, behind what the client has not taken yet.

use super::{Connection, Phase, STREAM_FULL};
use crate::http1::write::{CHUNK_END, LAST_CHUNK, chunk_size};
use faas_abi::host::Given;
use std::num::NonZeroUsize;

impl Connection {
    /// Begins a stream as the answer, with this head. Returns `false` if nobody takes it any more.
    pub fn begin_stream(&mut self, head: &[u8], chunked: bool, mute: bool, keep: bool) -> bool {
        if self.phase != Phase::Busy {
            return false;
        }
        self.phase = Phase::Streaming { chunked, mute, keep };
        self.send(head);
        true
    }

    /// Sends a part of the stream. Returns `false` if nobody takes it any more.
    pub fn chunk(&mut self, chunk: Given) -> bool {
        let Phase::Streaming { chunked, mute, .. } = self.phase else {
            self.unsent.spend(chunk);
            return false;
        };
        // An empty chunk would be the end of the body.
        let length = NonZeroUsize::new(chunk.as_slice().len()).filter(|_| !mute);
        let Some(length) = length else {
            self.unsent.spend(chunk);
            return true;
        };
        if chunked {
            let mut size = Vec::with_capacity(20);
            chunk_size(&mut size, length);
            self.unsent.copy(&size);
        }
        self.unsent.keep(chunk, 0);
        if chunked {
            self.unsent.copy(CHUNK_END);
        }
        self.charge.force(self.unsent.len());
        true
    }

    /// Returns `true` if the stream's writer has to wait, which is told with that token.
    pub fn is_full(&self) -> bool {
        self.unsent.len() >= STREAM_FULL
    }

    /// Notes that a stream's writer waits for room, by its token.
    pub fn wait_for_room(&mut self, token: usize) {
        self.room = token;
    }

    /// Returns the token of a writer who waits for room that nobody will make, or 0 if no writer waits so.
    pub fn take_room(&mut self) -> usize {
        std::mem::take(&mut self.room)
    }

    /// Ends the stream. `whole` is `true` if nothing failed after its head. Otherwise the client has to see that
    /// something is missing, which over HTTP/1.0 only a broken connection tells.
    pub fn end_stream(&mut self, whole: bool) {
        let Phase::Streaming { chunked, mute, keep } = self.phase else { return };
        if !whole {
            return self.break_off();
        }
        if chunked && !mute {
            self.send(LAST_CHUNK);
        }
        self.answered(keep && chunked);
    }

    /// Breaks the connection off, so that the client sees that something is missing.
    pub fn break_off(&mut self) {
        if self.phase != Phase::Closed {
            self.phase = Phase::Broken;
        }
    }

    /// Returns `true` while a stream is open that nobody has ended.
    pub fn is_streaming(&self) -> bool {
        matches!(self.phase, Phase::Streaming { .. })
    }
}

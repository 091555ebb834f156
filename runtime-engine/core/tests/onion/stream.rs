//! A driver's end of a stream that answers as planned and keeps what it takes.

use crate::plan::Taken;
use crate::world::{Event, Job, World, lock};
use faas_abi::host::Given;
use faas_abi::{E_CANCELLED, OK, PENDING, Status, Tok};
use faas_core::invocation::{Code, Invocation, Stream};
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(crate) struct Recorder(pub Arc<World>);

impl Stream for Recorder {
    fn open(&mut self, invocation: &Invocation, code: Code) -> Status {
        let world = &self.0;
        let headers = invocation.reply_headers().iter().map(|(_, value)| value[0]).collect();
        world.note(Event::Open { code: number(code), headers });
        let opens = &world.run(faas_abi::INVOKE).opens;
        opens[world.opens.fetch_add(1, Ordering::Relaxed) % opens.len()]
    }

    fn write(&mut self, chunk: Given, room: *mut Tok) -> Status {
        let world = &self.0;
        let writes = &world.run(faas_abi::INVOKE).writes;
        let taken = writes[world.writes.fetch_add(1, Ordering::Relaxed) % writes.len()];
        if matches!(taken, Taken::Gone) {
            return E_CANCELLED;
        }
        lock(&world.chunks).push(chunk);
        match taken {
            // Without a token this driver would block until there is room.
            _ if room.is_null() => OK,
            Taken::RoomAtOnce => {
                faas_abi::host::token::complete(room, OK);
                PENDING
            }
            Taken::RoomLater => {
                world.tell(Job::Room(room.addr()));
                PENDING
            }
            Taken::NoRoom => PENDING,
            Taken::Ok | Taken::Gone => OK,
        }
    }
}

/// Returns the contract's number of a code.
pub(crate) fn number(code: Code) -> u64 {
    match code {
        Code::Raw => u64::from(faas_abi::REPLY_RAW),
        Code::Value => u64::from(faas_abi::REPLY_VALUE),
        Code::Http(status) => u64::from(status),
    }
}

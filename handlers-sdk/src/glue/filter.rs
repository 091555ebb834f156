//! A layer's filter of a stream as the contract calls it.

use crate::error::Error;
use crate::ffi::bytes::give;
use crate::ffi::current::within_hook;
use crate::ffi::{Entry, Writer};
use crate::layer::stream_filter::StreamFilter;
use crate::panics;
use core::ffi::c_void;
use faas_abi::*;

/// The state behind a filter's `arg`.
struct Passing<F> {
    filter: F,
    entry: &'static Entry,
    inv: *mut Inv,
}

/// Gives the filter to the host, for the stream that begins.
pub(crate) fn set<F: StreamFilter>(writer: &mut Writer<'_>, filter: F) -> Status {
    let (entry, inv) = writer.raw();
    let arg = Box::into_raw(Box::new(Passing { filter, entry, inv }));
    let status = writer.stream_filter(pass::<F>, arg.cast(), drop_filter::<F>);
    if status < 0 {
        // SAFETY: made just above, and a host that refuses has not taken it.
        drop(unsafe { Box::from_raw(arg) });
    }
    status
}

unsafe extern "C" fn pass<F: StreamFilter>(arg: *mut c_void, piece: Bytes, is_last: u32, out: *mut Buf) -> Status {
    // SAFETY: `set` made it, and one thread at a time calls this before `drop_filter` (faas.h, stream_filter).
    let Passing { filter, entry, inv } = unsafe { &mut *arg.cast::<Passing<F>>() };
    // SAFETY: borrowed for the call.
    let piece = unsafe { piece.as_slice() };
    let filtered = || {
        let mut bytes = if piece.is_empty() { Vec::new() } else { filter.piece(piece)? };
        if is_last != 0 {
            bytes.extend_from_slice(&filter.end()?);
        }
        Ok::<_, Error>(bytes)
    };
    // SAFETY: Alive: the host passes pieces only while the call of the stream is in progress, or has just ended.
    let ended = unsafe { within_hook(entry, *inv, || panics::catch(filtered)) };
    let (error, status) = match ended {
        Ok(Ok(bytes)) => {
            // SAFETY: the host's out parameter.
            unsafe { out.write(give(bytes)) };
            return OK;
        }
        Ok(Err(error)) => (error, E_USER),
        Err(panic) => (panic.into_error(), E_PANIC),
    };
    entry.log(*inv, 1, entry.name(), &error.to_string(), &[]);
    status
}

unsafe extern "C" fn drop_filter<F: StreamFilter>(arg: *mut c_void) {
    // SAFETY: `set` made it, and the host calls this last and once.
    let passing = unsafe { Box::from_raw(arg.cast::<Passing<F>>()) };
    // The filter's own drop may panic.
    panics::catch_aside(|| drop(passing));
}

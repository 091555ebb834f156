//! Stop signals as bytes on a socket, with the C library's `signal`.
#![allow(unsafe_code, reason = "the system's edge; std already links libc, these are its declarations")]

use std::ffi::{c_int, c_void};
use std::io;
use std::os::fd::IntoRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

const SIGINT: c_int = 2;
const SIGTERM: c_int = 15;
/// The value of the system's own handler.
const SIG_DFL: usize = 0;

unsafe extern "C" {
    fn signal(number: c_int, handler: usize) -> usize;
    fn write(fd: c_int, bytes: *const c_void, count: usize) -> isize;
    fn kill(process: c_int, number: c_int) -> c_int;
}

/// The descriptor that the signal handler writes to.
static SIGNALS: AtomicI32 = AtomicI32::new(-1);
/// The id of the process that takes the signals.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// Writes the signal's number to the socket, one of the few things a handler may safely do.
extern "C" fn on_signal(number: c_int) {
    let own = std::process::id();
    if own != OWNER.load(Ordering::Relaxed) {
        // A function has forked: its child has this handler and the socket, but not this process' signals.
        // SAFETY: async-signal-safe; takes two numbers.
        unsafe { signal(number, SIG_DFL) };
        // SAFETY: as above; the signal arrives once more, and as usual, when this handler is done.
        unsafe { kill(own.cast_signed(), number) };
        return;
    }
    let fd = SIGNALS.load(Ordering::Relaxed);
    let byte = number.to_ne_bytes()[0];
    // SAFETY: `write` is async-signal-safe; one byte of a local. A full or closed socket loses the byte and nothing
    // else.
    unsafe { write(fd, (&raw const byte).cast(), 1) };
}

/// Sends SIGTERM and SIGINT as bytes into `socket`, which stays open for the life of the process.
///
/// # Errors
/// It never fails: these two numbers are always taken.
pub(crate) fn signals_into(socket: UnixStream) -> io::Result<()> {
    SIGNALS.store(socket.into_raw_fd(), Ordering::Relaxed);
    OWNER.store(std::process::id(), Ordering::Relaxed);
    for number in [SIGTERM, SIGINT] {
        // SAFETY: the handler above does only what a handler may do.
        unsafe { signal(number, on_signal as *const () as usize) };
    }
    Ok(())
}

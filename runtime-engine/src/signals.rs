//! Stop signals as bytes on a socket, with signal-hook.
#![allow(unsafe_code, reason = "a signal handler is registered")]

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;

/// Sends a byte other than 0 into `socket` for every SIGTERM and SIGINT from now on.
///
/// # Errors
/// No descriptors are left, or the system takes no handler.
pub(crate) fn signals_into(socket: UnixStream) -> io::Result<()> {
    let owner = std::process::id();
    for signal in [SIGTERM, SIGINT] {
        let socket = socket.try_clone()?;
        let tell = move || {
            if std::process::id() == owner {
                // A full socket has bytes enough to wake the reader.
                let _ = (&socket).write(&[1]);
            } else {
                // A function has forked: its child has this handler and the socket, but not this process' signals.
                let _ = low_level::emulate_default_handler(signal);
            }
        };
        // SAFETY: asks for a number, writes a byte or ends the process, which handlers may do; nothing is allocated.
        unsafe { low_level::register(signal, tell)? };
    }
    Ok(())
}

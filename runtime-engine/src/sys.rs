//! The few system calls that neither std nor tokio offers: waiting for one socket on a lent thread, a look at a silent
//! one, inherited descriptors, leaving at once.
#![allow(unsafe_code, reason = "the system's edge; std already links libc, these are its declarations")]

use std::ffi::c_int;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, RawFd};

mod c {
    use std::ffi::{c_int, c_short, c_ulong, c_void};

    #[repr(C)]
    pub(super) struct PollFd {
        pub(super) fd: c_int,
        pub(super) events: c_short,
        pub(super) revents: c_short,
    }

    pub(super) const POLLOUT: c_short = 4;
    pub(super) const MSG_PEEK: c_int = 2;
    pub(super) const MSG_DONTWAIT: c_int = 0x40;

    unsafe extern "C" {
        pub(super) fn poll(fds: *mut PollFd, count: c_ulong, timeout: c_int) -> c_int;
        pub(super) fn recv(fd: c_int, bytes: *mut c_void, count: usize, flags: c_int) -> isize;
        pub(super) fn _exit(code: c_int) -> !;
    }
}

/// Ends the process without running exit handlers: those of modules would race with their own threads.
pub(crate) fn leave(code: c_int) -> ! {
    // SAFETY: takes a number and does not return.
    unsafe { c::_exit(code) }
}

/// Waits on this thread until the socket takes bytes again, or has failed, which the next write will tell.
///
/// # Errors
/// The system's; an interrupted wait is none.
pub(crate) fn wait_writable(socket: &impl AsFd) -> io::Result<()> {
    let mut fd = c::PollFd { fd: socket.as_fd().as_raw_fd(), events: c::POLLOUT, revents: 0 };
    // SAFETY: one entry, ours, open for as long as it is borrowed; the kernel writes only `revents`.
    if unsafe { c::poll(&raw mut fd, 1, -1) } >= 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) }
}

/// Has the other side closed this connection, or said something unasked? Costs a system call and consumes nothing.
pub(crate) fn is_stale(socket: &impl AsFd) -> bool {
    let mut byte = 0u8;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: one byte of a local; the descriptor is open for as long as it is borrowed.
    let read = unsafe { c::recv(fd, (&raw mut byte).cast(), 1, c::MSG_PEEK | c::MSG_DONTWAIT) };
    // Only "nothing yet" means that it is open and silent.
    read >= 0 || io::Error::last_os_error().kind() != io::ErrorKind::WouldBlock
}

/// A descriptor that the platform opened for this process.
///
/// `None` if it is not open or is one of the standard three.
pub(crate) fn inherited(fd: RawFd) -> Option<File> {
    if fd <= 2 || std::fs::metadata(format!("/proc/self/fd/{fd}")).is_err() {
        return None;
    }
    // SAFETY: open, and the platform gave it to this process for this use (`_LAMBDA_TELEMETRY_LOG_FD`): nobody else
    // here owns it.
    Some(unsafe { File::from_raw_fd(fd) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    #[test]
    fn an_open_silent_socket_is_fresh_and_a_closed_or_talking_one_is_stale() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        assert!(!is_stale(&ours));
        theirs.write_all(b"x").unwrap();
        assert!(is_stale(&ours));
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        assert!(is_stale(&ours));
    }

    #[test]
    fn the_standard_descriptors_and_closed_ones_are_not_inherited() {
        assert!(inherited(1).is_none());
        assert!(inherited(9999).is_none());
    }
}

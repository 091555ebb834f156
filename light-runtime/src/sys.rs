//! The few system calls that std does not offer: signals onto a pipe, waiting on descriptors, leaving at once.
#![allow(unsafe_code, reason = "the system's edge; std already links libc, these are its declarations")]

use std::ffi::c_int;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

mod c {
    use std::ffi::{c_int, c_short, c_ulong, c_void};

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub(super) struct PollFd {
        pub(super) fd: c_int,
        pub(super) events: c_short,
        pub(super) revents: c_short,
    }

    pub(super) const POLLIN: c_short = 1;
    pub(super) const POLLOUT: c_short = 4;
    pub(super) const SIGINT: c_int = 2;
    pub(super) const SIGTERM: c_int = 15;

    unsafe extern "C" {
        pub(super) fn poll(fds: *mut PollFd, count: c_ulong, timeout: c_int) -> c_int;
        pub(super) fn signal(number: c_int, handler: usize) -> usize;
        pub(super) fn write(fd: c_int, bytes: *const c_void, count: usize) -> isize;
        pub(super) fn _exit(code: c_int) -> !;
    }
}

/// Ends the process without running exit handlers: those of modules would race with their own threads.
pub(crate) fn leave(code: i32) -> ! {
    // SAFETY: takes a number and does not return.
    unsafe { c::_exit(code) }
}

/// Where the signal handler writes.
static SIGNALS: AtomicI32 = AtomicI32::new(-1);

/// Writes the signal's number to the pipe: the only thing a handler may safely do.
extern "C" fn on_signal(number: c_int) {
    let fd = SIGNALS.load(Ordering::Relaxed);
    let byte = number.to_ne_bytes()[0];
    // SAFETY: `write` is async-signal-safe; one byte of a local. A full or closed pipe loses the byte and nothing else.
    unsafe { c::write(fd, (&raw const byte).cast(), 1) };
}

/// Sends SIGTERM and SIGINT as bytes into `pipe`, which stays open for the life of the process.
pub(crate) fn signals_into(pipe: UnixStream) {
    SIGNALS.store(pipe.into_raw_fd(), Ordering::Relaxed);
    for number in [c::SIGTERM, c::SIGINT] {
        // SAFETY: the handler above does only what a handler may do.
        unsafe { c::signal(number, on_signal as *const () as usize) };
    }
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

/// Readiness of a set of descriptors.
#[derive(Default)]
pub(crate) struct Interest {
    fds: Vec<c::PollFd>,
}

impl Interest {
    /// Forgets the set and keeps its memory.
    pub(crate) fn clear(&mut self) {
        self.fds.clear();
    }

    /// Adds a descriptor; its place in the set.
    pub(crate) fn add(&mut self, fd: &impl AsRawFd, read: bool, write: bool) -> usize {
        let events = if read { c::POLLIN } else { 0 } | if write { c::POLLOUT } else { 0 };
        self.fds.push(c::PollFd { fd: fd.as_raw_fd(), events, revents: 0 });
        self.fds.len() - 1
    }

    /// Waits until one is ready or the time is up; says how many are.
    ///
    /// # Errors
    /// The system's; an interrupted wait is no error and counts as none ready.
    pub(crate) fn wait(&mut self, limit: Option<Duration>) -> std::io::Result<usize> {
        // Rounded up, so that a wait never ends just before its moment and spins.
        let round_up = |limit: Duration| limit.as_millis() + u128::from(limit.subsec_nanos() % 1_000_000 != 0);
        let millis = limit.map_or(-1, |limit| c_int::try_from(round_up(limit)).unwrap_or(c_int::MAX));
        // SAFETY: pointer and length are the vector's; the kernel writes only `revents`.
        let ready = unsafe { c::poll(self.fds.as_mut_ptr(), self.fds.len() as _, millis) };
        if ready >= 0 {
            return Ok(usize::try_from(ready).unwrap_or(0));
        }
        let error = std::io::Error::last_os_error();
        if error.kind() == std::io::ErrorKind::Interrupted { Ok(0) } else { Err(error) }
    }

    /// May it be read, or has it failed or closed, which a read will tell?
    pub(crate) fn readable(&self, place: usize) -> bool {
        self.fds.get(place).is_some_and(|fd| fd.revents & !c::POLLOUT != 0)
    }

    /// May it be written, or has it failed?
    pub(crate) fn writable(&self, place: usize) -> bool {
        self.fds.get(place).is_some_and(|fd| fd.revents & !c::POLLIN != 0)
    }
}

/// Has a descriptor something to read now, an end of file included?
pub(crate) fn is_readable_now(fd: &impl AsRawFd) -> bool {
    let mut interest = Interest::default();
    let place = interest.add(fd, true, false);
    matches!(interest.wait(Some(Duration::ZERO)), Ok(ready) if ready > 0) && interest.readable(place)
}

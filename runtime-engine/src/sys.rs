//! The few system calls that neither std nor tokio offers: what process 1 of a container needs, stop signals, waiting for
//! one socket on a lent thread, a look at a silent one, inherited descriptors, leaving at once.
#![allow(unsafe_code, reason = "the system's edge; std already links libc, these are its declarations")]

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level;
use std::ffi::{c_int, c_short};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

mod c {
    use std::ffi::{c_int, c_short, c_ulong, c_void};

    #[repr(C)]
    pub(super) struct PollFd {
        pub(super) fd: c_int,
        pub(super) events: c_short,
        pub(super) revents: c_short,
    }

    pub(super) const POLLIN: c_short = 1;
    pub(super) const POLLOUT: c_short = 4;
    pub(super) const MSG_PEEK: c_int = 2;
    pub(super) const MSG_DONTWAIT: c_int = 0x40;

    /// `sigset_t` of the C libraries of Linux, which is larger than the kernel's.
    #[repr(C)]
    #[derive(Clone, Copy, Debug)]
    pub(super) struct SignalSet(pub(super) [u64; 16]);

    pub(super) const SIG_BLOCK: c_int = 0;
    pub(super) const SIG_SETMASK: c_int = 2;
    pub(super) const WNOHANG: c_int = 1;

    unsafe extern "C" {
        pub(super) fn poll(fds: *mut PollFd, count: c_ulong, timeout: c_int) -> c_int;
        pub(super) fn recv(fd: c_int, bytes: *mut c_void, count: usize, flags: c_int) -> isize;
        pub(super) fn _exit(code: c_int) -> !;
        pub(super) fn signal(number: c_int, handler: usize) -> usize;
        pub(super) fn sigfillset(set: *mut SignalSet) -> c_int;
        pub(super) fn sigprocmask(how: c_int, new: *const SignalSet, old: *mut SignalSet) -> c_int;
        pub(super) fn sigwait(set: *const SignalSet, number: *mut c_int) -> c_int;
        pub(super) fn fork() -> c_int;
        pub(super) fn setpgid(process: c_int, group: c_int) -> c_int;
        pub(super) fn kill(process: c_int, number: c_int) -> c_int;
        pub(super) fn waitpid(process: c_int, status: *mut c_int, options: c_int) -> c_int;
    }
}

/// Ends the process without running exit handlers: those of modules would race with their own threads.
pub(crate) fn leave(code: c_int) -> ! {
    // SAFETY: takes a number and does not return.
    unsafe { c::_exit(code) }
}

/// What std does before `main`, for a program that starts without it: descriptors 0 to 2 are open, so that no socket is
/// taken for standard output, and a broken pipe is an error of the write, not the end of the process.
pub(crate) fn begin() {
    const NOT_OPEN: c_short = 0x20;
    const SIGPIPE: c_int = 13;
    const SIG_IGN: usize = 1;
    let mut standard = [0, 1, 2].map(|fd| c::PollFd { fd, events: 0, revents: 0 });
    // SAFETY: three entries, ours; the kernel writes only `revents`.
    unsafe { c::poll(standard.as_mut_ptr(), 3, 0) };
    for _ in standard.iter().filter(|fd| fd.revents & NOT_OPEN != 0) {
        // It gets the lowest number that is free, and keeps it.
        std::mem::forget(File::options().read(true).write(true).open("/dev/null"));
    }
    // SAFETY: two numbers; the signal is to be ignored.
    unsafe { c::signal(SIGPIPE, SIG_IGN) };
}

/// Sends a byte other than 0 into `pipe` for every SIGTERM and SIGINT from now on.
///
/// # Errors
/// If there are no descriptors left, or the system takes no handler.
pub(crate) fn signals_into(pipe: &UnixStream) -> io::Result<()> {
    let owner = std::process::id();
    for signal in [SIGTERM, SIGINT] {
        let pipe = pipe.try_clone()?;
        let tell = move || {
            if std::process::id() == owner {
                // A full pipe has been told already.
                let _ = (&pipe).write(&[1]);
            } else {
                // A function has forked: its child has this handler and the pipe, but not this process' signals.
                let _ = low_level::emulate_default_handler(signal);
            }
        };
        // SAFETY: asks for a number, writes a byte or ends the process, which handlers may do; nothing is allocated.
        unsafe { low_level::register(signal, tell)? };
    }
    Ok(())
}

/// The system's own handler.
const SIG_DFL: usize = 0;
/// Tells of a child's end.
pub(crate) const SIGCHLD: c_int = 17;

/// Signals that wait instead of arriving, on this thread.
#[derive(Debug)]
pub(crate) struct HeldSignals {
    all: c::SignalSet,
    before: c::SignalSet,
}

/// Holds every signal that can be held.
pub(crate) fn hold_signals() -> HeldSignals {
    // Whoever started this process may have left it ignored, and then it never comes.
    // SAFETY: the handler is the system's own.
    unsafe { c::signal(SIGCHLD, SIG_DFL) };
    let mut held = HeldSignals { all: c::SignalSet([0; 16]), before: c::SignalSet([0; 16]) };
    // SAFETY: a set of the C library's size, which it fills.
    unsafe { c::sigfillset(&raw mut held.all) };
    // It can fail only for a wrong number.
    // SAFETY: two sets of ours, one read, one written.
    unsafe { c::sigprocmask(c::SIG_BLOCK, &raw const held.all, &raw mut held.before) };
    held
}

impl HeldSignals {
    /// Waits for one and takes it.
    pub(crate) fn next(&self) -> c_int {
        let mut number = 0;
        // It can fail only for a wrong set.
        // SAFETY: a set of ours that is read and a number that is written.
        unsafe { c::sigwait(&raw const self.all, &raw mut number) };
        number
    }

    /// From here on they arrive as before.
    pub(crate) fn release(self) {
        // SAFETY: a set of ours that is read; the old one is not asked for.
        unsafe { c::sigprocmask(c::SIG_SETMASK, &raw const self.before, std::ptr::null_mut()) };
    }
}

/// Doubles the process if this is its only thread: the number of the child, 0 in the child itself. `None`: it did not.
pub(crate) fn fork() -> Option<c_int> {
    if std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() > 1) {
        return None;
    }
    // SAFETY: no other thread, as was just seen, that could hold a lock which nobody in the child would ever release.
    // Without /proc it is as the callers' documentation asks.
    let child = unsafe { c::fork() };
    (child >= 0).then_some(child)
}

/// Makes this process the first of a process group.
pub(crate) fn lead_a_group() {
    // A child that was just made can.
    // SAFETY: takes two numbers.
    unsafe { c::setpgid(0, 0) };
}

/// Sends a signal; one that has ended already needs none.
pub(crate) fn send(process: c_int, signal: c_int) {
    // SAFETY: takes two numbers.
    unsafe { c::kill(process, signal) };
}

/// Collects one child that has ended, if there is one: its number, and its exit code or 128 and the signal's number.
pub(crate) fn collect() -> Option<(c_int, c_int)> {
    let mut status = 0;
    // SAFETY: the status is a local that is written.
    let child = unsafe { c::waitpid(-1, &raw mut status, c::WNOHANG) };
    let signal = status & 0x7f;
    (child > 0).then_some((child, if signal == 0 { status >> 8 & 0xff } else { 128 + signal }))
}

/// Waits on this thread until the socket takes bytes again, or has failed, which the next write will tell.
///
/// # Errors
/// The system's; an interrupted wait is none.
pub(crate) fn wait_writable(socket: &impl AsFd) -> io::Result<()> {
    wait_for(socket, c::POLLOUT, -1).map(drop)
}

/// Waits on this thread until the socket has something to read or has failed, or the time is up; says whether it has. An
/// interrupted wait says no.
pub(crate) fn wait_readable(socket: &impl AsFd, limit: Duration) -> bool {
    // Rounded up, so that a wait never ends just before its moment and spins.
    let millis = limit.as_millis() + u128::from(!limit.subsec_nanos().is_multiple_of(1_000_000));
    wait_for(socket, c::POLLIN, c_int::try_from(millis).unwrap_or(c_int::MAX)).unwrap_or(false)
}

/// Waits on this thread until one of the two has something to read, its end or a failure included; says which. An
/// interrupted wait says neither.
///
/// # Errors
/// The system's.
pub(crate) fn wait_readable_either(first: &impl AsFd, second: &impl AsFd) -> io::Result<[bool; 2]> {
    let mut fds =
        [first.as_fd(), second.as_fd()].map(|fd| c::PollFd { fd: fd.as_raw_fd(), events: c::POLLIN, revents: 0 });
    // SAFETY: two entries, ours, open for as long as they are borrowed; the kernel writes only `revents`.
    let ready = unsafe { c::poll(fds.as_mut_ptr(), 2, -1) };
    let error = io::Error::last_os_error();
    match ready {
        0.. => Ok(fds.map(|fd| fd.revents != 0)),
        _ if error.kind() == io::ErrorKind::Interrupted => Ok([false, false]),
        _ => Err(error),
    }
}

/// Says whether it is ready.
fn wait_for(socket: &impl AsFd, events: c_short, millis: c_int) -> io::Result<bool> {
    let mut fd = c::PollFd { fd: socket.as_fd().as_raw_fd(), events, revents: 0 };
    // SAFETY: one entry, ours, open for as long as it is borrowed; the kernel writes only `revents`.
    let ready = unsafe { c::poll(&raw mut fd, 1, millis) };
    if ready >= 0 {
        return Ok(ready > 0);
    }
    let error = io::Error::last_os_error();
    if error.kind() == io::ErrorKind::Interrupted { Ok(false) } else { Err(error) }
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

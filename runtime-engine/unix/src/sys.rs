//! The few system calls that std does not offer: those that process 1 of a container needs, waiting on descriptors, a
//! clock to wait on, a connection's reset, leaving at once.
#![allow(unsafe_code, reason = "the system's edge; std already links libc, these are its declarations")]

use std::ffi::{c_int, c_short};
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

mod c {
    use std::ffi::{c_int, c_long, c_short, c_uint, c_ulong, c_ushort, c_void};

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub(super) struct PollFd {
        pub(super) fd: c_int,
        pub(super) events: c_short,
        pub(super) revents: c_short,
    }

    /// The kernel packs the structure on this architecture alone.
    #[cfg_attr(target_arch = "x86_64", repr(C, packed))]
    #[cfg_attr(not(target_arch = "x86_64"), repr(C))]
    #[derive(Clone, Copy)]
    pub(super) struct EpollEvent {
        pub(super) events: u32,
        pub(super) token: u64,
    }

    #[repr(C)]
    pub(super) struct Timespec {
        pub(super) seconds: c_long,
        pub(super) nanos: c_long,
    }

    #[repr(C)]
    pub(super) struct Itimerspec {
        pub(super) interval: Timespec,
        pub(super) value: Timespec,
    }

    /// The `struct sockaddr` of C, of which only the family is looked at here.
    #[repr(C)]
    pub(super) struct Sockaddr {
        pub(super) family: c_ushort,
        pub(super) data: [u8; 14],
    }

    pub(super) const AF_UNSPEC: c_ushort = 0;
    pub(super) const CLOCK_MONOTONIC: c_int = 1;
    pub(super) const CLOEXEC: c_int = 0o2_000_000;
    pub(super) const NONBLOCK: c_int = 0o4000;
    pub(super) const EPOLL_CTL_ADD: c_int = 1;
    pub(super) const EPOLL_CTL_DEL: c_int = 2;
    pub(super) const EPOLL_CTL_MOD: c_int = 3;
    pub(super) const EPOLLIN: u32 = 0x1;
    pub(super) const EPOLLOUT: u32 = 0x4;
    pub(super) const EPOLLERR: u32 = 0x8;
    pub(super) const EPOLLHUP: u32 = 0x10;
    pub(super) const EPOLLRDHUP: u32 = 0x2000;
    pub(super) const EPOLLET: u32 = 1 << 31;
    pub(super) const MSG_PEEK: c_int = 2;
    pub(super) const MSG_DONTWAIT: c_int = 0x40;
    pub(super) const MSG_NOSIGNAL: c_int = 0x4000;
    pub(super) const POLLIN: c_short = 1;
    pub(super) const POLLOUT: c_short = 4;

    /// The `sigset_t` of the C libraries of Linux, which is larger than the kernel's.
    #[repr(C)]
    #[derive(Clone, Copy, Debug)]
    pub(super) struct SignalSet(pub(super) [u64; 16]);

    pub(super) const SIG_BLOCK: c_int = 0;
    pub(super) const SIG_SETMASK: c_int = 2;
    pub(super) const WNOHANG: c_int = 1;

    unsafe extern "C" {
        pub(super) fn poll(fds: *mut PollFd, count: c_ulong, timeout: c_int) -> c_int;
        pub(super) fn signal(number: c_int, handler: usize) -> usize;
        pub(super) fn eventfd(value: c_uint, flags: c_int) -> c_int;
        pub(super) fn _exit(code: c_int) -> !;
        pub(super) fn epoll_create1(flags: c_int) -> c_int;
        pub(super) fn epoll_ctl(epoll: c_int, what: c_int, fd: c_int, event: *mut EpollEvent) -> c_int;
        pub(super) fn epoll_wait(epoll: c_int, events: *mut EpollEvent, count: c_int, timeout: c_int) -> c_int;
        pub(super) fn clock_gettime(clock: c_int, now: *mut Timespec) -> c_int;
        pub(super) fn timerfd_create(clock: c_int, flags: c_int) -> c_int;
        pub(super) fn timerfd_settime(fd: c_int, flags: c_int, new: *const Itimerspec, old: *mut Itimerspec) -> c_int;
        pub(super) fn listen(fd: c_int, backlog: c_int) -> c_int;
        pub(super) fn send(fd: c_int, bytes: *const c_void, count: usize, flags: c_int) -> isize;
        pub(super) fn recv(fd: c_int, room: *mut c_void, count: usize, flags: c_int) -> isize;
        pub(super) fn connect(fd: c_int, address: *const Sockaddr, length: c_uint) -> c_int;
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
pub(crate) fn leave(code: i32) -> ! {
    // SAFETY: takes a number and does not return.
    unsafe { c::_exit(code) }
}

/// Prepares the process as std does before `main`, for a program that starts without that. Descriptors 0 to 2 are open,
/// so that no socket is taken for standard output. A broken pipe is an error of the write, not the end of the process.
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

/// The value of the system's own handler.
const SIG_DFL: usize = 0;
/// The signal that tells of a child's end.
pub(crate) const SIGCHLD: c_int = 17;

/// The signals of this thread that are held back: they wait and do not arrive.
#[derive(Debug)]
pub(crate) struct HeldSignals {
    all: c::SignalSet,
    before: c::SignalSet,
}

/// Holds every signal that can be held.
pub(crate) fn hold_signals() -> HeldSignals {
    // The process that started this one may have left it ignored, and then it never comes. SAFETY: the handler is the
    // system's own.
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
    /// Waits for a signal, takes it and returns its number.
    pub(crate) fn next(&self) -> c_int {
        let mut number = 0;
        // It can fail only for a wrong set.
        // SAFETY: a set of ours that is read and a number that is written.
        unsafe { c::sigwait(&raw const self.all, &raw mut number) };
        number
    }

    /// Lets signals arrive as before.
    pub(crate) fn release(self) {
        // SAFETY: a set of ours that is read; the old one is not asked for.
        unsafe { c::sigprocmask(c::SIG_SETMASK, &raw const self.before, std::ptr::null_mut()) };
    }
}

/// Doubles the process if this is its only thread. Returns the number of the child, 0 in the child itself, and `None`
/// if it did not.
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

/// Sends a signal to a process. One that has ended already is left alone.
pub(crate) fn send(process: c_int, signal: c_int) {
    // SAFETY: takes two numbers.
    unsafe { c::kill(process, signal) };
}

/// Collects one child that has ended, if there is one. Returns its number, and its exit code or 128 and the signal's
/// number.
pub(crate) fn collect() -> Option<(c_int, c_int)> {
    let mut status = 0;
    // SAFETY: the status is a local that is written.
    let child = unsafe { c::waitpid(-1, &raw mut status, c::WNOHANG) };
    let signal = status & 0x7f;
    (child > 0).then_some((child, if signal == 0 { status >> 8 & 0xff } else { 128 + signal }))
}

/// Returns a descriptor that the platform opened for this process.
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

/// Waits until a descriptor is ready or the time is up; returns `true` if it is. A failed or closed one is ready: the
/// next call on it fails. An interrupted wait returns `false`.
fn wait_for(fd: &impl AsRawFd, events: c_short, limit: Duration) -> bool {
    // Rounded up, so that a wait never ends just before its moment and spins.
    let millis = limit.as_millis() + u128::from(!limit.subsec_nanos().is_multiple_of(1_000_000));
    let mut fd = c::PollFd { fd: fd.as_raw_fd(), events, revents: 0 };
    // SAFETY: one local, which is what the count says; the kernel writes only `revents`.
    unsafe { c::poll(&raw mut fd, 1, c_int::try_from(millis).unwrap_or(c_int::MAX)) > 0 }
}

/// Returns `true` if a descriptor has something to read now, an end of file included.
pub(crate) fn is_readable_now(fd: &impl AsRawFd) -> bool {
    wait_readable(fd, Duration::ZERO)
}

/// Waits until a descriptor has something to read, or the time is up; returns `true` if it has.
pub(crate) fn wait_readable(fd: &impl AsRawFd, limit: Duration) -> bool {
    wait_for(fd, c::POLLIN, limit)
}

/// Waits until a socket takes bytes, or is gone, or the time is up; returns `false` for the last.
pub(crate) fn wait_writable(socket: &impl AsRawFd, limit: Duration) -> bool {
    wait_for(socket, c::POLLOUT, limit)
}

/// Waits until a socket takes bytes again, or has some to read, or is gone. Returns `true` unless it only takes bytes; an
/// interrupted wait returns `false`.
pub(crate) fn wait_for_room_or_news(socket: &impl AsRawFd) -> bool {
    let mut fd = c::PollFd { fd: socket.as_raw_fd(), events: c::POLLIN | c::POLLOUT, revents: 0 };
    // SAFETY: one local, which is what the count says; the kernel writes only `revents`.
    let ready = unsafe { c::poll(&raw mut fd, 1, -1) };
    ready > 0 && fd.revents & !c::POLLOUT != 0
}

/// Waits until one of two descriptors has something to read; returns `true` for each that has. An interrupted wait
/// returns twice `false`.
pub(crate) fn wait_readable_either(first: &impl AsRawFd, second: &impl AsRawFd) -> [bool; 2] {
    let events = c::POLLIN;
    let mut both = [first.as_raw_fd(), second.as_raw_fd()].map(|fd| c::PollFd { fd, events, revents: 0 });
    // SAFETY: two locals, which is what the count says; the kernel writes only `revents`.
    let ready = unsafe { c::poll(both.as_mut_ptr(), 2, -1) };
    both.map(|fd| ready > 0 && fd.revents != 0)
}

/// Writes as much as a socket takes now. Returns the number of bytes, 0 if it takes nothing.
///
/// # Errors
/// The connection is gone.
pub(crate) fn write_now(socket: &impl AsRawFd, bytes: &[u8]) -> std::io::Result<usize> {
    let flags = c::MSG_DONTWAIT | c::MSG_NOSIGNAL;
    // SAFETY: reads as many bytes as the slice has.
    let written = unsafe { c::send(socket.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), flags) };
    usize::try_from(written).or_else(|_| {
        let error = std::io::Error::last_os_error();
        let is_full = matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted);
        if is_full { Ok(0) } else { Err(error) }
    })
}

/// Makes a result of the system's answer to a call that returns -1 for an error.
fn checked(result: c_int) -> std::io::Result<c_int> {
    if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(result) }
}

/// An event at one of [`Epoll`]'s descriptors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    /// The number that the descriptor was added with.
    pub(crate) token: u64,
    /// `true` if the other side has ended its sending, or the connection is broken.
    pub(crate) ended: bool,
}

/// Changes of readiness of many descriptors, for any number of threads: each change is told to one of them.
#[derive(Debug)]
pub(crate) struct Epoll(OwnedFd);

impl Epoll {
    /// Makes a set without descriptors.
    pub(crate) fn new() -> std::io::Result<Epoll> {
        // SAFETY: takes a flag.
        let fd = checked(unsafe { c::epoll_create1(c::CLOEXEC) })?;
        // SAFETY: new, and nobody else's.
        Ok(Epoll(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Tells of every change of a descriptor from now on, until it is closed, and first of its present state.
    pub(crate) fn add(&self, fd: &impl AsRawFd, token: u64) -> std::io::Result<()> {
        self.control(c::EPOLL_CTL_ADD, fd, token, c::EPOLLIN | c::EPOLLOUT | c::EPOLLRDHUP | c::EPOLLET)
    }

    /// Tells the present state of a descriptor once more.
    pub(crate) fn again(&self, fd: &impl AsRawFd, token: u64) -> std::io::Result<()> {
        self.control(c::EPOLL_CTL_MOD, fd, token, c::EPOLLIN | c::EPOLLOUT | c::EPOLLRDHUP | c::EPOLLET)
    }

    /// Tells every thread, over and over, while a descriptor may be read.
    pub(crate) fn add_for_all(&self, fd: &impl AsRawFd, token: u64) -> std::io::Result<()> {
        self.control(c::EPOLL_CTL_ADD, fd, token, c::EPOLLIN)
    }

    /// Stops telling of a descriptor; to be called where another copy of it stays open.
    pub(crate) fn remove(&self, fd: &impl AsRawFd) {
        // A descriptor that is not there needs no removal.
        let _ = self.control(c::EPOLL_CTL_DEL, fd, 0, 0);
    }

    fn control(&self, what: c_int, fd: &impl AsRawFd, token: u64, events: u32) -> std::io::Result<()> {
        let mut event = c::EpollEvent { events, token };
        // SAFETY: the event is a local that the kernel only reads.
        checked(unsafe { c::epoll_ctl(self.0.as_raw_fd(), what, fd.as_raw_fd(), &raw mut event) }).map(drop)
    }

    /// Waits for changes, without a time limit. Returns some of them, at least one and at most `most` or as many as
    /// `events` holds.
    pub(crate) fn wait<'e>(
        &self,
        events: &'e mut Events,
        most: usize,
    ) -> std::io::Result<impl Iterator<Item = Event> + 'e> {
        let most = most.clamp(1, events.0.len());
        let count = loop {
            let (room, most) = (events.0.as_mut_ptr(), c_int::try_from(most).unwrap_or(1));
            // SAFETY: the list has room for as many events as the count says.
            match checked(unsafe { c::epoll_wait(self.0.as_raw_fd(), room, most, -1) }) {
                Ok(count) => break usize::try_from(count).unwrap_or(0),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        Ok(events.0[..count].iter().map(|event| {
            let ended = event.events & (c::EPOLLRDHUP | c::EPOLLHUP | c::EPOLLERR) != 0;
            Event { token: event.token, ended }
        }))
    }
}

/// A buffer that [`Epoll::wait`] fills with events.
pub(crate) struct Events([c::EpollEvent; Events::ROOM]);

impl Events {
    /// The number of events that the buffer holds at most.
    pub(crate) const ROOM: usize = 32;

    /// Makes a buffer without events.
    pub(crate) fn new() -> Events {
        Events([c::EpollEvent { events: 0, token: 0 }; Events::ROOM])
    }
}

/// Returns nanoseconds on the clock that never goes back.
pub(crate) fn monotonic_ns() -> u64 {
    let mut now = c::Timespec { seconds: 0, nanos: 0 };
    // It can fail only for a wrong number.
    // SAFETY: the time is written to a local.
    unsafe { c::clock_gettime(c::CLOCK_MONOTONIC, &raw mut now) };
    // Both are positive: the clock counts from the start of the machine.
    now.seconds.cast_unsigned() * 1_000_000_000 + now.nanos.cast_unsigned()
}

/// A clock that makes a descriptor readable.
#[derive(Debug)]
pub(crate) struct Alarm(File);

impl AsRawFd for Alarm {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Alarm {
    /// Makes a clock that is not set.
    pub(crate) fn new() -> std::io::Result<Alarm> {
        // SAFETY: takes two numbers.
        let fd = checked(unsafe { c::timerfd_create(c::CLOCK_MONOTONIC, c::CLOEXEC | c::NONBLOCK) })?;
        // SAFETY: new, and nobody else's.
        Ok(Alarm(unsafe { File::from_raw_fd(fd) }))
    }

    /// Has the clock go off once, after that time, instead of at the time that was set before.
    pub(crate) fn set(&self, after: Duration) {
        // Zero would stop the clock.
        let after = after.max(Duration::from_nanos(1));
        let none = c::Timespec { seconds: 0, nanos: 0 };
        let value = c::Timespec {
            seconds: after.as_secs().try_into().unwrap_or(i32::MAX.into()),
            nanos: after.subsec_nanos().into(),
        };
        let spec = c::Itimerspec { interval: none, value };
        // It can fail only for a wrong descriptor or number.
        // SAFETY: the specification is a local that is only read; the old one is not asked for.
        unsafe { c::timerfd_settime(self.as_raw_fd(), 0, &raw const spec, std::ptr::null_mut()) };
    }

    /// Makes it unreadable until it goes off again.
    pub(crate) fn clear(&self) {
        // If there is nothing to read, it is unreadable already.
        let _ = (&self.0).read(&mut [0; 8]);
    }
}

/// A bell that makes a descriptor readable.
#[derive(Debug)]
pub(crate) struct Bell(File);

impl AsRawFd for Bell {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Bell {
    /// Makes a bell that has not rung.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub(crate) fn new() -> std::io::Result<Bell> {
        // SAFETY: takes two numbers.
        let fd = checked(unsafe { c::eventfd(0, c::CLOEXEC | c::NONBLOCK) })?;
        // SAFETY: new, and nobody else's.
        Ok(Bell(unsafe { File::from_raw_fd(fd) }))
    }

    /// Makes the descriptor readable; each ring is a change of its own to [`Epoll`].
    pub(crate) fn ring(&self) {
        // A bell that has rung too often to count is readable.
        let _ = (&self.0).write(&1u64.to_ne_bytes());
    }

    /// Makes the descriptor unreadable until it rings again.
    pub(crate) fn clear(&self) {
        // If there is nothing to read, it is unreadable already.
        let _ = (&self.0).read(&mut [0; 8]);
    }
}

/// Lets that many connections wait to be accepted; the system may cap it.
pub(crate) fn set_backlog(listener: &impl AsRawFd, backlog: u16) {
    // A listener that listens already only changes its number; an error leaves the one it has.
    // SAFETY: takes two numbers.
    unsafe { c::listen(listener.as_raw_fd(), backlog.into()) };
}

/// Copies bytes that have come on a socket into `room`, and leaves them to be read. Returns their number.
///
/// # Errors
/// Nothing has come, or the connection is gone.
pub(crate) fn peek(socket: &impl AsRawFd, room: &mut [u8]) -> std::io::Result<usize> {
    // SAFETY: writes at most as many bytes as the slice has.
    let seen = unsafe { c::recv(socket.as_raw_fd(), room.as_mut_ptr().cast(), room.len(), c::MSG_PEEK) };
    usize::try_from(seen).map_err(|_| std::io::Error::last_os_error())
}

/// Breaks a connection at once, so that the other side sees a reset and no orderly end, whoever else still has the
/// descriptor.
pub(crate) fn reset(stream: &TcpStream) {
    let nobody = c::Sockaddr { family: c::AF_UNSPEC, data: [0; 14] };
    let length = size_of::<c::Sockaddr>();
    // Connecting to nobody is the system's word for it (connect(2)).
    // SAFETY: the address is a local of that length which is only read.
    unsafe { c::connect(stream.as_raw_fd(), &raw const nobody, length as _) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_descriptors_and_closed_ones_are_not_inherited() {
        for fd in [-1, 0, 1, 2, 1 << 20] {
            assert!(inherited(fd).is_none(), "{fd}");
        }
    }
}

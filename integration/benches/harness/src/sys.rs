//! The few system calls that std does not offer: processors, clocks of other processes, waiting on many sockets,
//! signals.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// The processors that this thread, and every process it starts, may run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cores {
    /// Only the processor of this number.
    One(usize),
    /// Any processor that the kernel chooses.
    All,
}

/// Moves this thread to these processors.
///
/// # Panics
/// The machine has no such core.
pub fn run_on(cores: Cores) {
    // SAFETY: a plain set of bits, for which all zeroes is a value.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    for core in 0..libc::CPU_SETSIZE.cast_unsigned() as usize {
        if matches!(cores, Cores::All) || cores == Cores::One(core) {
            // SAFETY: the number is below the size of the set.
            unsafe { libc::CPU_SET(core, &mut set) };
        }
    }
    // SAFETY: the set is ours and of the size that is given.
    let result = unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) };
    assert_eq!(result, 0, "{cores:?}: {}", io::Error::last_os_error());
}

/// Returns the processor time that a process has used so far: that of all its threads, in user mode and in the kernel.
///
/// # Errors
/// There is no such process.
pub fn cpu_time(pid: u32) -> io::Result<Duration> {
    let pid = libc::pid_t::try_from(pid).map_err(io::Error::other)?;
    let mut clock = 0;
    // SAFETY: writes the identifier of the clock into our variable.
    let result = unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) };
    if result != 0 {
        return Err(io::Error::from_raw_os_error(result));
    }
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes the time into our variable.
    if unsafe { libc::clock_gettime(clock, &raw mut now) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Duration::new(now.tv_sec.cast_unsigned(), u32::try_from(now.tv_nsec).unwrap_or(0)))
}

/// Asks a process to end.
pub fn terminate(pid: u32) {
    if let Ok(pid) = libc::pid_t::try_from(pid) {
        // SAFETY: takes two numbers. The process is a child that has not been waited for, so its number is still its
        // own.
        unsafe { libc::kill(pid, libc::SIGTERM) };
    }
}

/// Descriptors that are waited on for something to read.
#[derive(Debug)]
pub struct Epoll(OwnedFd);

impl Epoll {
    /// Returns an empty set.
    ///
    /// # Errors
    /// The system refuses, with its own error.
    pub fn new() -> io::Result<Epoll> {
        // SAFETY: takes a number.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: open, and nobody else's.
        Ok(Epoll(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Adds a descriptor, which leaves the set by being closed.
    ///
    /// # Errors
    /// The system refuses, with its own error.
    pub fn add(&self, fd: RawFd) -> io::Result<()> {
        let data = u64::try_from(fd).map_err(io::Error::other)?;
        let mut event = libc::epoll_event { events: libc::EPOLLIN.cast_unsigned(), u64: data };
        // SAFETY: the event is read during the call.
        let result = unsafe { libc::epoll_ctl(self.0.as_raw_fd(), libc::EPOLL_CTL_ADD, fd, &raw mut event) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Waits for a descriptor that is ready; `None` if the time is up.
    ///
    /// # Errors
    /// The system refuses, with its own error.
    pub fn wait(&self, limit: Duration) -> io::Result<Option<RawFd>> {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        let millis = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: room for the one event that is asked for.
        let ready = unsafe { libc::epoll_wait(self.0.as_raw_fd(), &raw mut event, 1, millis) };
        match ready {
            0 => Ok(None),
            1 => Ok(RawFd::try_from(event.u64).ok()),
            _ => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => Ok(None),
                error => Err(error),
            },
        }
    }
}

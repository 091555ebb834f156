//! The kernel's account of a process, from `/proc`: memory, time, threads, descriptors.

use platform_emulators::process::{Process, Signal};
use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Returns the most memory that was ever resident, in bytes: `VmHWM` of `/proc/PID/status`.
///
/// # Panics
/// The process has ended.
pub fn peak_memory(process: &Process) -> u64 {
    let path = format!("/proc/{}/status", process.pid());
    let status = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}:\n{}", process.output()));
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a process has memory");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of KiB");
    kib << 10
}

/// Returns the fields of `/proc` for a process from its state on, which follows its name in parentheses.
///
/// # Panics
/// It is gone.
pub fn stat(process: &Process) -> String {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.pid())).expect("the process is there");
    stat.rsplit_once(')').map(|(_, rest)| rest.to_owned()).unwrap_or_default()
}

/// Freezes a process, as a platform does a sandbox, and waits until it is.
///
/// # Panics
/// It does not stop.
pub fn freeze(process: &Process) {
    process.signal(Signal::Stop).expect("the signal is sent");
    let frozen =
        crate::wait::until("it is frozen", process, || stat(process).trim_start().starts_with('T').then_some(()));
    frozen.unwrap_or_else(|why| panic!("{why}"));
}

/// Thaws a frozen process.
///
/// # Panics
/// It has ended.
pub fn thaw(process: &Process) {
    process.signal(Signal::Cont).expect("the signal is sent");
}

/// Returns the time on processors so far, of all threads, in ticks of which Linux counts 100 a second: `utime` and
/// `stime` of `/proc/PID/stat`.
///
/// # Panics
/// The process has ended.
pub fn ticks(process: &Process) -> u64 {
    let path = format!("/proc/{}/stat", process.pid());
    let stat = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}:\n{}", process.output()));
    // The name, which may hold spaces, is in parentheses; the state is the first field behind it.
    let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
    let times = fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().expect("a number"));
    times.sum()
}

/// Returns how many threads the process has; 0 if it has ended.
pub fn threads(process: &Process) -> usize {
    fs::read_dir(format!("/proc/{}/task", process.pid())).map_or(0, Iterator::count)
}

/// Returns how many sockets the process has open, listening ones included; 0 if it has ended.
pub fn sockets(process: &Process) -> usize {
    let Ok(entries) = fs::read_dir(format!("/proc/{}/fd", process.pid())) else { return 0 };
    let targets = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

/// Returns `true` if there is a connection from that address to that one, as its server sees it. One that was reset, or
/// that the server has ended, does not count.
///
/// # Panics
/// The kernel does not tell.
pub fn is_connected(client: SocketAddr, server: SocketAddr) -> bool {
    const ESTABLISHED: &str = "01";
    let table = fs::read_to_string("/proc/net/tcp").expect("the kernel tells");
    let ports = [server, client].map(|address| format!(":{:04X}", address.port()));
    table.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let mut next = || fields.next().unwrap_or_default();
        next().ends_with(&ports[0]) && next().ends_with(&ports[1]) && next() == ESTABLISHED
    })
}

/// Lets this process open that many files, where it may and does not yet: both ends of a test's connections need one.
///
/// # Panics
/// The hard limit is lower.
pub fn allow_open_files(count: u64) {
    let limits = fs::read_to_string("/proc/self/limits").expect("the kernel tells");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("a line of it");
    let soft = line.split_whitespace().nth(3).expect("the soft limit");
    if soft.parse().is_ok_and(|soft: u64| soft < count) {
        let pid = std::process::id().to_string();
        let mut command = std::process::Command::new("prlimit");
        command.args(["--pid", &pid, &format!("--nofile={count}:")]);
        let output = command.output().expect("prlimit of util-linux is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// A limit of the memory of processes that are started with its [`wrapper`](Memory::wrapper). It is that of a control
/// group where this process may make one. Elsewhere it is a limit of the memory that a process may map to write to.
#[derive(Debug)]
pub struct Memory {
    bytes: u64,
    /// The control group, which is removed when this is dropped.
    group: Option<PathBuf>,
}

impl Memory {
    /// Returns a limit of that many bytes.
    pub fn limit(bytes: u64) -> Memory {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("faas-test-{}-{number}", std::process::id());
        // The second version is mounted in the first place, and the first one's controller in the second.
        let places = [("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")];
        let group = places.iter().find_map(|(root, file)| {
            let group = Path::new(root).join(&name);
            fs::create_dir(&group).ok()?;
            // The kernel makes the file in a group of that controller; an ordinary folder lacks it.
            let limit = File::options().write(true).open(group.join(file));
            if limit.and_then(|mut limit| limit.write_all(bytes.to_string().as_bytes())).is_ok() {
                return Some(group);
            }
            let _ = fs::remove_dir(&group);
            None
        });
        Memory { bytes, group }
    }

    /// Returns the program with its arguments that puts a process under the limit and becomes it.
    pub fn wrapper(&self) -> Vec<String> {
        match &self.group {
            Some(group) => {
                let enter = format!("echo $$ > '{}/cgroup.procs' && exec \"$@\"", group.display());
                vec!["sh".to_owned(), "-c".to_owned(), enter, "sh".to_owned()]
            }
            None => vec!["prlimit".to_owned(), format!("--data={}", self.bytes), "--".to_owned()],
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // A group that still has a process stays.
        let _ = self.group.as_ref().map(fs::remove_dir);
    }
}
